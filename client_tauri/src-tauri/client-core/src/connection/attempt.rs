//! One socket of a take, from the upgrade to its end.
//!
//! Reading and sending go on side by side: a server that is behind stops reading, and must be listened to meanwhile.

use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::link::Link;
use super::socket::{self, Socket};
use super::{Event, Wish, versions};
use crate::api::ApiError;
use crate::outbox::{Take, TakeId, other_person};
use crate::sensitive::Sensitive;
use crate::view::Problem;
use crate::wire::{
    self, AudioFormat, ClientMessage, ClientProgram, Context, Done, ServerError, ServerMessage,
    Start, close,
};

/// A server beats every 5 s; one that is silent for so long is gone (docs/protocol.md).
const SILENCE: Duration = Duration::from_secs(20);
/// From `start` to `ready`.
const READY_PATIENCE: Duration = Duration::from_secs(20);
/// What a socket that takes nothing more may still have said.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// How much may be sent ahead of what the server said it received.
const AHEAD_S: u64 = 10;
/// The longest message: half a second.
const MESSAGES_A_SECOND: u64 = 2;

/// How one socket ended.
pub(super) enum End {
    /// All is stored.
    Done(Done),
    /// The server has forgotten the session, as asked.
    Cancelled,
    /// To be tried again.
    Lost {
        problem: Problem,
        retry_after: Option<Duration>,
        was_ready: bool,
    },
    /// A newer connection has the session, or another person has signed in.
    Replaced(Problem),
    /// The server will not have it, however often it is asked.
    Refused(Problem),
}

/// What the server has, as of its newest `ack`.
#[derive(Clone, Copy)]
struct Acked {
    received: u64,
    stored: u64,
}

pub(super) async fn attempt(link: &mut Link) -> End {
    let (socket, token) = match socket::signed_in(&link.server, link.elsewhere).await {
        Ok(opened) => opened,
        Err(ApiError::OtherVersion) => return other_version(link).await,
        Err(error) => return not_opened(&error),
    };
    let take = match link.outbox.get(link.opening.take).await {
        Ok(take) => take,
        Err(error) => return lost(error.problem()),
    };
    // Asked after the token was: whoever signed in later has no say in it.
    let person = link.server.signed_in_as();
    if take.is_anothers(person.as_deref(), &link.server.address().to_string()) {
        return End::Replaced(other_person());
    }
    let (mut sink, mut stream) = socket.split();
    let start = start_of(link, &take);
    if sink.send(Message::text(start.encode())).await.is_err() {
        return lost(ApiError::Unreachable.problem());
    }
    let received = match tokio::time::timeout(READY_PATIENCE, ready(&mut stream)).await {
        Ok(Ok(received)) => received,
        Ok(Err(end)) => return signed_out_too(link, token.as_ref(), end).await,
        Err(_) => return lost(ApiError::TimedOut.problem()),
    };
    if let Err(error) = link.note_known().await {
        return lost(error.problem());
    }
    link.say(Event::Ready);
    let (acked, acks) = watch::channel(Acked {
        received,
        stored: link.stored,
    });
    let mut sending = Sending {
        sink,
        outbox: link.outbox.clone(),
        take: take.id,
        rate: u64::from(take.sample_rate),
        wish: link.wish.clone(),
        acks,
        at: received,
    };
    let end = {
        let reading = read(link, &mut stream, &acked);
        tokio::pin!(reading);
        tokio::select! {
            end = &mut reading => end,
            problem = sending.run() => {
                // What the server said before it stopped listening counts for more.
                tokio::time::timeout(LAST_WORDS, reading).await.unwrap_or_else(|_| lost(problem))
            }
        }
    };
    link.stored = acked.borrow().stored;
    match end {
        End::Lost {
            problem,
            retry_after,
            ..
        } => {
            let end = End::Lost {
                problem,
                retry_after,
                was_ready: true,
            };
            signed_out_too(link, token.as_ref(), end).await
        }
        end => end,
    }
}

/// It does not know our protocol; its version says who is to be brought up to date.
async fn other_version(link: &Link) -> End {
    let told = link.server.probe().await;
    let own = &link.opening.client.1;
    lost(match told {
        Ok(probed) => versions::problem(own, &probed.version),
        Err(_) => ApiError::OtherVersion.problem(),
    })
}

/// A token a socket was closed for is not used again.
async fn signed_out_too(link: &Link, token: Option<&Sensitive<String>>, end: End) -> End {
    if let (End::Lost { problem, .. }, Some(token)) = (&end, token)
        && problem.code.starts_with("auth.")
    {
        link.server.token_refused(token).await;
    }
    end
}

fn start_of(link: &Link, take: &Take) -> ClientMessage {
    let opening = &link.opening;
    let (name, version) = opening.client.clone();
    ClientMessage::Start(Start {
        session: Some(take.id.to_string()),
        resume_from: link.is_known.then_some(link.stored),
        audio: AudioFormat::pcm(take.sample_rate),
        language: take.language.clone(),
        partials: opening.partials,
        words: false,
        client: ClientProgram { name, version },
        context: Context {
            app: take.app.as_ref().map(|app| app.chars().take(200).collect()),
            // The server knows the dictionary of whoever signed in, and of whoever needs no sign-in (docs/sync.md).
            terms: Vec::new(),
        },
    })
}

async fn ready(stream: &mut SplitStream<Socket>) -> Result<u64, End> {
    let mut last: Option<ServerError> = None;
    loop {
        match next(stream, &mut last).await? {
            ServerMessage::Ready { received, .. } => return Ok(received),
            ServerMessage::Error(error) => last = Some(error),
            // Nothing else comes before it, but a newer server's.
            _ => {}
        }
    }
}

async fn read(link: &Link, stream: &mut SplitStream<Socket>, acked: &watch::Sender<Acked>) -> End {
    let mut last: Option<ServerError> = None;
    loop {
        let message = match tokio::time::timeout(SILENCE, next(stream, &mut last)).await {
            Ok(Ok(message)) => message,
            Ok(Err(End::Cancelled)) if *link.wish.borrow() != Wish::Cancelled => {
                return lost(ApiError::Unreachable.problem());
            }
            Ok(Err(end)) => return end,
            Err(_) => return lost(ApiError::TimedOut.problem()),
        };
        match message {
            ServerMessage::Ack { received, stored } => {
                acked.send_replace(Acked { received, stored });
            }
            ServerMessage::Heartbeat { received, .. } => {
                acked.send_modify(|acked| acked.received = acked.received.max(received));
            }
            ServerMessage::Partial(partial) => link.say(Event::Partial(partial)),
            // A final is the text: it is waited for until there is room. Whoever took the receiver away wants none.
            ServerMessage::Final(text) => {
                let _ = link.events.send(Event::Final(text)).await;
            }
            ServerMessage::Done(done) if matches!(*link.wish.borrow(), Wish::Finished(_)) => {
                return End::Done(done);
            }
            ServerMessage::Done(_) => {
                let early = "the server ended the session while somebody spoke";
                return End::Refused(Problem::new("session.ended_early", early));
            }
            ServerMessage::Error(error) => last = Some(error),
            ServerMessage::Ready { .. } | ServerMessage::Marker { .. } | ServerMessage::Unknown => {
            }
        }
    }
}

/// The next message; an end where there is none any more.
async fn next(
    stream: &mut SplitStream<Socket>,
    last: &mut Option<ServerError>,
) -> Result<ServerMessage, End> {
    loop {
        match stream.next().await {
            Some(Ok(Message::Text(text))) => {
                return wire::decode(&text)
                    .map_err(|_| End::Refused(ApiError::OtherVersion.problem()));
            }
            Some(Ok(Message::Close(frame))) => return Err(closed(frame.as_ref(), last.take())),
            Some(Ok(_)) => {}
            Some(Err(_)) | None => {
                return Err(match last.take() {
                    Some(error) => end_of(&error, None),
                    None => lost(ApiError::Unreachable.problem()),
                });
            }
        }
    }
}

fn closed(frame: Option<&CloseFrame>, last: Option<ServerError>) -> End {
    let code = frame.map(|frame| u16::from(frame.code));
    match (last, code) {
        (Some(error), code) => end_of(&error, code),
        (None, Some(close::NORMAL)) => End::Cancelled,
        (None, Some(close::TAKEN_OVER)) => End::Replaced(problem_of(
            "session.taken_over",
            "a newer connection continues the session",
        )),
        (None, Some(close::PROTOCOL_ERROR | close::TOO_BIG)) => {
            End::Refused(ApiError::OtherVersion.problem())
        }
        (None, Some(close::FORBIDDEN)) => End::Refused(problem_of(
            "session.forbidden",
            "the session belongs to somebody else",
        )),
        (None, Some(close::UNAUTHORISED)) => lost(problem_of(
            "auth.token_expired",
            "the server wants another token",
        )),
        (None, _) => lost(ApiError::Unreachable.problem()),
    }
}

fn end_of(error: &ServerError, code: Option<u16>) -> End {
    let problem = Problem::new(error.code.clone(), error.message.clone());
    if code == Some(close::TAKEN_OVER) || error.code == "session.taken_over" {
        return End::Replaced(problem);
    }
    // A new token mends it, whatever `retryable` says.
    if code == Some(close::UNAUTHORISED) || error.retryable {
        return End::Lost {
            problem,
            retry_after: error.retry_after_ms.map(Duration::from_millis),
            was_ready: false,
        };
    }
    End::Refused(problem)
}

fn not_opened(error: &ApiError) -> End {
    let problem = error.problem();
    match error {
        ApiError::Refused(_) if !error.passes() => End::Refused(problem),
        ApiError::Refused(refused) => End::Lost {
            problem,
            retry_after: refused.retry_after_s.map(Duration::from_secs),
            was_ready: false,
        },
        // The sign-in, a certificate, the network: once somebody has seen to it, the take goes on.
        _ => lost(problem),
    }
}

fn lost(problem: Problem) -> End {
    End::Lost {
        problem,
        retry_after: None,
        was_ready: false,
    }
}

fn problem_of(code: &str, message: &str) -> Problem {
    Problem::new(code, message)
}

/// The sending half.
struct Sending {
    sink: SplitSink<Socket, Message>,
    outbox: crate::outbox::Outbox,
    take: TakeId,
    rate: u64,
    wish: watch::Receiver<Wish>,
    acks: watch::Receiver<Acked>,
    /// The next sample to send.
    at: u64,
}

impl Sending {
    /// Sends audio as it comes, then `finish`; ends only with a problem.
    async fn run(&mut self) -> Problem {
        let mut is_finished = false;
        loop {
            let wish = *self.wish.borrow_and_update();
            let received = self.acks.borrow_and_update().received;
            let (available, all) = match wish {
                Wish::Speaking(samples) => (samples, None),
                Wish::Finished(samples) => (samples, Some(samples)),
                Wish::Cancelled => {
                    if self.send(ClientMessage::Cancel.encode()).await.is_err() {
                        return ApiError::Unreachable.problem();
                    }
                    // The close that follows is read by the other half.
                    std::future::pending::<()>().await;
                    continue;
                }
            };
            let until = available.min(received + AHEAD_S * self.rate);
            let told = if self.at < until {
                self.send_audio(until).await
            } else if let Some(samples) = all.filter(|all| self.at >= *all && !is_finished) {
                is_finished = true;
                let samples = Some(samples);
                self.send(ClientMessage::Finish { samples }.encode()).await
            } else {
                tokio::select! {
                    changed = self.wish.changed() => if changed.is_err() {
                        // Whoever held the handle is gone; what was finished is still waited for.
                        std::future::pending::<()>().await;
                    },
                    _ = self.acks.changed() => {}
                }
                Ok(())
            };
            if let Err(problem) = told {
                return problem;
            }
        }
    }

    async fn send_audio(&mut self, until: u64) -> Result<(), Problem> {
        let most = (until - self.at).min(self.rate / MESSAGES_A_SECOND);
        let samples = self
            .outbox
            .audio(self.take, self.at, most)
            .await
            .map_err(super::super::outbox::OutboxError::problem)?;
        if samples.is_empty() {
            return Err(Problem::new(
                "outbox.failed",
                "audio that was counted is not in the outbox",
            ));
        }
        let bytes: Vec<u8> = samples.iter().flat_map(|one| one.to_le_bytes()).collect();
        self.sink
            .send(Message::binary(bytes))
            .await
            .map_err(|_| ApiError::Unreachable.problem())?;
        self.at += samples.len() as u64;
        Ok(())
    }

    async fn send(&mut self, text: String) -> Result<(), Problem> {
        self.sink
            .send(Message::text(text))
            .await
            .map_err(|_| ApiError::Unreachable.problem())
    }
}

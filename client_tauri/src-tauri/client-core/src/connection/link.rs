//! A take's way as a whole: one socket after the other, and when to give up.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::attempt::{self, End};
use super::{Event, Opening, Outcome, Wish, needs_somebody, whole_patience};
use crate::account::Server;
use crate::api::ApiError;
use crate::backoff::pause;
use crate::outbox::{KnownAs, Outbox, OutboxError, TakeId};
use crate::view::Problem;

const FIRST_PAUSE: Duration = Duration::from_millis(300);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// A server that wants to be left alone for longer is asked all the same.
const LONGEST_WISH: Duration = Duration::from_secs(3600);
/// How often a server that cannot be reached is told to forget a session; then the session is ended there as any is that
/// nobody comes back to.
const CANCEL_ATTEMPTS: u32 = 6;

/// One take's way.
pub(crate) struct Link {
    pub(super) server: Arc<Server>,
    pub(super) outbox: Outbox,
    pub(super) opening: Opening,
    pub(super) events: mpsc::Sender<Event>,
    pub(super) wish: watch::Receiver<Wish>,
    /// How long a finished take may be without a connection. None: one attempt that gets nowhere is enough.
    patience: Option<Duration>,
    /// Before this, text is stored at the server, as far as this link was told.
    pub(super) stored: u64,
    /// Whether a server may know the session; after [`Outcome::Cancelled`], whether it still does.
    pub(crate) is_known: bool,
    /// How often another server behind the same address was asked for (docs/protocol.md, "Resuming").
    pub(super) elsewhere: u32,
}

impl Link {
    pub(crate) fn new(
        server: Arc<Server>,
        outbox: Outbox,
        opening: Opening,
        events: mpsc::Sender<Event>,
        wish: watch::Receiver<Wish>,
        patience: Option<Duration>,
    ) -> Self {
        Self {
            server,
            outbox,
            opening,
            events,
            wish,
            patience,
            stored: 0,
            is_known: false,
            elsewhere: 0,
        }
    }

    /// Goes the way to its end and writes that end into the outbox.
    pub(crate) async fn run(mut self) -> Outcome {
        let outcome = self.go().await;
        let (outbox, take) = (&self.outbox, self.opening.take);
        let written = match &outcome {
            Outcome::Stored { transcript, text } => outbox
                .stored(take, transcript.clone(), Some(text.clone()))
                .await
                .map(drop),
            Outcome::Later(problem) => outbox
                .again(take, Some(problem.code.clone()), None)
                .await
                .map(drop),
            Outcome::Failed(problem) => outbox.failed(take, problem.code.clone()).await.map(drop),
            Outcome::Cancelled if self.is_known => Ok(()),
            Outcome::Cancelled => outbox.forgotten(take).await.map(drop),
        };
        match (written, outcome) {
            // Removed meanwhile, which the person knows; or stored, only that the disk does not take it: it is found out again at
            // the next start, by asking the server with the same id.
            (Err(error), Outcome::Later(_) | Outcome::Failed(_)) => Outcome::Later(error.problem()),
            (_, outcome) => outcome,
        }
    }

    /// Goes the way to its end, or until it has taken longer than a finished take may; what became of it is for the caller to write
    /// down.
    pub(crate) async fn go(&mut self) -> Outcome {
        let late = too_late(self.outbox.clone(), self.opening.take, self.wish.clone());
        tokio::select! {
            biased;
            outcome = self.go_on() => outcome,
            () = late => Outcome::Later(ApiError::TimedOut.problem()),
        }
    }

    async fn go_on(&mut self) -> Outcome {
        self.is_known = match self.outbox.get(self.opening.take).await {
            Ok(take) => take.known_as == Some(KnownAs::Session),
            Err(error) => {
                let problem = error.problem();
                self.speech_is_over(&problem).await;
                return Outcome::Later(problem);
            }
        };
        let mut failures = 0;
        let mut alone_since = Instant::now();
        loop {
            if *self.wish.borrow() == Wish::Cancelled
                && (!self.is_known || failures >= CANCEL_ATTEMPTS)
            {
                return Outcome::Cancelled;
            }
            let end = attempt::attempt(self).await;
            let (problem, retry_after, was_ready) = match end {
                End::Done(done) => {
                    return Outcome::Stored {
                        transcript: done.transcript,
                        text: done.text,
                    };
                }
                End::Cancelled => {
                    self.is_known = false;
                    return Outcome::Cancelled;
                }
                End::Replaced(problem) => {
                    self.speech_is_over(&problem).await;
                    if *self.wish.borrow() == Wish::Cancelled {
                        return Outcome::Cancelled;
                    }
                    return Outcome::Later(problem);
                }
                End::Refused(problem) => {
                    self.speech_is_over(&problem).await;
                    if *self.wish.borrow() == Wish::Cancelled {
                        // Asked again, it would say the same.
                        self.is_known = false;
                        return Outcome::Cancelled;
                    }
                    return Outcome::Failed(problem);
                }
                End::Lost {
                    problem,
                    retry_after,
                    was_ready,
                } => (problem, retry_after, was_ready),
            };
            if was_ready {
                failures = 0;
                alone_since = Instant::now();
            }
            failures += 1;
            if is_worth_another_server(&problem.code, was_ready) {
                self.elsewhere = self.elsewhere.saturating_add(1);
            }
            self.say(Event::Interrupted(problem.clone()));
            let wait = retry_after.map_or_else(
                || pause(failures, FIRST_PAUSE, LONGEST_PAUSE),
                |wait| wait.min(LONGEST_WISH),
            );
            let patience = if needs_somebody(&problem.code) {
                if *self.wish.borrow() == Wish::Cancelled {
                    return Outcome::Cancelled;
                }
                None
            } else {
                self.patience
            };
            if !self.wait(wait, alone_since, patience).await {
                return Outcome::Later(problem);
            }
        }
    }

    /// Waits before the next attempt; tells whether there is to be one.
    async fn wait(
        &mut self,
        wait: Duration,
        alone_since: Instant,
        patience: Option<Duration>,
    ) -> bool {
        let until = Instant::now() + wait;
        loop {
            let wish = *self.wish.borrow_and_update();
            let give_up_at = match (wish, patience) {
                (Wish::Finished(_), Some(patience)) => Some(alone_since + patience),
                (Wish::Finished(_), None) => return false,
                (Wish::Cancelled, _) => return self.slept_until(until).await,
                (Wish::Speaking(_), _) => None,
            };
            if give_up_at.is_some_and(|at| at <= until) {
                return false;
            }
            tokio::select! {
                () = tokio::time::sleep_until(until) => return true,
                changed = self.wish.changed() => {
                    if changed.is_err() {
                        // Whoever held the handle is gone: nothing more is going to come.
                        return false;
                    }
                }
            }
        }
    }

    async fn slept_until(&self, until: Instant) -> bool {
        tokio::time::sleep_until(until).await;
        true
    }

    /// A server will not have the take: nothing is written about it as long as the microphone is on.
    async fn speech_is_over(&mut self, problem: &Problem) {
        if matches!(*self.wish.borrow(), Wish::Speaking(_)) {
            self.say(Event::Interrupted(problem.clone()));
        }
        // An error says that the handle is gone, and with it whoever speaks.
        let _ = self
            .wish
            .wait_for(|wish| !matches!(wish, Wish::Speaking(_)))
            .await;
    }

    /// Tells something that may be left out when nobody keeps up.
    pub(super) fn say(&self, event: Event) {
        // Full or closed: the take goes on without.
        let _ = self.events.try_send(event);
    }

    /// Notes that the server knows the session, before it gets any audio.
    pub(super) async fn note_known(&mut self) -> Result<(), OutboxError> {
        if self.is_known {
            return Ok(());
        }
        let address = self.server.address().to_string();
        self.outbox
            .known(
                self.opening.take,
                address,
                KnownAs::Session,
                self.server.signed_in_as(),
            )
            .await?;
        self.is_known = true;
        Ok(())
    }
}

/// Comes back when a take has been finished for longer than its server may need. Never for one that is cancelled: the caller
/// waits for that only as long as it likes.
async fn too_late(outbox: Outbox, take: TakeId, mut wish: watch::Receiver<Wish>) {
    let is_finished = wish
        .wait_for(|wish| matches!(wish, Wish::Finished(_)))
        .await
        .is_ok();
    if is_finished {
        // An error says that it was removed meanwhile; then the rest is soon told.
        let seconds = outbox.get(take).await.map_or(0.0, |take| take.seconds());
        tokio::time::sleep(whole_patience(seconds)).await;
        if !matches!(*wish.borrow(), Wish::Cancelled) {
            return;
        }
    }
    std::future::pending::<()>().await;
}

/// Whether another server behind the same address may do what this one did not: it did not let us in, fell silent, or cannot
/// recognise. Not one that is storing our own session at this moment, nor one that does not know who we are: there is no other
/// to know it better.
fn is_worth_another_server(code: &str, was_ready: bool) -> bool {
    if code == "session.busy" || code.starts_with("auth.") {
        return false;
    }
    !was_ready || matches!(code, "server.timed_out" | "recogniser.failed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::{NewTake, Place, Retention};
    use crate::ports::{Keychain, KeychainError};
    use crate::view::Route;

    #[test]
    fn another_server_is_asked_for_where_this_one_gives_nothing() {
        for (code, was_ready, worth) in [
            ("server.unreachable", false, true),
            ("server.unreachable", true, false),
            ("server.timed_out", true, true),
            ("recogniser.failed", true, true),
            ("server.full", false, true),
            ("session.busy", false, false),
            ("auth.token_expired", false, false),
        ] {
            assert_eq!(is_worth_another_server(code, was_ready), worth, "{code}");
        }
    }
    struct Locked;

    impl Keychain for Locked {
        fn read(&self, _: &str) -> Result<Option<Vec<u8>>, KeychainError> {
            Err(KeychainError::Locked)
        }

        fn write(&self, _: &str, _: &[u8]) -> Result<(), KeychainError> {
            Err(KeychainError::Locked)
        }

        fn forget(&self, _: &str) -> Result<(), KeychainError> {
            Err(KeychainError::Locked)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_only_says_it_is_alive_is_not_waited_for_without_end() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(folder.path());
        let outbox = Outbox::start(place, Arc::new(Locked), Retention::default()).unwrap();
        let take = NewTake {
            id: TakeId::new(),
            began_at: 0.0,
            sample_rate: 16_000,
            language: "ru".to_owned(),
            app: None,
            route: Route::Team,
            server: None,
            person: None,
        };
        outbox.begin(take.clone()).await.unwrap();
        outbox.append(take.id, &[1; 16_000]).await.unwrap();
        let (tell, wish) = watch::channel(Wish::Speaking(0));
        let late = too_late(outbox.clone(), take.id, wish.clone());
        tokio::pin!(late);
        let hour = Duration::from_secs(3600);
        let speaking = tokio::time::timeout(hour, late.as_mut()).await;
        assert!(speaking.is_err());
        tell.send_replace(Wish::Finished(16_000));
        let began = Instant::now();
        late.await;
        assert!(began.elapsed() >= Duration::from_secs(602) && began.elapsed() < hour);
        tell.send_replace(Wish::Cancelled);
        let cancelled = tokio::time::timeout(hour, too_late(outbox, take.id, wish)).await;
        assert!(cancelled.is_err());
    }
}

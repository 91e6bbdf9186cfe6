//! The loop of the uploads: what is next, what waits for its text, when to try again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::recording::{self, Stage, Trouble};
use super::{Target, UploadEvent, Uploads};
use crate::account::Server;
use crate::backoff::pause;
use crate::connection::{Event, Link, Opening, Outcome, Wish};
use crate::outbox::{KnownAs, OutboxError, State, Take, TakeId, now, other_person};

const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// Text of a short recording is there within a second; a long one is asked for less and less often.
const FIRST_LOOK: Duration = Duration::from_millis(500);
const LONGEST_LOOK: Duration = Duration::from_secs(10);
/// A session is forgotten within this, or with the next round.
const FORGET_PATIENCE: Duration = Duration::from_secs(10);
/// Also without any word from the network this often.
const LOOK_AROUND: Duration = Duration::from_secs(60);

/// A take that the server has and makes text of.
struct Awaited {
    look_at: Instant,
    looks: u32,
}

/// Sends pending takes for as long as the future is polled; whoever drops it loses nothing.
pub async fn run(mut uploads: Uploads) {
    let mut awaited: HashMap<TakeId, Awaited> = HashMap::new();
    let mut changes = uploads.outbox.changes();
    let mut person = None;
    let mut is_released = false;
    loop {
        is_released = is_released || uploads.release().await;
        let target = uploads.server.borrow_and_update().clone();
        changes.borrow_and_update();
        if let Some(target) = &target {
            let now = target.server.whose().await;
            if now != person {
                person = now;
                uploads.let_go(&mut awaited).await;
            }
            uploads.step(target, person.as_ref(), &mut awaited).await;
        } else {
            uploads.let_go(&mut awaited).await;
        }
        let until = uploads.next_time(&awaited).await;
        let another = async {
            match &target {
                Some(target) => target.server.is_anothers_now(person.as_deref()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = tokio::time::sleep_until(until) => {}
            () = another => uploads.hurry().await,
            _ = changes.changed() => {}
            changed = uploads.server.changed() => {
                if changed.is_err() {
                    return;
                }
                uploads.let_go(&mut awaited).await;
                uploads.hurry().await;
            }
            () = uploads.wake.notified() => uploads.hurry().await,
        }
    }
}

impl Uploads {
    /// One round: whatever waits for its text is looked at, then one take after the other is sent.
    async fn step(
        &mut self,
        target: &Target,
        person: Option<&String>,
        awaited: &mut HashMap<TakeId, Awaited>,
    ) {
        self.look(&target.server, awaited).await;
        self.forget(target, person).await;
        let address = target.server.address().to_string();
        while let Ok(Some(take)) = self
            .outbox
            .claim(now(), target.route, address.clone(), person.cloned())
            .await
        {
            let told = tokio::select! {
                // First, so that nothing goes out any more with the token of whoever signs in meanwhile.
                biased;
                () = target.server.is_anothers_now(person.map(String::as_str)) => Err(Trouble::Later {
                    problem: other_person(),
                    retry_after: None,
                }),
                told = self.one(&target.server, &take) => told,
            };
            let goes_on = self.written(&take, told, awaited).await;
            if !goes_on || self.server.has_changed().unwrap_or(true) {
                return;
            }
        }
    }

    /// Makes the server forget what it has of takes that were cancelled while it was away.
    async fn forget(&self, target: &Target, person: Option<&String>) {
        let address = target.server.address().to_string();
        for take in self.outbox.list().await.unwrap_or_default() {
            let is_meant = take.state == State::Cancelled
                && take.next_attempt_at.is_none_or(|at| at <= now())
                && take.may_go(target.route, &address)
                && !take.is_anothers(person.map(String::as_str), &address);
            let done = match take.known_as.filter(|_| is_meant) {
                None => continue,
                Some(KnownAs::Recording) => recording::forget(&target.server, &take).await.is_ok(),
                Some(KnownAs::Session) => self.forget_session(&target.server, &take).await,
            };
            if !done {
                let again = now() + LONGEST_PAUSE.as_secs_f64();
                let _ = self.outbox.not_forgotten(take.id, Some(again)).await;
                return;
            }
            // An error, here and above, says that it was removed meanwhile.
            let _ = self.outbox.forgotten(take.id).await;
        }
    }

    async fn forget_session(&self, server: &Arc<Server>, take: &Take) -> bool {
        let (events, _) = mpsc::channel(1);
        let (_wish, wish) = watch::channel(Wish::Cancelled);
        let mut link = self.link(server, take, events, wish);
        let told = tokio::time::timeout(FORGET_PATIENCE, link.go()).await;
        told.is_ok() && !link.is_known
    }

    fn link(
        &self,
        server: &Arc<Server>,
        take: &Take,
        events: mpsc::Sender<Event>,
        wish: watch::Receiver<Wish>,
    ) -> Link {
        let opening = Opening {
            take: take.id,
            partials: false,
            client: self.client.clone(),
        };
        let outbox = self.outbox.clone();
        Link::new(Arc::clone(server), outbox, opening, events, wish, None)
    }

    async fn one(&self, server: &Arc<Server>, take: &Take) -> Result<Stage, Trouble> {
        if take.known_as == Some(KnownAs::Session) {
            self.as_session(server, take).await
        } else {
            recording::send(server, &self.outbox, take).await
        }
    }

    /// Ends a session that was begun live. All audio is here, so all of it is offered: a server that knows the session takes what it
    /// lacks, and another one (or one whose address changed) takes it from the beginning.
    async fn as_session(&self, server: &Arc<Server>, take: &Take) -> Result<Stage, Trouble> {
        // Nobody reads the texts in between.
        let (events, _) = mpsc::channel(1);
        let (_wish, wish) = watch::channel(Wish::Finished(take.samples));
        let mut link = self.link(server, take, events, wish);
        match link.go().await {
            Outcome::Stored { transcript, text } => Ok(Stage::Stored { transcript, text }),
            Outcome::Failed(problem) => Err(Trouble::Refused(problem)),
            Outcome::Later(problem) => Err(Trouble::Later {
                problem,
                retry_after: None,
            }),
            Outcome::Cancelled => Err(Trouble::Later {
                problem: OutboxError::Closed.problem(),
                retry_after: None,
            }),
        }
    }

    /// Writes down what came of it; tells whether the next take is worth an attempt now.
    async fn written(
        &self,
        take: &Take,
        told: Result<Stage, Trouble>,
        awaited: &mut HashMap<TakeId, Awaited>,
    ) -> bool {
        let id = take.id;
        let (written, event, goes_on) = match told {
            Ok(Stage::Waiting) => {
                let first = Awaited {
                    look_at: Instant::now() + FIRST_LOOK,
                    looks: 0,
                };
                awaited.entry(id).or_insert(first);
                return true;
            }
            Ok(Stage::Stored { transcript, text }) => {
                awaited.remove(&id);
                let written = self
                    .outbox
                    .stored(id, transcript.clone(), Some(text.clone()))
                    .await;
                let event = UploadEvent::Stored {
                    take: id,
                    transcript,
                    text,
                };
                (written, event, true)
            }
            Err(Trouble::Refused(problem)) => {
                awaited.remove(&id);
                let written = self.outbox.failed(id, problem.code.clone()).await;
                (written, UploadEvent::Failed { take: id, problem }, true)
            }
            Err(Trouble::Later {
                problem,
                retry_after,
            }) => {
                awaited.remove(&id);
                let wait = retry_after.unwrap_or_default().max(pause(
                    take.attempts + 1,
                    FIRST_PAUSE,
                    LONGEST_PAUSE,
                ));
                let at = Some(now() + wait.as_secs_f64());
                let written = self.outbox.again(id, Some(problem.code.clone()), at).await;
                (written, UploadEvent::Waiting { take: id, problem }, false)
            }
        };
        if written.is_ok() {
            // Whoever took the receiver away wants to know nothing.
            let _ = self.events.send(event).await;
        }
        goes_on
    }

    /// Asks for the text of what the server has.
    async fn look(&self, server: &Arc<Server>, awaited: &mut HashMap<TakeId, Awaited>) {
        let due: Vec<TakeId> = awaited
            .iter()
            .filter(|(_, one)| one.look_at <= Instant::now())
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            let Ok(take) = self.outbox.get(id).await else {
                awaited.remove(&id);
                continue;
            };
            if take.state == State::Cancelled {
                awaited.remove(&id);
                // Out of reach: what was said is in history then, where it can be deleted.
                let _ = recording::forget(server, &take).await;
                continue;
            }
            let told = recording::look(server, &take).await;
            if let Some(one) = awaited.get_mut(&id) {
                one.looks += 1;
                one.look_at = Instant::now() + pause(one.looks, FIRST_LOOK, LONGEST_LOOK);
            }
            self.written(&take, told, awaited).await;
        }
    }

    async fn next_time(&self, awaited: &HashMap<TakeId, Awaited>) -> Instant {
        let mut until = Instant::now() + LOOK_AROUND;
        if let Some(look_at) = awaited.values().map(|one| one.look_at).min() {
            until = until.min(look_at);
        }
        let takes = self.outbox.list().await.unwrap_or_default();
        let soonest = takes
            .iter()
            .filter(|take| {
                take.state == State::Pending
                    || take.state == State::Cancelled && take.known_as.is_some()
            })
            .filter_map(|take| take.next_attempt_at)
            .min_by(f64::total_cmp);
        if let Some(at) = soonest {
            let wait = (at - now()).clamp(0.05, LOOK_AROUND.as_secs_f64());
            until = until.min(Instant::now() + Duration::from_secs_f64(wait));
        }
        until
    }

    /// Takes that were being sent when whoever did that panicked wait again, and not at once: one of them may be why. `false`: they
    /// are not to be had yet.
    async fn release(&self) -> bool {
        let Ok(takes) = self.outbox.list().await else {
            return false;
        };
        for take in takes {
            if take.state == State::Uploading {
                let wait = pause(take.attempts + 1, FIRST_PAUSE, LONGEST_PAUSE);
                let at = Some(now() + wait.as_secs_f64());
                // An error says that the person dropped it meanwhile.
                let _ = self.outbox.again(take.id, take.problem, at).await;
            }
        }
        true
    }

    /// The server is another one: takes the old one makes text of are pending again, and announced anew.
    async fn let_go(&self, awaited: &mut HashMap<TakeId, Awaited>) {
        for (id, _) in awaited.drain() {
            // Removed or cancelled meanwhile.
            let _ = self.outbox.again(id, None, None).await;
        }
    }

    /// Something has changed: whatever waits is due.
    async fn hurry(&self) {
        // The file says itself what is wrong with it.
        let _ = self.outbox.hurry().await;
    }
}

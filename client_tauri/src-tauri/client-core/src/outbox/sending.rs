//! What becomes of a take on its way to a server.

use super::error::OutboxError;
use super::handle::{Outbox, now};
use super::take::{KnownAs, State, Take, TakeId};
use crate::view::Route;

impl Outbox {
    /// A server knows the take now.
    ///
    /// # Errors
    /// `UnknownTake`.
    pub async fn known(
        &self,
        id: TakeId,
        server: String,
        known_as: KnownAs,
    ) -> Result<Take, OutboxError> {
        self.change(id, move |take| {
            take.server = Some(server.clone());
            take.known_as = Some(known_as);
        })
        .await
    }

    /// How far sending got: samples a server has, samples whose text it has stored.
    ///
    /// # Errors
    /// `UnknownTake`.
    pub async fn progress(
        &self,
        id: TakeId,
        uploaded_samples: u64,
        stored_samples: u64,
    ) -> Result<Take, OutboxError> {
        self.change(id, move |take| {
            take.uploaded_samples = uploaded_samples;
            take.stored_samples = stored_samples;
        })
        .await
    }

    /// The server has stored the text: the audio is deleted here.
    ///
    /// # Errors
    /// `UnknownTake`, `WrongState`.
    pub async fn stored(
        &self,
        id: TakeId,
        transcript: String,
        text: Option<String>,
    ) -> Result<Take, OutboxError> {
        self.write(move |store| {
            let forget_at = now() + store.retention().stored_s;
            let take = store.change(id, |take| {
                take.state = State::Stored;
                take.ended_at = take.ended_at.or(Some(now()));
                take.transcript = Some(transcript.clone());
                take.text.clone_from(&text);
                take.problem = None;
                take.next_attempt_at = None;
                take.forget_at = Some(forget_at);
            })?;
            store.forget_audio(id)?;
            Ok(take)
        })
        .await
    }

    /// It cannot be sent as it is; the person decides. The audio stays.
    ///
    /// # Errors
    /// `UnknownTake`, `WrongState`.
    pub async fn failed(&self, id: TakeId, problem: String) -> Result<Take, OutboxError> {
        self.change(id, move |take| {
            take.state = State::Failed;
            take.ended_at = take.ended_at.or(Some(now()));
            take.problem = Some(problem.clone());
            take.next_attempt_at = None;
        })
        .await
    }

    /// Sending failed for now: the take waits until `next_attempt_at` (None: for a change of circumstances no more than usual).
    ///
    /// # Errors
    /// `UnknownTake`, `WrongState`.
    pub async fn again(
        &self,
        id: TakeId,
        problem: Option<String>,
        next_attempt_at: Option<f64>,
    ) -> Result<Take, OutboxError> {
        self.change(id, move |take| {
            take.state = State::Pending;
            take.ended_at = take.ended_at.or(Some(now()));
            take.problem.clone_from(&problem);
            take.attempts = take.attempts.saturating_add(1);
            take.next_attempt_at = next_attempt_at;
        })
        .await
    }

    /// The person wants it sent now, to whichever server there is. One that failed is sent as a new recording.
    ///
    /// # Errors
    /// `UnknownTake`, `WrongState`.
    pub async fn retry(&self, id: TakeId) -> Result<Take, OutboxError> {
        self.change(id, |take| {
            if take.state == State::Failed {
                take.known_as = None;
                take.uploaded_samples = 0;
            }
            take.state = State::Pending;
            take.route = Route::Outbox;
            take.attempts = 0;
            take.next_attempt_at = None;
        })
        .await
    }

    /// Takes the oldest pending take whose time has come and that may go there, as `Uploading`. A take meant for one server
    /// is never given to the other; one that was meant for none goes to either.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn claim(&self, now: f64, to: Route) -> Result<Option<Take>, OutboxError> {
        let told = self
            .run(move |store| {
                let due = store.all()?.into_iter().find(|take| {
                    take.state == State::Pending
                        && take.next_attempt_at.is_none_or(|at| at <= now)
                        && (take.route == to || take.route == Route::Outbox)
                });
                due.map(|take| store.change(take.id, |take| take.state = State::Uploading))
                    .transpose()
            })
            .await;
        if matches!(told, Ok(Some(_))) {
            self.changed();
        }
        told
    }

    /// Makes all pending takes due at once: something has changed (the network, the server, a sign-in).
    ///
    /// # Errors
    /// The file cannot be written.
    pub async fn hurry(&self) -> Result<(), OutboxError> {
        self.run(|store| {
            for take in store.all()? {
                if take.state == State::Pending && take.next_attempt_at.is_some() {
                    store.change(take.id, |take| take.next_attempt_at = None)?;
                }
            }
            Ok(())
        })
        .await
    }
}

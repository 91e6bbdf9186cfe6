//! What becomes of a take on its way to a server.

use super::error::OutboxError;
use super::handle::{Outbox, now};
use super::take::{KnownAs, State, Take, TakeId};
use crate::view::{Problem, Route};

/// What a take says that waits for another server than the one that is chosen.
const OTHER_SERVER: &str = "outbox.other_server";
/// What a take says that waits for the person who said it: another one is signed in.
const OTHER_PERSON: &str = "outbox.other_person";
/// Nothing is being done with a take in one of these.
const WAITING: [State; 3] = [State::Pending, State::Failed, State::Cancelled];
/// The same without what the person dropped, which only they bring back, one by one.
const WANTED: [State; 2] = [State::Pending, State::Failed];
/// A take in one of these is on its way. Only from there does it come to wait again by itself.
const SENT: [State; 2] = [State::Live, State::Uploading];

impl Outbox {
    /// A server knows the take now, as that person's.
    ///
    /// # Errors
    /// `UnknownTake`.
    pub async fn known(
        &self,
        id: TakeId,
        server: String,
        known_as: KnownAs,
        person: Option<String>,
    ) -> Result<Take, OutboxError> {
        self.change(id, move |take| {
            take.server = Some(server.clone());
            take.known_as = Some(known_as);
            take.is_now_of(person.as_deref());
        })
        .await
    }

    /// No server knows it any more.
    ///
    /// # Errors
    /// `UnknownTake`.
    pub async fn forgotten(&self, id: TakeId) -> Result<Take, OutboxError> {
        self.change(id, |take| {
            take.known_as = None;
            take.next_attempt_at = None;
            take.uploaded_samples = 0;
            take.stored_samples = 0;
        })
        .await
    }

    /// It is cancelled, and its server could not be told: the uploads are to do it, not before `next_attempt_at`.
    ///
    /// # Errors
    /// `UnknownTake`.
    pub async fn not_forgotten(
        &self,
        id: TakeId,
        next_attempt_at: Option<f64>,
    ) -> Result<Take, OutboxError> {
        self.change(id, move |take| {
            if take.state == State::Cancelled {
                take.next_attempt_at = next_attempt_at;
            }
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

    /// The server has stored the text: the audio is deleted here, now or when its time is over.
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
            let retention = store.retention();
            let forget_at = now() + retention.stored_s;
            let take = store.change(id, |take| {
                take.state = State::Stored;
                take.ended_at = take.ended_at.or(Some(now()));
                take.transcript = Some(transcript.clone());
                take.text.clone_from(&text);
                take.problem = None;
                take.next_attempt_at = None;
                take.forget_at = Some(forget_at);
            })?;
            if !retention.keeps_stored_audio {
                store.forget_audio(id)?;
            }
            Ok(take)
        })
        .await
    }

    /// It cannot be sent as it is; the person decides. The audio stays.
    ///
    /// # Errors
    /// `UnknownTake`, `WrongState`.
    pub async fn failed(&self, id: TakeId, problem: String) -> Result<Take, OutboxError> {
        self.write(move |store| {
            let forget_at = now() + store.retention().failed_s;
            store.change(id, |take| {
                take.state = State::Failed;
                take.ended_at = take.ended_at.or(Some(now()));
                take.problem = Some(problem.clone());
                take.next_attempt_at = None;
                take.forget_at = Some(forget_at);
            })
        })
        .await
    }

    /// Sending failed for now: the take waits until `next_attempt_at` (None: for a change of circumstances no more than usual).
    ///
    /// # Errors
    /// `UnknownTake`; `WrongState`: it is not on its way any more, because the person dropped it for one.
    pub async fn again(
        &self,
        id: TakeId,
        problem: Option<String>,
        next_attempt_at: Option<f64>,
    ) -> Result<Take, OutboxError> {
        self.change_in(id, &SENT, move |take| {
            take.state = State::Pending;
            take.ended_at = take.ended_at.or(Some(now()));
            take.problem.clone_from(&problem);
            take.attempts = take.attempts.saturating_add(1);
            take.next_attempt_at = next_attempt_at;
        })
        .await
    }

    /// A server was found while it is being recorded: it is meant for that one from now on.
    ///
    /// # Errors
    /// `UnknownTake`.
    pub async fn meant_for(
        &self,
        id: TakeId,
        route: Route,
        server: Option<String>,
    ) -> Result<Take, OutboxError> {
        self.change(id, move |take| {
            take.route = route;
            take.server.clone_from(&server);
        })
        .await
    }

    /// The person wants it sent now, to whichever server there is. One that failed, or that another server knows, is sent as a new
    /// recording. One that is being recorded or sent goes on as it is, and another person's waits for that person all the same.
    ///
    /// # Errors
    /// `UnknownTake`, `WrongState`.
    pub async fn retry(&self, id: TakeId) -> Result<Take, OutboxError> {
        self.change_in(id, &WAITING, Take::is_wanted_now).await
    }

    /// The same for all that wait or failed, at once: whatever the person drops before this is not sent, and what is on its way
    /// goes on. What somebody said who was signed in stays meant for the server where they were, and is left alone if that is
    /// another one than the one chosen, at this address: nobody looks at each of many to see whose history it would come into.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub async fn retry_all(&self, address: Option<String>) -> Result<(), OutboxError> {
        self.write(move |store| {
            for take in store.all()? {
                if !WANTED.contains(&take.state) || take.is_of_elsewhere(address.as_deref()) {
                    continue;
                }
                store.change(take.id, |take| {
                    let meant = (take.route, take.server.clone());
                    take.is_wanted_now();
                    if take.person.is_some() {
                        (take.route, take.server) = meant;
                    }
                })?;
            }
            Ok(())
        })
        .await
    }

    /// Takes the oldest pending take whose time has come and that may go to the server there and into the history of whoever is
    /// signed in, as `Uploading`; from now on it is meant for them. What is meant for others stays, and says so.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn claim(
        &self,
        now: f64,
        to: Route,
        address: String,
        person: Option<String>,
    ) -> Result<Option<Take>, OutboxError> {
        let told = self
            .run(move |store| {
                let (mut due, mut is_marked) = (None, false);
                for take in store.all()? {
                    if take.state != State::Pending {
                        continue;
                    }
                    let waits_for = if !take.may_go(to, &address) {
                        Some(OTHER_SERVER)
                    } else if take.is_anothers(person.as_deref(), &address) {
                        Some(OTHER_PERSON)
                    } else {
                        None
                    };
                    let says = take.problem.as_deref();
                    let said = says.filter(|says| [OTHER_SERVER, OTHER_PERSON].contains(says));
                    if said != waits_for {
                        let problem = waits_for.map(str::to_owned);
                        store.change(take.id, |take| take.problem.clone_from(&problem))?;
                        is_marked = true;
                    }
                    let may_go = waits_for.is_none();
                    if may_go && due.is_none() && take.next_attempt_at.is_none_or(|at| at <= now) {
                        due = Some(take.id);
                    }
                }
                let Some(id) = due else {
                    return Ok((None, is_marked));
                };
                let claimed = store.change(id, |take| {
                    take.state = State::Uploading;
                    take.route = to;
                    if to == Route::Team {
                        take.server = Some(address.clone());
                    }
                    take.is_now_of(person.as_deref());
                })?;
                Ok((Some(claimed), true))
            })
            .await;
        if matches!(told, Ok((_, true))) {
            self.changed();
        }
        told.map(|(claimed, _)| claimed)
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

/// How another person's take says so.
pub(crate) fn other_person() -> Problem {
    Problem::new(OTHER_PERSON, "it waits for the person who said it")
}

impl Take {
    /// See [`Outbox::retry`].
    fn is_wanted_now(&mut self) {
        if self.state == State::Failed || self.problem.as_deref() == Some(OTHER_SERVER) {
            self.known_as = None;
            self.uploaded_samples = 0;
            self.problem = None;
        }
        self.state = State::Pending;
        if self.problem.as_deref() != Some(OTHER_PERSON) {
            self.route = Route::Outbox;
            self.server = None;
        }
        self.attempts = 0;
        self.next_attempt_at = None;
        self.forget_at = None;
    }

    /// A server takes it as that person's.
    fn is_now_of(&mut self, person: Option<&str>) {
        if let Some(person) = person {
            self.person = Some(person.to_owned());
        }
    }
}

//! The async handle of the outbox, and its thread.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::{mpsc, oneshot, watch};

use super::ending::using_the_cipher;
use super::error::OutboxError;
use super::keychain::Asking;
use super::place::Place;
use super::store::Store;
use super::take::{NewTake, State, Take, TakeId};
use super::{Appended, Counts, Retention, Status};
use crate::ports::Keychain;

/// What waits for the thread; more than this makes callers wait. Audio comes ten times a second at most.
const QUEUE: usize = 64;

/// Within this a take that is cancelled is forgotten by its server, or says that it was not. Seconds.
const CANCELLING_S: f64 = 60.0;

type Job = Box<dyn FnOnce(&mut Store) -> Answer + Send>;

/// What a job has to tell, after everybody can see how the outbox is now.
struct Answer {
    tell: Box<dyn FnOnce() + Send>,
    is_last: bool,
}

/// The outbox. Clones are the same one.
#[derive(Clone)]
pub struct Outbox {
    jobs: mpsc::Sender<Job>,
    pub(super) asking: Asking,
    status: watch::Receiver<Status>,
    changes: watch::Sender<u64>,
}

impl Outbox {
    /// Starts the threads. The file stays closed, and takes in memory, until [`Outbox::open`].
    ///
    /// # Errors
    /// A thread or the tables in memory cannot be made.
    pub fn start(
        place: Place,
        keychain: Arc<dyn Keychain>,
        retention: Retention,
    ) -> Result<Self, OutboxError> {
        let mut store = Store::new(place, retention)?;
        let asking = Asking::start(keychain)?;
        let (jobs, mut waiting) = mpsc::channel::<Job>(QUEUE);
        let (tell, status) = watch::channel(store.status());
        std::thread::Builder::new()
            .name("outbox".to_owned())
            .spawn(move || {
                while let Some(job) = waiting.blocking_recv() {
                    let using = using_the_cipher();
                    let answer = job(&mut store);
                    drop(using);
                    let now = store.status();
                    tell.send_if_modified(|before| {
                        let is_new = *before != now;
                        *before = now;
                        is_new
                    });
                    (answer.tell)();
                    if answer.is_last {
                        break;
                    }
                    store.settle();
                }
                let _using = using_the_cipher();
                drop(store);
            })?;
        Ok(Self {
            jobs,
            asking,
            status,
            changes: watch::Sender::new(0),
        })
    }

    /// How it is, now and whenever that changes.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// Counts up whenever a take came, went or changed its state.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// A take begins.
    ///
    /// # Errors
    /// `WrongState`: it is there already.
    pub async fn begin(&self, new: NewTake) -> Result<(), OutboxError> {
        self.write(move |store| store.begin(&new)).await
    }

    /// Adds samples to a take that is being recorded, at most a second of them. When this comes back they are kept.
    ///
    /// # Errors
    /// `NoRoom`: neither disk nor memory takes them; `WrongState`: it is not being recorded.
    pub async fn append(&self, id: TakeId, samples: &[i16]) -> Result<Appended, OutboxError> {
        let pcm: Vec<u8> = samples.iter().flat_map(|one| one.to_le_bytes()).collect();
        self.run(move |store| store.append(id, &pcm)).await
    }

    /// Recording has ended: the take is `Live` (a socket is to say `done`) or `Pending`. So is one that was `Live` and is left to the
    /// uploads.
    ///
    /// # Errors
    /// `UnknownTake`; `WrongState`: it has become something else meanwhile, because the person dropped it for one.
    pub async fn recorded(&self, id: TakeId, next: State) -> Result<Take, OutboxError> {
        self.change_in(id, &[State::Recording, State::Live], move |take| {
            take.state = next;
            take.ended_at = take.ended_at.or(Some(now()));
        })
        .await
    }

    /// Drops a take. One that is long enough is kept for undo: until when is the answer.
    ///
    /// # Errors
    /// `UnknownTake`; `WrongState`: its text is stored already.
    pub async fn cancel(&self, id: TakeId) -> Result<Option<f64>, OutboxError> {
        self.write(move |store| {
            let (take, now) = (store.get(id)?, now());
            if take.seconds() < store.retention().shortest_s && take.state == State::Recording {
                store.remove(id)?;
                return Ok(None);
            }
            let until = now + store.retention().failed_s;
            store.change(id, |take| {
                take.state = State::Cancelled;
                take.ended_at = take.ended_at.or(Some(now));
                take.forget_at = Some(until);
                // Whoever cancels tells the server, and the uploads only what was left undone.
                take.next_attempt_at = Some(now + CANCELLING_S);
            })?;
            Ok(Some(until))
        })
        .await
    }

    /// Undoes [`Outbox::cancel`]: the take is pending.
    ///
    /// # Errors
    /// `UnknownTake`: it is past its time; `WrongState`.
    pub async fn restore(&self, id: TakeId) -> Result<Take, OutboxError> {
        self.change_in(id, &[State::Pending, State::Cancelled], |take| {
            take.state = State::Pending;
            take.forget_at = None;
            take.attempts = 0;
            take.next_attempt_at = None;
            take.problem = None;
            // The server was told to forget it.
            take.uploaded_samples = 0;
            take.stored_samples = 0;
        })
        .await
    }

    /// Deletes a take for good; again changes nothing.
    ///
    /// # Errors
    /// The file cannot be written.
    pub async fn remove(&self, id: TakeId) -> Result<(), OutboxError> {
        self.write(move |store| store.remove(id)).await
    }

    /// One take.
    ///
    /// # Errors
    /// `UnknownTake`.
    pub async fn get(&self, id: TakeId) -> Result<Take, OutboxError> {
        self.run(move |store| store.get(id)).await
    }

    /// All takes, oldest first.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn list(&self) -> Result<Vec<Take>, OutboxError> {
        self.run(|store| store.all()).await
    }

    /// How many wait, are on their way, failed.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn counts(&self) -> Result<Counts, OutboxError> {
        let mut counts = Counts::default();
        for take in self.list().await? {
            match take.state {
                State::Pending => counts.pending += 1,
                State::Uploading | State::Live => counts.uploading += 1,
                State::Failed => counts.failed += 1,
                State::Recording | State::Stored | State::Cancelled => {}
            }
        }
        Ok(counts)
    }

    /// The samples of a take from `first` on, `most` at most, fewer at its end.
    ///
    /// # Errors
    /// `UnknownTake`.
    pub async fn audio(&self, id: TakeId, first: u64, most: u64) -> Result<Vec<i16>, OutboxError> {
        self.run(move |store| store.audio(id, first, most)).await
    }

    /// Deletes what is past its time, brings to the disk what is held in memory, and lets wait what nobody is busy with (see
    /// [`Opened::recovered`], which the answer is more of). To be called about once a minute.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub async fn tend(&self) -> Result<Vec<TakeId>, OutboxError> {
        let recovered = self.run(|store| store.tend(now())).await?;
        if !recovered.is_empty() {
            self.changed();
        }
        Ok(recovered)
    }

    /// Keeps what is over for as long as this says from now on. What is there already goes earlier if need be, never later.
    ///
    /// # Errors
    /// The file cannot be written.
    pub async fn keep(&self, retention: Retention) -> Result<(), OutboxError> {
        self.run(move |store| store.keep(retention, now())).await
    }

    /// Closes the file and ends the thread, after all that was asked before.
    pub async fn close(&self) {
        let (tell, told) = oneshot::channel();
        let last: Job = Box::new(move |store| {
            store.close();
            Answer {
                // Whoever asked may be gone.
                tell: Box::new(move || {
                    let _ = tell.send(());
                }),
                is_last: true,
            }
        });
        if self.jobs.send(last).await.is_ok() {
            // An error means that the thread has ended, which is what was asked for.
            let _ = told.await;
        }
    }

    /// Comes back when it is closed.
    pub(super) async fn closed(&self) {
        self.jobs.closed().await;
    }

    /// As if a page could not be read.
    #[cfg(test)]
    pub(crate) async fn meet_damage(&self) {
        let met = self.run(|_| Err::<(), _>(OutboxError::Damaged)).await;
        assert_eq!(met, Err(OutboxError::Damaged));
    }

    #[cfg(test)]
    pub(super) async fn pragma(&self, pragma: &'static str) -> Result<(), OutboxError> {
        self.run(move |store| store.pragma(pragma)).await
    }

    pub(super) async fn change(
        &self,
        id: TakeId,
        change: impl Fn(&mut Take) + Send + 'static,
    ) -> Result<Take, OutboxError> {
        self.write(move |store| store.change(id, &change)).await
    }

    /// The same of a take that is in one of these states.
    pub(super) async fn change_in(
        &self,
        id: TakeId,
        states: &'static [State],
        change: impl Fn(&mut Take) + Send + 'static,
    ) -> Result<Take, OutboxError> {
        self.write(move |store| {
            if states.contains(&store.get(id)?.state) {
                store.change(id, &change)
            } else {
                Err(OutboxError::WrongState)
            }
        })
        .await
    }

    /// Runs it on the thread and tells of the change.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        job: impl FnMut(&mut Store) -> Result<T, OutboxError> + Send + 'static,
    ) -> Result<T, OutboxError> {
        let told = self.run(job).await;
        if told.is_ok() {
            self.changed();
        }
        told
    }

    pub(super) fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    /// Runs it on the thread, once more if the file turns out to be damaged: with the new one, or in memory. It is done even if nobody
    /// waits for the answer any more.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        mut job: impl FnMut(&mut Store) -> Result<T, OutboxError> + Send + 'static,
    ) -> Result<T, OutboxError> {
        let (tell, told) = oneshot::channel();
        let one: Job = Box::new(move |store| {
            let mut result = job(store);
            if matches!(result, Err(OutboxError::Damaged)) && store.repair(now()) {
                result = job(store);
            }
            Answer {
                // Whoever asked may be gone.
                tell: Box::new(move || drop(tell.send(result))),
                is_last: false,
            }
        });
        self.jobs.send(one).await.map_err(|_| OutboxError::Closed)?;
        told.await.map_err(|_| OutboxError::Closed)?
    }
}

/// Seconds of the Unix epoch.
pub(crate) fn now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}

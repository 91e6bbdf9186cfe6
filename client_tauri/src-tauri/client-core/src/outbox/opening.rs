//! The file opened, mended, put aside, and what a process that died left in it.

use std::path::PathBuf;

use super::error::OutboxError;
use super::flushing::Flusher;
use super::handle::{Outbox, now};
use super::key::{Found, Key, Looked};
use super::keychain::{Answer, Question};
use super::salvage::Salvaged;
use super::store::{Disk, Store};
use super::take::{State, TakeId};
use super::{Opened, key, rows, salvage};
use crate::sensitive::Sensitive;

/// How far an attempt to open came.
pub(super) enum Step {
    Done(Opened),
    /// It goes on with the answer to this. Whoever has it comes back with it.
    Ask(Question),
}

impl Outbox {
    /// Opens the file, makes it if there is none, and takes care of what a process that died left behind. While the keychain is
    /// asked, takes go on in memory.
    ///
    /// # Errors
    /// `Locked` (try again later), `PassphraseNeeded`, `PassphraseUnset`, `WrongPassphrase`, `KeyLost` (see
    /// [`Outbox::put_aside`]), `InUse`, `NoCipher`, `TooNew`, `DiskFull`. A damaged file is no error (see [`Opened::salvaged`]),
    /// unless there is no room for what can be read of it: try again later.
    pub async fn open(&self, passphrase: Option<Sensitive<String>>) -> Result<Opened, OutboxError> {
        let mut answer = None;
        loop {
            let (passphrase, told) = (passphrase.clone(), answer.take());
            let step = self
                .run(move |store| store.open(passphrase.as_ref(), told.as_ref(), now()))
                .await?;
            match step {
                Step::Done(opened) => {
                    self.changed();
                    return Ok(opened);
                }
                Step::Ask(question) => {
                    answer = tokio::select! {
                        told = self.asking.ask(question) => Some(told),
                        () = self.closed() => return Err(OutboxError::Closed),
                    };
                }
            }
        }
    }

    /// Puts a file aside whose key is lost, so that [`Outbox::open`] makes a new one; tells where it is.
    ///
    /// # Errors
    /// `WrongState`: the file is open.
    pub async fn put_aside(&self) -> Result<PathBuf, OutboxError> {
        self.write(|store| store.put_aside(now())).await
    }
}

impl Store {
    /// Opens the file, as far as that goes with this answer of the keychain; see [`Outbox::open`].
    pub(super) fn open(
        &mut self,
        passphrase: Option<&Sensitive<String>>,
        answer: Option<&Answer>,
        now: f64,
    ) -> Result<Step, OutboxError> {
        let mut opened = Opened::default();
        if self.disk.is_none() {
            match self.open_file(passphrase, answer, now) {
                Ok(Step::Done(done)) => opened = done,
                Ok(Step::Ask(question)) => return Ok(Step::Ask(question)),
                Err(error) => {
                    self.problem = Some(error);
                    return Err(error);
                }
            }
        }
        self.flush();
        match self.recover() {
            Ok(recovered) => opened.recovered = recovered,
            Err(OutboxError::Damaged) => return Err(OutboxError::Damaged),
            // The file is open and is used. What is left in it is seen to when it is tended.
            Err(error) => self.problem = Some(error),
        }
        Ok(Step::Done(opened))
    }

    fn open_file(
        &mut self,
        passphrase: Option<&Sensitive<String>>,
        answer: Option<&Answer>,
        now: f64,
    ) -> Result<Step, OutboxError> {
        self.take_folder()?;
        if let Some(key) = self.damaged.clone() {
            let salvaged = self.mend(key, now)?;
            return Ok(Step::Done(Opened {
                salvaged,
                ..Opened::default()
            }));
        }
        self.place.finish(now)?;
        let Found { key, is_checked } = match key::find(&self.place, answer, passphrase)? {
            Looked::Found(found) => found,
            Looked::Ask(question) => return Ok(Step::Ask(question)),
        };
        let salvaged = match self.use_file(&key) {
            Ok(()) => None,
            // The cipher cannot tell a wrong key from a damaged first page: the person decides what becomes of it.
            Err(OutboxError::Damaged)
                if !is_checked && super::file::open_again(&self.place.file(), &key).is_err() =>
            {
                return Err(OutboxError::KeyLost);
            }
            Err(OutboxError::Damaged) => self.mend(key, now)?,
            Err(error) => return Err(error),
        };
        Ok(Step::Done(Opened {
            salvaged,
            ..Opened::default()
        }))
    }

    /// Takes the folder for this process, once: also while the file waits for room, no other copy may look after what runs here.
    fn take_folder(&mut self) -> Result<(), OutboxError> {
        self.place.prepare()?;
        if self.lock.is_none() {
            self.lock = Some(self.place.lock()?);
        }
        Ok(())
    }

    fn use_file(&mut self, key: &Key) -> Result<(), OutboxError> {
        let connection = super::file::open(&self.place.file(), key)?;
        self.disk = Some(Disk {
            flusher: Flusher::start(&self.place.file(), key)?,
            connection,
            key: key.clone(),
        });
        Ok(())
    }

    /// Puts a file aside whose key is lost. Only while it is not open.
    pub(super) fn put_aside(&mut self, now: f64) -> Result<PathBuf, OutboxError> {
        if self.disk.is_some() {
            return Err(OutboxError::WrongState);
        }
        self.take_folder()?;
        if !self.place.is_salvaged() {
            // With the file out of its way, an unfinished copy would be taken for a whole one.
            self.place.forget_salvage()?;
        }
        let aside = self.place.put_aside("key-lost", now)?;
        self.place.forget_note()?;
        self.damaged = None;
        Ok(aside)
    }

    /// Makes a new file of what can be read of this one; the damaged one is put aside. While that cannot be done, takes are in
    /// memory. Tells whether there was a file to be mended.
    pub(super) fn repair(&mut self, now: f64) -> bool {
        let Some(disk) = self.disk.take() else {
            return false;
        };
        let key = disk.key.clone();
        drop(disk);
        for take in self.going.takes() {
            if !matches!(rows::get(&self.memory, take.id), Ok(Some(_))) {
                // Only a lack of memory keeps it from there.
                let _ = rows::put(&self.memory, take);
            }
        }
        match self.mend(key, now) {
            Ok(salvaged) => {
                self.salvaged = salvaged.or(self.salvaged.take());
                self.flush();
            }
            Err(error) => self.problem = Some(error),
        }
        true
    }

    fn room_bytes(&self) -> Option<u64> {
        #[cfg(test)]
        if self.room_of_test.is_some() {
            return self.room_of_test;
        }
        super::room::free_bytes(self.place.folder())
    }

    /// Puts what can be read of the damaged file in its place and opens that. Its key is kept until this succeeds: the next
    /// attempt is to need nobody.
    fn mend(&mut self, key: Key, now: f64) -> Result<Option<Salvaged>, OutboxError> {
        self.damaged = Some(key.clone());
        let salvaged = if self.place.is_salvaged() {
            self.place.finish(now)?;
            None
        } else {
            Some(salvage::salvage(&self.place, &key, self.room_bytes(), now)?)
        };
        self.damaged = None;
        if let Err(error) = self.use_file(&key) {
            self.salvaged = salvaged;
            return Err(error);
        }
        Ok(salvaged)
    }

    /// Takes that nobody is busy with can be sent: what a process that died left behind, and audio whose row was lost with a
    /// damaged page. What goes on in this process is left alone. All of them or, on an error, none.
    pub(super) fn recover(&mut self) -> Result<Vec<TakeId>, OutboxError> {
        let Some(disk) = &self.disk else {
            return Ok(Vec::new());
        };
        let mut recovered = Vec::new();
        let transaction = disk.connection.unchecked_transaction()?;
        for mut take in rows::all(&transaction)? {
            let died = match take.state {
                State::Recording | State::Live => true,
                State::Uploading => false,
                State::Pending | State::Stored | State::Failed | State::Cancelled => continue,
            };
            // The row in memory is the newer one.
            if self.going.has(take.id) || self.is_in_memory(take.id)? {
                continue;
            }
            if died {
                if take.samples == 0 {
                    rows::remove(&transaction, take.id)?;
                    continue;
                }
                take.recovered = true;
                take.ended_at = take.ended_at.or(Some(take.began_at + take.seconds()));
                recovered.push(take.id);
            }
            take.state = State::Pending;
            take.next_attempt_at = None;
            rows::put(&transaction, &take)?;
        }
        transaction.commit()?;
        Ok(recovered)
    }
}

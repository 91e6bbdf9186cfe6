//! The file opened, mended, put aside, and what a process that died left in it.

use std::path::PathBuf;

use super::Opened;
use super::error::OutboxError;
use super::flushing::Flusher;
use super::key::Found;
use super::store::{Disk, Store};
use super::take::{State, TakeId};
use super::{key, rows, salvage};
use crate::sensitive::Sensitive;

impl Store {
    /// Opens the file; see [`super::Outbox::open`].
    pub(super) fn open(
        &mut self,
        passphrase: Option<&Sensitive<String>>,
        now: f64,
    ) -> Result<Opened, OutboxError> {
        if self.disk.is_some() {
            return Ok(Opened::default());
        }
        let opened = self.open_file(passphrase, now);
        self.problem = opened.as_ref().err().copied();
        let mut opened = opened?;
        opened.recovered = self.recover()?;
        self.flush();
        Ok(opened)
    }

    fn open_file(
        &mut self,
        passphrase: Option<&Sensitive<String>>,
        now: f64,
    ) -> Result<Opened, OutboxError> {
        self.place.prepare()?;
        let lock = self.place.lock()?;
        self.place.finish(now)?;
        let Found { key, is_checked } = key::find(&self.place, &self.keychain, passphrase)?;
        let (connection, salvaged) = match super::file::open(&self.place.file(), &key) {
            Ok(connection) => (connection, None),
            // The cipher cannot tell a wrong key from a damaged first page: the person decides what becomes of it.
            Err(OutboxError::Damaged)
                if !is_checked && super::file::open_again(&self.place.file(), &key).is_err() =>
            {
                return Err(OutboxError::KeyLost);
            }
            Err(OutboxError::Damaged) => {
                let (connection, salvaged) = salvage::salvage(&self.place, &key, now)?;
                (connection, Some(salvaged))
            }
            Err(error) => return Err(error),
        };
        self.disk = Some(Disk {
            flusher: Flusher::start(&self.place.file(), &key)?,
            connection,
            key,
            _lock: lock,
        });
        Ok(Opened {
            salvaged,
            ..Opened::default()
        })
    }

    /// Puts a file aside whose key is lost. Only while it is not open.
    pub(super) fn put_aside(&mut self, now: f64) -> Result<PathBuf, OutboxError> {
        if self.disk.is_some() {
            return Err(OutboxError::WrongState);
        }
        self.place.prepare()?;
        let _lock = self.place.lock()?;
        let aside = self.place.put_aside("key-lost", now)?;
        self.place.forget_note()?;
        Ok(aside)
    }

    /// Makes a new file of what can be read of this one; the damaged one is put aside.
    pub(super) fn repair(&mut self, now: f64) -> Result<(), OutboxError> {
        let Some(disk) = self.disk.take() else {
            return Err(OutboxError::Damaged);
        };
        let Disk {
            flusher,
            connection,
            key,
            _lock,
        } = disk;
        drop(flusher);
        drop(connection);
        let (connection, salvaged) =
            salvage::salvage(&self.place, &key, now).inspect_err(|error| {
                self.problem = Some(*error);
            })?;
        self.salvaged = Some(salvaged);
        self.disk = Some(Disk {
            flusher: Flusher::start(&self.place.file(), &key)?,
            connection,
            key,
            _lock,
        });
        Ok(())
    }

    /// What a process that died left behind: it can be sent.
    fn recover(&mut self) -> Result<Vec<TakeId>, OutboxError> {
        let Some(disk) = &self.disk else {
            return Ok(Vec::new());
        };
        let mut recovered = Vec::new();
        for mut take in rows::all(&disk.connection)? {
            let died = match take.state {
                State::Recording | State::Live => true,
                State::Uploading => false,
                _ => continue,
            };
            if died {
                if take.samples == 0 {
                    rows::remove(&disk.connection, take.id)?;
                    continue;
                }
                take.recovered = true;
                take.ended_at = take.ended_at.or(Some(take.began_at + take.seconds()));
                recovered.push(take.id);
            }
            take.state = State::Pending;
            take.next_attempt_at = None;
            rows::put(&disk.connection, &take)?;
        }
        Ok(recovered)
    }
}

//! The file and its stand-in in memory: what a take's row becomes, whichever of the two holds it.
//!
//! A take that the disk did not take is held in memory whole: its row there counts, its audio is in both. Each later write
//! tries to bring it back to the disk. While the file is locked, all takes are.

use rusqlite::Connection;

use super::audio::Audio;
use super::error::OutboxError;
use super::flushing::Flusher;
use super::going::Going;
use super::key::Key;
use super::place::Place;
use super::rows::{self, Chunk};
use super::salvage::Salvaged;
use super::take::{NewTake, State, Take, TakeId};
use super::{Appended, Retention, Status};

/// Audio held in memory while the disk takes none: half an hour at 16 kHz.
const MEMORY_BYTES: usize = 64 * 1024 * 1024;
/// Audio that a power cut may cost: a second at 16 kHz.
const UNFLUSHED_BYTES: usize = 32_000;

pub(super) struct Store {
    pub(super) place: Place,
    retention: Retention,
    pub(super) disk: Option<Disk>,
    /// Held from the first attempt to open the file until it is closed.
    pub(super) lock: Option<std::fs::File>,
    /// The key of a damaged file that could not be mended yet.
    pub(super) damaged: Option<Key>,
    pub(super) memory: Connection,
    memory_bytes: usize,
    /// Audio committed since the log was flushed to the disk last.
    unflushed_bytes: usize,
    pub(super) going: Going,
    /// Deleted while the file was not open.
    gone: Vec<TakeId>,
    /// Why takes are in memory, if they are.
    pub(super) problem: Option<OutboxError>,
    /// What was salvaged while running, until told.
    pub(super) salvaged: Option<Salvaged>,
    /// What the disk takes, if a test says so.
    #[cfg(test)]
    pub(super) room_of_test: Option<u64>,
}

pub(super) struct Disk {
    /// Ends before the connection is closed, which writes the rest of the log.
    pub(super) flusher: Flusher,
    pub(super) connection: Connection,
    pub(super) key: Key,
}

impl Store {
    pub(super) fn new(place: Place, retention: Retention) -> Result<Self, OutboxError> {
        super::ending::before_the_cipher();
        let memory = super::file::in_memory()?;
        super::ending::after_the_cipher();
        Ok(Self {
            place,
            retention,
            disk: None,
            lock: None,
            damaged: None,
            memory,
            memory_bytes: 0,
            unflushed_bytes: 0,
            going: Going::default(),
            gone: Vec::new(),
            problem: Some(OutboxError::Locked),
            salvaged: None,
            #[cfg(test)]
            room_of_test: None,
        })
    }

    pub(super) fn begin(&mut self, new: &NewTake) -> Result<(), OutboxError> {
        self.flush();
        if let Some(disk) = &self.disk {
            match rows::insert(&disk.connection, new) {
                Err(error) if error.is_no_room() => self.problem = Some(error),
                told => {
                    told?;
                    self.going.began(new);
                    return Ok(());
                }
            }
        }
        rows::insert(&self.memory, new)?;
        self.going.began(new);
        Ok(())
    }

    pub(super) fn append(&mut self, id: TakeId, pcm: &[u8]) -> Result<Appended, OutboxError> {
        self.flush();
        let take = self.get(id)?;
        if take.state != State::Recording {
            return Err(OutboxError::WrongState);
        }
        let mut number = rows::last_number(&self.memory, id)?.max(self.going.last_number(id));
        if let Some(disk) = &self.disk {
            number = number.max(rows::last_number(&disk.connection, id)?);
        }
        let chunk = Chunk {
            number: number + 1,
            first_sample: take.samples,
            pcm: pcm.to_vec(),
        };
        if let Some(disk) = &self.disk
            && !self.is_in_memory(id)?
        {
            match rows::append(&disk.connection, id, &chunk) {
                Err(error) if error.is_no_room() => {
                    self.problem = Some(error);
                    rows::put(&self.memory, &take)?;
                }
                told => {
                    let samples = told?;
                    self.unflushed_bytes += pcm.len();
                    self.going.appended(id, chunk.number, samples);
                    return Ok(Appended {
                        samples,
                        on_disk: true,
                    });
                }
            }
        }
        if self.memory_bytes + pcm.len() > MEMORY_BYTES {
            return Err(OutboxError::NoRoom);
        }
        let samples = rows::append(&self.memory, id, &chunk)?;
        self.memory_bytes += pcm.len();
        self.going.appended(id, chunk.number, samples);
        Ok(Appended {
            samples,
            on_disk: false,
        })
    }

    /// Changes a row, wherever it is; a way between states that does not exist is refused.
    pub(super) fn change(
        &mut self,
        id: TakeId,
        change: impl Fn(&mut Take),
    ) -> Result<Take, OutboxError> {
        self.flush();
        let mut take = self.get(id)?;
        let before = take.state;
        change(&mut take);
        if !before.may_become(take.state) {
            return Err(OutboxError::WrongState);
        }
        if let Some(disk) = &self.disk
            && !self.is_in_memory(id)?
        {
            match rows::put(&disk.connection, &take) {
                Err(error) if error.is_no_room() => self.problem = Some(error),
                told => {
                    told?;
                    self.unflushed_bytes = UNFLUSHED_BYTES;
                    self.going.changed(&take);
                    return Ok(take);
                }
            }
        }
        rows::put(&self.memory, &take)?;
        self.going.changed(&take);
        Ok(take)
    }

    pub(super) fn get(&self, id: TakeId) -> Result<Take, OutboxError> {
        if let Some(take) = rows::get(&self.memory, id)? {
            return Ok(take);
        }
        match &self.disk {
            Some(disk) => rows::get(&disk.connection, id)?.ok_or(OutboxError::UnknownTake),
            None => Err(OutboxError::UnknownTake),
        }
    }

    /// All takes, oldest first.
    pub(super) fn all(&self) -> Result<Vec<Take>, OutboxError> {
        let mut takes = rows::all(&self.memory)?;
        if let Some(disk) = &self.disk {
            for take in rows::all(&disk.connection)? {
                if !takes.iter().any(|held| held.id == take.id) {
                    takes.push(take);
                }
            }
        }
        takes.sort_by(|a, b| a.began_at.total_cmp(&b.began_at).then(a.id.cmp(&b.id)));
        Ok(takes)
    }

    /// The samples from `first` on, `most` at most. What is missing of a damaged take is silence, so that positions hold; what is
    /// in a file that is not open is an error, so that nobody takes silence for it. What is forgotten is silence too: see [`Store::audio_of`].
    pub(super) fn audio(&self, id: TakeId, first: u64, most: u64) -> Result<Vec<i16>, OutboxError> {
        let take = self.get(id)?;
        let end = take.samples.min(first.saturating_add(most));
        let length = usize::try_from(end.saturating_sub(first)).map_err(|_| OutboxError::NoRoom)?;
        let mut samples = vec![0_i16; length];
        let mut found = rows::chunks(&self.memory, id, first, end)?;
        if let Some(disk) = &self.disk {
            found.extend(rows::chunks(&disk.connection, id, first, end)?);
        } else if first < end
            && self.audio_of(&take)? == Audio::Kept
            && found.first().is_none_or(|chunk| chunk.first_sample > first)
        {
            return Err(self.problem.unwrap_or(OutboxError::Locked));
        }
        for chunk in found {
            for (at, bytes) in (chunk.first_sample..).zip(chunk.pcm.chunks_exact(2)) {
                if let Some(place) = at
                    .checked_sub(first)
                    .and_then(|at| usize::try_from(at).ok())
                    .and_then(|at| samples.get_mut(at))
                {
                    *place = i16::from_le_bytes([bytes[0], bytes[1]]);
                }
            }
        }
        Ok(samples)
    }

    /// Deletes the audio of a take whose text is stored.
    pub(super) fn forget_audio(&mut self, id: TakeId) -> Result<(), OutboxError> {
        rows::forget_audio(&self.memory, id)?;
        self.count_memory()?;
        match &self.disk {
            Some(disk) => rows::forget_audio(&disk.connection, id),
            None => Ok(()),
        }
    }

    /// Deletes a take; again changes nothing.
    pub(super) fn remove(&mut self, id: TakeId) -> Result<(), OutboxError> {
        if let Some(disk) = &self.disk {
            rows::remove(&disk.connection, id)?;
        } else {
            self.gone.push(id);
        }
        self.going.forget(id);
        rows::remove(&self.memory, id)?;
        self.count_memory()
    }

    /// Deletes what is past its time, brings to the disk what it did not take before, and lets wait what nobody is busy with. The
    /// answer is what of that was never finished.
    pub(super) fn tend(&mut self, now: f64) -> Result<Vec<TakeId>, OutboxError> {
        self.flush();
        if self.disk.is_some() && self.problem == Some(OutboxError::Damaged) {
            return Err(OutboxError::Damaged);
        }
        // First, as it makes room; whatever comes of it.
        let tidied = self.tidy(now);
        let recovered = self.recover()?;
        tidied?;
        Ok(recovered)
    }

    fn tidy(&mut self, now: f64) -> Result<(), OutboxError> {
        for take in self.all()? {
            if take.forget_at.is_some_and(|at| at <= now)
                && matches!(take.state, State::Stored | State::Cancelled | State::Failed)
            {
                self.remove(take.id)?;
            }
        }
        Ok(())
    }

    /// Keeps what is over for as long as this says; what is there already goes earlier if need be, never later.
    pub(super) fn keep(&mut self, retention: Retention, now: f64) -> Result<(), OutboxError> {
        self.retention = retention;
        for take in self.all()? {
            let most = match take.state {
                State::Stored => retention.stored_s,
                State::Failed | State::Cancelled => retention.failed_s,
                _ => continue,
            };
            let until = take.forget_at.unwrap_or(f64::INFINITY).min(now + most);
            if Some(until) != take.forget_at {
                self.change(take.id, |take| take.forget_at = Some(until))?;
            }
            if take.state == State::Stored && !retention.keeps_stored_audio {
                self.forget_audio(take.id)?;
            }
        }
        Ok(())
    }

    /// Has flushed to the disk what a power cut must not cost.
    pub(super) fn settle(&mut self) {
        if self.unflushed_bytes < UNFLUSHED_BYTES {
            return;
        }
        if let Some(disk) = &self.disk {
            disk.flusher.flush();
        }
        self.unflushed_bytes = 0;
    }

    /// Closes the file as it should be: what is in memory goes there if it can.
    pub(super) fn close(&mut self) {
        self.flush();
        self.disk = None;
        self.lock = None;
        self.problem = Some(OutboxError::Closed);
    }

    pub(super) fn status(&self) -> Status {
        Status {
            is_open: self.disk.is_some(),
            problem: self.problem,
            salvaged: self.salvaged.clone(),
        }
    }

    pub(super) fn retention(&self) -> Retention {
        self.retention
    }

    /// The open file, for what is not audio.
    pub(super) fn disk(&self) -> Result<&Connection, OutboxError> {
        match &self.disk {
            Some(disk) => Ok(&disk.connection),
            None => Err(self.problem.unwrap_or(OutboxError::Locked)),
        }
    }

    /// Something a test does to SQLite: a limit as of a full disk, an empty page cache.
    #[cfg(test)]
    pub(super) fn pragma(&self, pragma: &str) -> Result<(), OutboxError> {
        self.disk()?.execute_batch(&format!("PRAGMA {pragma}"))?;
        Ok(())
    }

    pub(super) fn is_in_memory(&self, id: TakeId) -> Result<bool, OutboxError> {
        Ok(rows::get(&self.memory, id)?.is_some())
    }

    /// Brings to the disk what is held in memory; what does not go stays.
    pub(super) fn flush(&mut self) {
        let Some(disk) = &self.disk else { return };
        let told = (|| {
            while let Some(id) = self.gone.last() {
                rows::remove(&disk.connection, *id)?;
                self.gone.pop();
            }
            for take in rows::all(&self.memory)? {
                let transaction = disk.connection.unchecked_transaction()?;
                rows::put(&transaction, &take)?;
                for chunk in rows::chunks(&self.memory, take.id, 0, u64::MAX >> 1)? {
                    rows::put_chunk(&transaction, take.id, &chunk)?;
                }
                if take.state == State::Stored && !self.retention.keeps_stored_audio {
                    // It may have been stored while the file was not open.
                    rows::forget_audio(&transaction, take.id)?;
                }
                transaction.commit()?;
                rows::remove(&self.memory, take.id)?;
            }
            Ok(())
        })();
        self.problem = told.err();
        // Counted anew; were that to fail, memory is thought fuller than it is, which is the safe side.
        let _ = self.count_memory();
    }

    fn count_memory(&mut self) -> Result<(), OutboxError> {
        let bytes: i64 = self.memory.query_row(
            "SELECT coalesce(sum(length(pcm)), 0) FROM chunk",
            (),
            |row| row.get(0),
        )?;
        self.memory_bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        Ok(())
    }
}

//! A take's audio in pieces: as WAV, its SHA-256. Read in stretches, so that what is being recorded meanwhile is not kept
//! waiting.

use std::io::Write;
use std::path::PathBuf;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::store::Store;
use super::{Outbox, OutboxError, State, Take, TakeId, rows, to_hex};

/// Samples read at once: half a minute at 16 kHz.
const STRETCH: u64 = 480_000;

/// Whether a take can still be heard here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Audio {
    /// It can.
    Kept,
    /// Its server has stored it, and it was forgotten here as the settings say. Nothing is damaged.
    Forgotten,
}

impl Store {
    /// Of a take that is not stored there is always audio: what is missing of that one is damage.
    pub(super) fn audio_of(&self, take: &Take) -> Result<Audio, OutboxError> {
        if take.state != State::Stored
            || take.samples == 0
            || rows::has_audio(&self.memory, take.id)?
        {
            return Ok(Audio::Kept);
        }
        let is_kept = match &self.disk {
            Some(disk) => rows::has_audio(&disk.connection, take.id)?,
            // Nobody can look: as it is meant to be.
            None => self.retention().keeps_stored_audio,
        };
        Ok(if is_kept {
            Audio::Kept
        } else {
            Audio::Forgotten
        })
    }
}

impl Outbox {
    /// All takes, oldest first, and whether each can still be heard.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn list_with_audio(&self) -> Result<Vec<(Take, Audio)>, OutboxError> {
        self.run(|store| {
            store
                .all()?
                .into_iter()
                .map(|take| store.audio_of(&take).map(|audio| (take, audio)))
                .collect()
        })
        .await
    }

    /// One take that can be heard.
    ///
    /// # Errors
    /// `UnknownTake`, `AudioForgotten`.
    pub async fn with_audio(&self, id: TakeId) -> Result<Take, OutboxError> {
        self.run(move |store| {
            let take = store.get(id)?;
            match store.audio_of(&take)? {
                Audio::Kept => Ok(take),
                Audio::Forgotten => Err(OutboxError::AudioForgotten),
            }
        })
        .await
    }

    /// A take as a WAV file: 16 bit, mono, at its own rate.
    ///
    /// # Errors
    /// There is no such take, its audio is forgotten, or it cannot be read.
    pub async fn wav(&self, id: TakeId) -> Result<Vec<u8>, OutboxError> {
        let take = self.with_audio(id).await?;
        let mut bytes = wav_header(take.sample_rate, take.samples).to_vec();
        let mut at = 0;
        while at < take.samples {
            let stretch = self.audio(id, at, STRETCH.min(take.samples - at)).await?;
            if stretch.is_empty() {
                break;
            }
            at += stretch.len() as u64;
            bytes.extend(stretch.iter().flat_map(|sample| sample.to_le_bytes()));
        }
        // It may have been stored and forgotten between two stretches: what is read since then is silence.
        self.with_audio(id).await?;
        Ok(bytes)
    }

    /// Writes a take as a WAV file for its owner alone, whole or not at all.
    ///
    /// # Errors
    /// As [`Outbox::wav`], or the file cannot be written.
    pub async fn export(&self, id: TakeId, path: PathBuf) -> Result<(), OutboxError> {
        let bytes = self.wav(id).await?;
        tokio::task::spawn_blocking(move || {
            let beside = super::place::beside(&path, ".part");
            let mut options = std::fs::OpenOptions::new();
            options.write(true).create(true).truncate(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            options.open(&beside)?.write_all(&bytes)?;
            Ok(std::fs::rename(beside, path)?)
        })
        .await
        .map_err(|_| OutboxError::Closed)?
    }

    /// The SHA-256 of a take's audio as it is uploaded (PCM16 LE), as lower-case hex.
    ///
    /// # Errors
    /// There is no such take, or its audio cannot be read.
    pub async fn sha256(&self, id: TakeId) -> Result<String, OutboxError> {
        let samples = self.get(id).await?.samples;
        let mut hash = Sha256::new();
        let mut at = 0;
        while at < samples {
            let stretch = self.audio(id, at, STRETCH.min(samples - at)).await?;
            if stretch.is_empty() {
                break;
            }
            at += stretch.len() as u64;
            let bytes: Vec<u8> = stretch.iter().flat_map(|one| one.to_le_bytes()).collect();
            hash.update(&bytes);
        }
        Ok(to_hex(&hash.finalize()))
    }
}

/// The 44 bytes before the samples of a WAV file (RIFF, format 1), 16 bit mono. Longer than 4 GiB says 4 GiB, which players
/// take for "to the end".
#[must_use]
pub fn wav_header(sample_rate: u32, samples: u64) -> [u8; 44] {
    let bytes = u32::try_from(samples.saturating_mul(2)).unwrap_or(u32::MAX - 36);
    let mut header = [0_u8; 44];
    let mut put = |at: usize, part: &[u8]| header[at..at + part.len()].copy_from_slice(part);
    put(0, b"RIFF");
    put(4, &bytes.saturating_add(36).to_le_bytes());
    put(8, b"WAVEfmt ");
    put(16, &16_u32.to_le_bytes());
    put(20, &1_u16.to_le_bytes());
    put(22, &1_u16.to_le_bytes());
    put(24, &sample_rate.to_le_bytes());
    put(28, &sample_rate.saturating_mul(2).to_le_bytes());
    put(32, &2_u16.to_le_bytes());
    put(34, &16_u16.to_le_bytes());
    put(36, b"data");
    put(40, &bytes.to_le_bytes());
    header
}

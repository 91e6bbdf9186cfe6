//! The encrypted file every take is in from its first second, and the thread that alone touches it.
//!
//! [`Outbox`] is there from the start, also while the file is locked or the disk is full: takes are then held in memory, up to
//! a bound, go to the server live, and come to the disk as soon as it takes them. [`Status::problem`] says so, and what
//! does not fit is refused with an error: nothing is dropped in silence.

mod audio;
#[cfg(test)]
mod audio_tests;
mod cached;
#[cfg(test)]
mod closed_tests;
#[cfg(test)]
mod dropped_tests;
mod ending;
mod error;
mod file;
mod flushing;
mod going;
mod handle;
mod key;
mod keychain;
#[cfg(test)]
mod left_tests;
mod opening;
#[cfg(test)]
mod person_tests;
mod place;
mod room;
#[cfg(test)]
mod room_tests;
mod rows;
mod salvage;
mod sending;
mod store;
mod take;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod trouble_tests;

pub use audio::{Audio, wav_header};
pub use error::OutboxError;
pub use handle::Outbox;
pub(crate) use handle::now;
pub use key::KEY_NAME;
pub(crate) use key::to_hex;
pub use place::Place;
pub use salvage::Salvaged;
pub(crate) use sending::other_person;
pub(crate) use take::may_go;
pub use take::{KnownAs, NewTake, State, Take, TakeId};

use crate::settings::Privacy;

/// How long what the person no longer needs is kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Retention {
    /// A take that was cancelled, or that a server refused, with its audio. Seconds.
    pub failed_s: f64,
    /// The row and the text of a take that is stored. Seconds.
    pub stored_s: f64,
    /// Whether its audio stays as long; else it goes at once.
    pub keeps_stored_audio: bool,
    /// Cancelled takes shorter than this are not kept at all: nobody said anything. Seconds.
    pub shortest_s: f64,
}

const DAY_S: f64 = 24.0 * 3600.0;

impl Retention {
    /// As the person set it. The row and the text of a stored take are there for a day at least, for undo and for the list.
    #[must_use]
    pub fn of(privacy: &Privacy) -> Self {
        Self {
            failed_s: f64::from(privacy.keep_failed_days) * DAY_S,
            stored_s: f64::from(privacy.keep_stored_days.max(1)) * DAY_S,
            keeps_stored_audio: privacy.keep_stored_days > 0,
            ..Self::default()
        }
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            failed_s: 30.0 * DAY_S,
            stored_s: DAY_S,
            keeps_stored_audio: false,
            shortest_s: 1.0,
        }
    }
}

/// What was found when the file was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Opened {
    /// Takes of a process that died; they are pending now.
    pub recovered: Vec<TakeId>,
    /// The file was damaged; this is what became of it.
    pub salvaged: Option<Salvaged>,
}

/// How the outbox is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// Whether the file is open.
    pub is_open: bool,
    /// What is wrong: why it is not open, or why takes are held in memory. It passes by itself where it can.
    pub problem: Option<OutboxError>,
    /// The file was found damaged while running, and this is what became of it.
    pub salvaged: Option<Salvaged>,
}

/// How many takes are in which state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Waiting to be sent.
    pub pending: u64,
    /// Being sent, by upload or by a socket that is to say `done`.
    pub uploading: u64,
    /// Waiting for the person.
    pub failed: u64,
}

/// Audio was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// How many samples the take has now.
    pub samples: u64,
    /// Whether it is on the disk; else in memory, and [`Status::problem`] says why.
    pub on_disk: bool,
}

//! The single owner of what goes on. Pure: events and the time go in, effects come out.
//!
//! Hotkeys, tray, command line, overlay and screens only send it messages, so nothing can race. A take goes one way:
//!
//! ```text
//! Recording ─► Draining ─► Finishing ─► Inserting ─► Inserted | Kept
//!     │            │            ├─► Late          text did not come in time; it will be in history
//!     │            │            ├─► Pending       no server; it waits in the outbox
//!     │            └────────────┴─► Failed        a server refused it
//!     ├─► Cancelled (may be taken back, then Draining or Finishing) ─► Cancelled for good
//!     └─► Discarded                               nothing was meant
//! ```
//!
//! Text is inserted only when all of this holds: its take was finished in this run of the program; it came within
//! [`Limits::timely`] of the release; no text of a later take has been inserted (takes are inserted in the order in which
//! they were begun, an earlier one is waited for as long as it is timely); no key is held to talk at that moment.
//! All other text goes to history with a notice, and "Paste last" brings it.

mod machine;
mod takes;
mod texts;

use std::time::{Duration, Instant};

use crate::gestures::{Input, Timing};
use crate::ports::Sound;
use crate::view::{NoticeKind, Problem};

pub use crate::outbox::TakeId;
pub use machine::Coordinator;

/// The time twice over: the one that never jumps, for waiting, and the time of the day, for showing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Now {
    /// Never jumps.
    pub at: Instant,
    /// Milliseconds since 1970 UTC.
    pub unix_ms: f64,
}

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Keys.
    pub timing: Timing,
    /// From the release: text that comes later is not typed, because the person has gone on.
    pub timely: Duration,
    /// How long a cancelled take may be taken back.
    pub undo: Duration,
    /// The last sound of a take is waited for no longer than this.
    pub drain: Duration,
    /// An insertion that says nothing for so long is given up.
    pub insertion: Duration,
    /// A take is ended after this, so that a forgotten latch does not record the night. Servers take 4 h.
    pub longest: Duration,
    /// Takes that wait for their text; of more, the oldest is given up as late.
    pub finishing: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            timing: Timing::default(),
            timely: Duration::from_secs(10),
            undo: Duration::from_secs(10),
            drain: Duration::from_secs(3),
            insertion: Duration::from_secs(15),
            longest: Duration::from_secs(2 * 3600),
            finishing: 4,
        }
    }
}

/// What somebody asked for otherwise than by the keys of dictation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// Begin a latched take, if none goes on.
    Begin,
    /// End it.
    End,
    /// Whichever of the two makes sense (tray, `--toggle`).
    Toggle,
    /// Drop it (`--cancel`, a button: no second time needed).
    Cancel,
    /// Take back the last cancellation.
    UndoCancel,
    /// Insert the last text where the focus is.
    PasteLast,
    /// Take the last word of the last text into the dictionary.
    FixLastWord,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A key.
    Key(Input),
    /// A wish.
    Asked(Ask),
    /// The first sound of a take arrived.
    Heard(TakeId),
    /// There is no sound to be had for it, or no more.
    MicrophoneFailed(TakeId, Problem),
    /// Its last sound is in the outbox.
    Drained(TakeId),
    /// What to show of it.
    Shown {
        /// Which.
        take: TakeId,
        /// Text that stays.
        stable: String,
        /// Text that may change.
        tail: String,
    },
    /// All of its text is stored at the server. Also of takes that are over here: uploads, recovered ones.
    Text {
        /// Which.
        take: TakeId,
        /// The text; empty when nothing was said.
        text: String,
    },
    /// No server took it: it waits in the outbox.
    Unreachable(TakeId),
    /// It cannot become text.
    Refused(TakeId, Problem),
    /// An insertion is over.
    Inserted(TakeId, Result<(), Problem>),
    /// An insertion of the last text is over.
    LastInserted(Result<(), Problem>),
    /// Time passed.
    Tick,
}

/// How a take ended here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Its text is in the window.
    Inserted,
    /// Its text could not be put there (or was overtaken); it is in history and can be pasted.
    Kept,
    /// There was nothing in it.
    Empty,
    /// Its text did not come in time.
    Late,
    /// It waits in the outbox.
    Pending,
    /// It was dropped.
    Cancelled,
    /// It was never meant.
    Discarded,
    /// It cannot become text.
    Failed,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Open the microphone, keep its sound as pre-roll.
    Prepare,
    /// It was not needed.
    Unprepare,
    /// Begin a take: its row in the outbox, sound from the pre-roll on, the window that has the focus, a connection.
    Begin(TakeId),
    /// No more sound for it; say [`Event::Drained`] when the last is in the outbox.
    Stop(TakeId),
    /// Its sound is complete: say `finish` to the server, or leave it to the outbox.
    Finish(TakeId),
    /// It is cancelled and may come back: no more sound for it, and its connection as it is.
    Hold(TakeId),
    /// Its cancellation is final; what the server has of it is to be forgotten.
    Drop(TakeId),
    /// It was never meant, or there was never a sound: as if it had not been, the microphone included.
    Forget(TakeId),
    /// Play it.
    Play(Sound),
    /// Put its text into the window where it began; say [`Event::Inserted`].
    Insert {
        /// Which.
        take: TakeId,
        /// What.
        text: String,
    },
    /// Put this where the focus is; say [`Event::LastInserted`].
    InsertLast(String),
    /// Open the dictionary with this word of a text that was inserted, if any was.
    FixWord(Option<String>),
    /// Say this.
    Notice {
        /// What about.
        kind: NoticeKind,
        /// Which words; English ones in [`Problem::message`].
        problem: Problem,
        /// Which take.
        take: Option<TakeId>,
    },
    /// A take that was begun is over here: told once of each.
    Ended(TakeId, End),
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod word_tests;

//! Global keys: chords that work whatever window has the focus.

use std::collections::BTreeSet;
use std::sync::mpsc::SyncSender;
use std::time::Instant;

use serde::{Deserialize, Serialize};

/// A modifier, left and right alike unless the side is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Modifier {
    /// Either Ctrl key.
    Control,
    /// The right Ctrl key only.
    RightControl,
    /// Either Alt key (Option on macOS).
    Alt,
    /// The right Alt key only.
    RightAlt,
    /// Either Shift key.
    Shift,
    /// Windows, Super or Command.
    Super,
}

/// A key by its place on a US keyboard, so that it is the same key on every layout: the names of W3C UI Events `code`
/// (`Space`, `KeyD`, `F9`, `Insert`, `Escape`), and `Mouse4`, `Mouse5` for the side buttons.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(pub String);

/// Keys held together. Without a `key` it is made of modifiers only (two at least, or one that names its side).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Chord {
    /// What is held.
    pub modifiers: BTreeSet<Modifier>,
    /// What is struck while they are held.
    pub key: Option<Key>,
}

/// What a chord does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Hold to talk, tap to latch.
    Dictate,
    /// Drop what is being said (Escape; heard only, never taken from other programs, unless a chord with a modifier).
    Cancel,
    /// Insert the last text again.
    PasteLast,
    /// Take the last word of the last text into the dictionary.
    FixLastWord,
}

/// One chord for one action; an action may have several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// What to do.
    pub action: Action,
    /// When these are held.
    pub chord: Chord,
}

/// Which way a chord went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// All of it is down.
    Pressed,
    /// No longer all of it is down.
    Released,
}

/// What the keyboard said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HotkeyEvent {
    /// A bound chord went down or up. Auto-repeat may come through as further pairs; `gestures` sorts it out.
    Chord {
        /// What it is bound to.
        action: Action,
        /// Which way.
        edge: Edge,
        /// Whether the chord is made of modifiers only, so that another key makes it something else.
        modifiers_only: bool,
        /// When.
        at: Instant,
    },
    /// A key that is not part of the held modifier-only chord went down while it is held: it was another program's shortcut.
    OtherKey {
        /// When.
        at: Instant,
    },
    /// Asked for by [`Hotkeys::record`]: the chord that was held when all was let go again.
    Recorded {
        /// The chord.
        chord: Chord,
    },
    /// The keys work no more (the display went away, the portal closed the session).
    Lost {
        /// Why.
        error: HotkeyError,
    },
}

/// Where a [`Hotkeys`] puts what it hears; bounded, never blocked on.
pub type HotkeyEvents = SyncSender<HotkeyEvent>;

/// Why keys cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HotkeyError {
    /// Another program has it.
    #[error("another program already uses this chord")]
    Taken(Chord),
    /// This system cannot do it (modifiers only through a portal, an unknown key).
    #[error("this system cannot bind this chord")]
    Unsupported(Chord),
    /// The person or the system refused (a portal's dialogue, missing rights).
    #[error("the system refused global keys")]
    Refused,
    /// There is nothing to bind keys at: no display, no portal.
    #[error("global keys are not to be had here")]
    Unavailable,
    /// The system did not answer in time.
    #[error("the system did not answer in time")]
    TimedOut,
    /// The system answered with a fault of its own.
    #[error("the system failed: {0}")]
    System(String),
}

/// Global keys.
pub trait Hotkeys: Send {
    /// Binds exactly these. On an error nothing has changed: what was bound before still is.
    fn bind(&mut self, bindings: &[Binding]) -> Result<(), HotkeyError>;
    /// Hears the next chord held, binds nothing meanwhile, sends [`HotkeyEvent::Recorded`].
    fn record(&mut self) -> Result<(), HotkeyError>;
    /// Ends [`Hotkeys::record`] without a chord; the bindings are back.
    fn stop_recording(&mut self);
    /// Whether chords of modifiers only can be bound here.
    fn modifiers_only(&self) -> bool;
}

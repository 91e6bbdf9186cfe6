//! The rest of the machine: keychain, sounds, other programs' audio, start at login, the network.

use std::sync::mpsc::SyncSender;

/// Why a secret cannot be kept or had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeychainError {
    /// This machine has none (no Secret Service on the bus, no bus).
    #[error("this computer has no keychain")]
    Unavailable,
    /// There is one, but it is locked and was not opened in time.
    #[error("the keychain is locked")]
    Locked,
    /// The system answered with a fault of its own.
    #[error("the keychain failed")]
    Failed,
}

/// Secrets kept by the system. Names are ours (`outbox`, `session`), values are never logged.
pub trait Keychain: Send + Sync {
    /// The secret of that name; `None` if there never was one or it was removed.
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, KeychainError>;
    /// Keeps it in place of what was there.
    fn write(&self, name: &str, secret: &[u8]) -> Result<(), KeychainError>;
    /// Removes it, if it is there.
    fn forget(&self, name: &str) -> Result<(), KeychainError>;
}

/// What can be heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sound {
    /// Speak now: sound arrives.
    Begin,
    /// Recording ended.
    End,
    /// Something needs attention.
    Problem,
}

/// Short sounds; silence where they cannot be played.
pub trait Sounds: Send + Sync {
    /// Plays it and comes back at once.
    fn play(&self, sound: Sound);
}

/// Why other programs cannot be silenced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MutingError {
    /// There is no way to do it here.
    #[error("the sound of other programs cannot be muted here")]
    Unavailable,
    /// The system answered with a fault of its own.
    #[error("the system failed: {0}")]
    System(String),
}

/// The sound of this machine while somebody dictates.
pub trait Muting: Send + Sync {
    /// Silences it, if it is not already.
    fn mute(&self) -> Result<(), MutingError>;
    /// As it was before [`Muting::mute`]; audible when that is not known.
    fn restore(&self) -> Result<(), MutingError>;
}

/// Why the program cannot be started at login.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AutostartError {
    /// There is no way to do it here.
    #[error("programs cannot be started at login here")]
    Unavailable,
    /// The system answered with a fault of its own.
    #[error("the system failed: {0}")]
    System(String),
}

/// Start at login, hidden.
pub trait Autostart: Send + Sync {
    /// Whether it is on.
    fn enabled(&self) -> Result<bool, AutostartError>;
    /// Switches it.
    fn set(&self, enabled: bool) -> Result<(), AutostartError>;
}

/// Changes of the network (a link up or down, another address), so that what waits is tried at once.
pub trait Network: Send {
    /// Sends `()` after each change until the receiver is gone; bounded, never blocked on.
    fn watch(&mut self, changes: SyncSender<()>);
}

//! What can go wrong with the file. None of it ever holds a key, a path of the person's or SQL.

use crate::view::Problem;

/// Why the outbox cannot do what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OutboxError {
    /// The library was built without the cipher: nothing is written at all.
    #[error("this build cannot encrypt, so nothing is kept")]
    NoCipher,
    /// Another copy of the program has it open.
    #[error("another copy of the program uses the recordings kept here")]
    InUse,
    /// The keychain is locked or does not answer: try again later.
    #[error("the keychain is locked, the recordings kept here cannot be opened yet")]
    Locked,
    /// There is no keychain here: the passphrase the file was made with is needed.
    #[error("this computer has no keychain: a passphrase is needed")]
    PassphraseNeeded,
    /// There is no keychain and no file yet: a passphrase is to be made up, which nothing can be compared with.
    #[error("this computer has no keychain: a passphrase is to be set")]
    PassphraseUnset,
    /// It is not the passphrase the file was made with.
    #[error("the passphrase is wrong")]
    WrongPassphrase,
    /// The file is there and its key is not.
    #[error("the key of the recordings kept here is gone from the keychain")]
    KeyLost,
    /// The file is damaged.
    #[error("the file with the recordings is damaged")]
    Damaged,
    /// A newer version of the program wrote it.
    #[error("a newer version of the program wrote the recordings kept here")]
    TooNew,
    /// The disk is full or does not take writes.
    #[error("the disk takes nothing more")]
    DiskFull,
    /// The disk takes nothing, and as much is held in memory as may be.
    #[error("neither the disk nor memory has room for more audio")]
    NoRoom,
    /// There is no such take.
    #[error("there is no such recording")]
    UnknownTake,
    /// The take is in a state where this cannot be done.
    #[error("the recording is in a state where this cannot be done")]
    WrongState,
    /// The take is stored on its server, and its audio has been forgotten here.
    #[error("the audio is forgotten already: the server has stored the recording")]
    AudioForgotten,
    /// The outbox was closed.
    #[error("the program is closing")]
    Closed,
    /// The library failed with this extended result code (see sqlite3.h).
    #[error("the file with the recordings failed ({0})")]
    Failed(i32),
}

impl OutboxError {
    /// Stable code for screens and logs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::NoCipher => "outbox.no_cipher",
            Self::InUse => "outbox.in_use",
            Self::Locked => "outbox.locked",
            Self::PassphraseNeeded => "outbox.passphrase_needed",
            Self::PassphraseUnset => "outbox.passphrase_unset",
            Self::WrongPassphrase => "outbox.wrong_passphrase",
            Self::KeyLost => "outbox.key_lost",
            Self::Damaged => "outbox.damaged",
            Self::TooNew => "outbox.too_new",
            Self::DiskFull => "outbox.disk_full",
            Self::NoRoom => "outbox.no_room",
            Self::UnknownTake => "outbox.unknown_take",
            Self::WrongState => "outbox.wrong_state",
            Self::AudioForgotten => "outbox.audio_forgotten",
            Self::Closed => "outbox.closed",
            Self::Failed(_) => "outbox.failed",
        }
    }

    /// For the screens.
    #[must_use]
    pub fn problem(self) -> Problem {
        Problem::new(self.code(), self.to_string())
    }

    /// Whether the disk does not take writes now, while what it holds can be read.
    pub(super) fn is_no_room(self) -> bool {
        matches!(self, Self::DiskFull | Self::Failed(_))
    }
}

impl From<rusqlite::Error> for OutboxError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match &error {
            rusqlite::Error::SqliteFailure(failure, _) => match failure.code {
                ErrorCode::DiskFull | ErrorCode::ReadOnly | ErrorCode::SystemIoFailure => {
                    Self::DiskFull
                }
                ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Self::Damaged,
                ErrorCode::ConstraintViolation => Self::WrongState,
                _ => Self::Failed(failure.extended_code),
            },
            rusqlite::Error::QueryReturnedNoRows => Self::UnknownTake,
            _ => Self::Failed(-1),
        }
    }
}

impl From<std::io::Error> for OutboxError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull
            | std::io::ErrorKind::QuotaExceeded
            | std::io::ErrorKind::FileTooLarge
            | std::io::ErrorKind::ReadOnlyFilesystem => Self::DiskFull,
            _ => Self::Failed(error.raw_os_error().unwrap_or(-1)),
        }
    }
}

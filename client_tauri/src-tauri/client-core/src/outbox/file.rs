//! One connection to the encrypted file, and its tables.
//!
//! The key is the very first statement of every connection, then the cipher is asked for its name: a SQLite without it takes
//! `PRAGMA key` without a word and writes plain text, so nothing is done before it has answered.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use zeroize::Zeroize;

use super::error::OutboxError;
use super::key::{Key, to_hex};

/// The newest layout; each step only ever adds.
const MIGRATIONS: [&str; 2] = ["
CREATE TABLE take (
    id TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    began_at REAL NOT NULL,
    ended_at REAL,
    sample_rate INTEGER NOT NULL,
    samples INTEGER NOT NULL DEFAULT 0,
    language TEXT NOT NULL,
    app TEXT,
    route TEXT NOT NULL,
    server TEXT,
    known_as TEXT,
    recovered INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_attempt_at REAL,
    problem TEXT,
    uploaded_samples INTEGER NOT NULL DEFAULT 0,
    stored_samples INTEGER NOT NULL DEFAULT 0,
    transcript TEXT,
    text TEXT,
    forget_at REAL
);
CREATE TABLE chunk (
    take TEXT NOT NULL REFERENCES take ON DELETE CASCADE,
    number INTEGER NOT NULL,
    first_sample INTEGER NOT NULL,
    pcm BLOB NOT NULL,
    PRIMARY KEY (take, number)
);
CREATE TABLE cached (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    written_at REAL NOT NULL
);
", "
ALTER TABLE take ADD COLUMN person TEXT;
-- Copies for the screens are told apart by person from now on; whose the older ones are is not known.
DELETE FROM cached;
"];

/// Files up to this size are read whole when they are opened, half a second at most; a damaged page of a larger one shows when it
/// is needed.
const CHECKED_BYTES: u64 = 128 * 1024 * 1024;

/// Opens the file with its key, and makes the tables if it is new.
///
/// # Errors
/// `NoCipher`, `Damaged` (with the right key: the caller has checked it), `TooNew`, `DiskFull`.
pub(super) fn open(path: &Path, key: &Key) -> Result<Connection, OutboxError> {
    let size = std::fs::metadata(path).map_or(0, |file| file.len());
    let mut connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    unlock(&connection, key)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    // NORMAL does not wait for the disk with each commit: what is committed outlives the program however it dies, because the
    // system has it, but not a power cut. For that there is `Flusher`, which checkpoints after each second of audio and each
    // change of a state (see `Store::settle`): either way at most the last second is lost. So no commit does that by itself.
    // cipher_memory_security stays off: it would wipe and lock all memory of SQLite (several times slower), while the same
    // audio is in the microphone's buffers anyway; keys are wiped with or without it.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = NORMAL;
         PRAGMA secure_delete = ON;
         PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -2000;
         PRAGMA foreign_keys = ON;
         PRAGMA wal_autocheckpoint = 0;
         PRAGMA journal_size_limit = 4194304;",
    )?;
    migrate(&mut connection)?;
    if size > 0 && size <= CHECKED_BYTES {
        let verdict: String =
            connection.query_row("PRAGMA quick_check(1)", (), |row| row.get(0))?;
        if verdict != "ok" {
            return Err(OutboxError::Damaged);
        }
    }
    Ok(connection)
}

/// Makes the file that a damaged one is copied into. Without the whole of it it is of no use, so nothing is written twice: there is
/// no log, and the disk is waited for once, by whoever copies.
///
/// # Errors
/// `NoCipher`, `DiskFull`.
pub(super) fn make_copy(path: &Path, key: &Key) -> Result<Connection, OutboxError> {
    let mut connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    unlock(&connection, key)?;
    // In memory is the little that was in the file before; what is new in it needs no journal.
    connection.execute_batch(
        "PRAGMA journal_mode = MEMORY;
         PRAGMA synchronous = OFF;
         PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -2000;
         PRAGMA foreign_keys = ON;",
    )?;
    migrate(&mut connection)?;
    Ok(connection)
}

/// Opens a file that is open already, or a damaged one for whatever can be read of it: without making or checking anything.
pub(super) fn open_again(path: &Path, key: &Key) -> Result<Connection, OutboxError> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    unlock(&connection, key)?;
    Ok(connection)
}

/// The same tables in memory, for when the file is locked or the disk is full.
pub(super) fn in_memory() -> Result<Connection, OutboxError> {
    let mut connection = Connection::open_in_memory()?;
    connection.execute_batch("PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;")?;
    migrate(&mut connection)?;
    Ok(connection)
}

fn unlock(connection: &Connection, key: &Key) -> Result<(), OutboxError> {
    let mut hex = to_hex(key.expose());
    let mut statement = format!("PRAGMA key = \"x'{hex}'\"");
    // Whatever goes wrong here is told without the statement, which is the key.
    let told = connection.execute_batch(&statement).map_err(|_| ());
    statement.zeroize();
    hex.zeroize();
    told.map_err(|()| OutboxError::NoCipher)?;
    // It would write to standard error, about pages only, but into whatever terminal that is.
    connection.execute_batch("PRAGMA cipher_log_level = NONE")?;
    let cipher: Option<String> = connection
        .query_row("PRAGMA cipher_version", (), |row| row.get(0))
        .ok();
    if cipher.is_none_or(|version| version.is_empty()) {
        return Err(OutboxError::NoCipher);
    }
    // The first read: a wrong key shows here.
    connection.query_row("SELECT count(*) FROM sqlite_master", (), |row| {
        row.get::<_, i64>(0)
    })?;
    Ok(())
}

fn migrate(connection: &mut Connection) -> Result<(), OutboxError> {
    let version: u32 = connection.query_row("PRAGMA user_version", (), |row| row.get(0))?;
    let newest = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    if version > newest {
        return Err(OutboxError::TooNew);
    }
    for (number, step) in (1_u32..).zip(MIGRATIONS).skip(version as usize) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", number)?;
        transaction.commit()?;
    }
    Ok(())
}

//! A new file of what can be read of a damaged one.
//!
//! Rows are asked for one by one, so that a damaged page costs what is on it. Audio that is missing in between is silence
//! afterwards, because positions must hold.

use std::path::PathBuf;

use rusqlite::Connection;

use super::error::OutboxError;
use super::key::Key;
use super::place::Place;
use super::rows;
use super::take::{NewTake, State, TakeId};
use crate::view::Route;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Salvaged {
    /// Where the damaged file is.
    pub aside: PathBuf,
    /// Takes that are in the new one.
    pub takes: usize,
    /// Whether anything was seen to be missing.
    pub incomplete: bool,
}

/// A page as SQLCipher 4 makes it.
const PAGE_BYTES: u64 = 4096;
/// A chunk is a page at least, and rows of the other tables are few.
const BYTES_PER_ROW: u64 = 512;
/// A file with more is a ruin, and each costs a new connection.
const MOST_ERRORS: u32 = 20_000;
const TAKE: &str = "SELECT id, state, began_at, ended_at, sample_rate, samples, language, app, route, server, \
    known_as, recovered, attempts, next_attempt_at, problem, uploaded_samples, stored_samples, \
    transcript, text, forget_at, person FROM take WHERE rowid = ?";
/// Of a file whose layout is the first one.
const FIRST_TAKE: &str = "SELECT id, state, began_at, ended_at, sample_rate, samples, language, app, route, server, \
    known_as, recovered, attempts, next_attempt_at, problem, uploaded_samples, stored_samples, \
    transcript, text, forget_at, NULL FROM take WHERE rowid = ?";
const CHUNK: &str = "SELECT take, number, first_sample, pcm FROM chunk WHERE rowid = ?";
/// Stops a number of rows that is itself damaged.
const MOST_ROWS: i64 = 10_000_000;

/// Puts a copy in the damaged file's place, if the disk takes as many bytes as that. On an error all is as it was, and it can be
/// tried again.
pub(super) fn salvage(
    place: &Place,
    key: &Key,
    room_bytes: Option<u64>,
    now: f64,
) -> Result<Salvaged, OutboxError> {
    place.forget_salvage()?;
    let copied = copied(place, key, room_bytes).inspect_err(|_| {
        // What is left of it is removed with the next attempt at the latest.
        let _ = place.forget_salvage();
    });
    let mut salvaged = copied?;
    salvaged.aside = place.put_aside("damaged", now)?;
    std::fs::rename(place.salvage(), place.file())?;
    Ok(salvaged)
}

fn copied(place: &Place, key: &Key, room_bytes: Option<u64>) -> Result<Salvaged, OutboxError> {
    let mut salvaged = Salvaged {
        aside: PathBuf::new(),
        takes: 0,
        incomplete: true,
    };
    let size = std::fs::metadata(place.file()).map_or(0, |file| file.len());
    let most_rows =
        i64::try_from(size / BYTES_PER_ROW).map_or(MOST_ROWS, |rows| rows.min(MOST_ROWS));
    let old = Old::open(place.file(), key);
    let needed_bytes = old.as_ref().map_or(0, Old::used_bytes);
    if room_bytes.is_some_and(|room| room < needed_bytes) {
        // Copying until the disk is full takes long, holds up what is being said, and leaves no room to anybody meanwhile.
        return Err(OutboxError::DiskFull);
    }
    let new = super::file::make_copy(&place.salvage(), key)?;
    if let Some(mut old) = old {
        let transaction = new.unchecked_transaction()?;
        copy(&mut old, &transaction, most_rows)?;
        transaction.commit()?;
        salvaged.incomplete = old.errors > 0;
    }
    salvaged.takes = rows::all(&new)?.len();
    new.close().map_err(|(_, error)| OutboxError::from(error))?;
    // A power cut must not find it in the place of the damaged one without what is in it.
    let whole = std::fs::OpenOptions::new()
        .write(true)
        .open(place.salvage())?;
    whole.sync_all()?;
    Ok(salvaged)
}

/// The damaged file. A connection that has met a damaged page reads nothing more at all, so a new one is made then.
struct Old<'a> {
    path: PathBuf,
    key: &'a Key,
    connection: Connection,
    errors: u32,
}

impl<'a> Old<'a> {
    fn open(path: PathBuf, key: &'a Key) -> Option<Self> {
        let connection = super::file::open_again(&path, key).ok()?;
        Some(Self {
            path,
            key,
            connection,
            errors: 0,
        })
    }

    /// What a copy takes at most: pages that nothing is in any more are not copied.
    fn used_bytes(&self) -> u64 {
        let ask = |pragma: &str| {
            let statement = format!("PRAGMA {pragma}");
            let told = self.connection.query_row(&statement, (), |row| row.get(0));
            told.map_or(0, |number: i64| u64::try_from(number).unwrap_or(0))
        };
        let pages = ask("page_count").saturating_sub(ask("freelist_count"));
        pages.saturating_mul(PAGE_BYTES)
    }

    /// Reads a row, if it is there and can be read.
    fn row<T>(
        &mut self,
        sql: &str,
        row: i64,
        read: impl FnOnce(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Option<T> {
        if self.errors >= MOST_ERRORS {
            return None;
        }
        match self.connection.query_row(sql, [row], read) {
            Ok(found) => Some(found),
            Err(rusqlite::Error::QueryReturnedNoRows) => None,
            Err(_) => {
                self.errors += 1;
                if let Ok(connection) = super::file::open_again(&self.path, self.key) {
                    self.connection = connection;
                }
                None
            }
        }
    }

    /// The largest row number, as far as it can be read; else as many as the file has room for.
    fn last_row(&mut self, table: &str, most_rows: i64) -> i64 {
        // The parameter only makes it a statement like the others.
        let sql = format!("SELECT max(rowid) FROM {table} WHERE rowid > ?");
        let before = self.errors;
        match self.row(&sql, 0, |row| row.get::<_, Option<i64>>(0)) {
            Some(rows) => rows.unwrap_or(0).min(MOST_ROWS),
            None if self.errors > before => most_rows,
            None => 0,
        }
    }
}

/// Copies what can be read.
fn copy(old: &mut Old<'_>, new: &Connection, most_rows: i64) -> Result<(), OutboxError> {
    // Preparing reads the layout alone, without which nothing can be read at all.
    let take = match old.connection.prepare(TAKE) {
        Ok(_) => TAKE,
        Err(_) => FIRST_TAKE,
    };
    for row in 1..=old.last_row("take", most_rows) {
        if let Some(take) = old.row(take, row, rows::read) {
            rows::put(new, &take)?;
        }
    }
    for row in 1..=old.last_row("chunk", most_rows) {
        let found = old.row(CHUNK, row, |row| {
            Ok((
                row.get::<_, String>(0)?,
                rows::Chunk {
                    number: row.get(1)?,
                    first_sample: u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0),
                    pcm: row.get(3)?,
                },
            ))
        });
        if let Some((id, chunk)) = found
            && let Ok(id) = id.parse()
        {
            put_chunk(new, id, &chunk)?;
        }
    }
    Ok(())
}

/// Puts a chunk to its take, or to a new one if the row of its take was lost.
fn put_chunk(new: &Connection, id: TakeId, chunk: &rows::Chunk) -> Result<(), OutboxError> {
    let end = chunk.first_sample + (chunk.pcm.len() / 2) as u64;
    let mut take = match rows::get(new, id)? {
        Some(take) => take,
        None => {
            rows::insert(
                new,
                &NewTake {
                    id,
                    began_at: began_at(id),
                    sample_rate: 16_000,
                    language: "auto".to_owned(),
                    app: None,
                    route: Route::Outbox,
                    server: None,
                    person: None,
                },
            )?;
            rows::get(new, id)?.ok_or(OutboxError::UnknownTake)?
        }
    };
    rows::put_chunk(new, id, chunk)?;
    if take.samples < end || take.state == State::Recording {
        take.samples = take.samples.max(end);
        rows::put(new, &take)?;
    }
    Ok(())
}

/// A UUIDv7 holds the milliseconds of its making (RFC 9562 section 5.7).
fn began_at(id: TakeId) -> f64 {
    let hex: String = id.to_string().replace('-', "").chars().take(12).collect();
    let ms = u64::from_str_radix(&hex, 16).unwrap_or(0);
    #[allow(clippy::cast_precision_loss)] // 48 bits fit
    let ms = ms as f64;
    ms / 1000.0
}

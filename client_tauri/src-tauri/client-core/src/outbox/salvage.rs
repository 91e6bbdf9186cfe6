//! A new file of what can be read of a damaged one.
//!
//! Rows are asked for one by one, so that a damaged page costs what is on it. Audio that is missing in between is silence
//! afterwards, because positions must hold.

use std::path::PathBuf;

use rusqlite::Connection;

use super::error::OutboxError;
use super::key::Key;
use super::place::{Place, beside};
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

/// A chunk is a page at least, and rows of the other tables are few.
const BYTES_PER_ROW: u64 = 512;
/// Stops a number of rows that is itself damaged.
const MOST_ROWS: i64 = 10_000_000;

pub(super) fn salvage(
    place: &Place,
    key: &Key,
    now: f64,
) -> Result<(Connection, Salvaged), OutboxError> {
    let fresh = place.folder().join("outbox-salvage.db");
    for suffix in ["", "-wal", "-shm"] {
        let stale = beside(&fresh, suffix);
        if stale.exists() {
            std::fs::remove_file(stale)?;
        }
    }
    let mut salvaged = Salvaged {
        aside: PathBuf::new(),
        takes: 0,
        incomplete: true,
    };
    let size = std::fs::metadata(place.file()).map_or(0, |file| file.len());
    let most_rows =
        i64::try_from(size / BYTES_PER_ROW).map_or(MOST_ROWS, |rows| rows.min(MOST_ROWS));
    let new = super::file::open(&fresh, key)?;
    if let Ok(old) = super::file::open_damaged(&place.file(), key) {
        let transaction = new.unchecked_transaction()?;
        salvaged.incomplete = copy(&old, &transaction, most_rows)?;
        transaction.commit()?;
    }
    salvaged.takes = rows::all(&new)?.len();
    // All of it into the one file that is renamed.
    new.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()))?;
    new.close().map_err(|(_, error)| OutboxError::from(error))?;
    salvaged.aside = place.put_aside("damaged", now)?;
    std::fs::rename(&fresh, place.file())?;
    Ok((super::file::open(&place.file(), key)?, salvaged))
}

/// Copies what can be read; tells whether anything could not be.
fn copy(old: &Connection, new: &Connection, most_rows: i64) -> Result<bool, OutboxError> {
    let mut incomplete = false;
    for row in 1..=last_row(old, "take", most_rows) {
        let found = old
            .prepare(
                "SELECT id, state, began_at, ended_at, sample_rate, samples, language, app, route, server, \
                 known_as, recovered, attempts, next_attempt_at, problem, uploaded_samples, \
                 stored_samples, transcript, text, forget_at FROM take WHERE rowid = ?",
            )
            .and_then(|mut statement| statement.query_row([row], rows::read));
        match found {
            Ok(take) => rows::put(new, &take)?,
            Err(rusqlite::Error::QueryReturnedNoRows) => {}
            Err(_) => incomplete = true,
        }
    }
    for row in 1..=last_row(old, "chunk", most_rows) {
        let found = old
            .prepare("SELECT take, number, first_sample, pcm FROM chunk WHERE rowid = ?")
            .and_then(|mut statement| {
                statement.query_row([row], |row| {
                    Ok((
                        row.get::<_, String>(0)?,
                        rows::Chunk {
                            number: row.get(1)?,
                            first_sample: u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0),
                            pcm: row.get(3)?,
                        },
                    ))
                })
            });
        match found {
            Ok((id, chunk)) => match id.parse() {
                Ok(id) => put_chunk(new, id, &chunk)?,
                Err(_) => incomplete = true,
            },
            Err(rusqlite::Error::QueryReturnedNoRows) => {}
            Err(_) => incomplete = true,
        }
    }
    Ok(incomplete)
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

/// The largest row number, as far as it can be read; else as many as the file has room for.
fn last_row(old: &Connection, table: &str, most_rows: i64) -> i64 {
    let rows: Result<Option<i64>, _> =
        old.query_row(&format!("SELECT max(rowid) FROM {table}"), (), |row| {
            row.get(0)
        });
    match rows {
        Ok(rows) => rows.unwrap_or(0).min(MOST_ROWS),
        Err(_) => most_rows,
    }
}

//! The statements: rows of takes and chunks of audio, on whichever connection they are.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::OutboxError;
use super::take::{KnownAs, NewTake, State, Take, TakeId};
use crate::view::Route;

const COLUMNS: &str = "id, state, began_at, ended_at, sample_rate, samples, language, app, route, \
    server, known_as, recovered, attempts, next_attempt_at, problem, uploaded_samples, stored_samples, \
    transcript, text, forget_at, person";

pub(super) fn insert(connection: &Connection, new: &NewTake) -> Result<(), OutboxError> {
    connection
        .prepare(
            "INSERT INTO take (id, state, began_at, sample_rate, language, app, route, server, person)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            new.id.to_string(),
            State::Recording.as_str(),
            new.began_at,
            new.sample_rate,
            new.language,
            new.app,
            route_name(new.route),
            new.server,
            new.person,
        ])?;
    Ok(())
}

/// Writes a whole row, in place of one with its id.
pub(super) fn put(connection: &Connection, take: &Take) -> Result<(), OutboxError> {
    connection
        .prepare(&format!(
            "INSERT INTO take ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, \
             ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)
             ON CONFLICT (id) DO UPDATE SET state = ?2, ended_at = ?4, samples = ?6, language = ?7, \
             route = ?9, server = ?10, known_as = ?11, recovered = ?12, attempts = ?13, next_attempt_at = ?14, \
             problem = ?15, uploaded_samples = ?16, stored_samples = ?17, transcript = ?18, text = ?19, \
             forget_at = ?20, person = ?21"
        ))?
        .execute(params![
            take.id.to_string(),
            take.state.as_str(),
            take.began_at,
            take.ended_at,
            take.sample_rate,
            signed(take.samples),
            take.language,
            take.app,
            route_name(take.route),
            take.server,
            take.known_as.map(KnownAs::as_str),
            take.recovered,
            take.attempts,
            take.next_attempt_at,
            take.problem,
            signed(take.uploaded_samples),
            signed(take.stored_samples),
            take.transcript,
            take.text,
            take.forget_at,
            take.person,
        ])?;
    Ok(())
}

pub(super) fn get(connection: &Connection, id: TakeId) -> Result<Option<Take>, OutboxError> {
    Ok(connection
        .prepare(&format!("SELECT {COLUMNS} FROM take WHERE id = ?"))?
        .query_row([id.to_string()], read)
        .optional()?)
}

/// All takes, oldest first.
pub(super) fn all(connection: &Connection) -> Result<Vec<Take>, OutboxError> {
    let mut statement =
        connection.prepare(&format!("SELECT {COLUMNS} FROM take ORDER BY began_at, id"))?;
    let rows = statement.query_map((), read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn remove(connection: &Connection, id: TakeId) -> Result<bool, OutboxError> {
    Ok(connection.execute("DELETE FROM take WHERE id = ?", [id.to_string()])? > 0)
}

/// A stretch of audio as it was appended.
#[derive(Debug, Clone)]
pub(super) struct Chunk {
    pub(super) number: i64,
    pub(super) first_sample: u64,
    pub(super) pcm: Vec<u8>,
}

/// Adds audio behind what is there and tells how much there is then.
pub(super) fn append(
    connection: &Connection,
    id: TakeId,
    chunk: &Chunk,
) -> Result<u64, OutboxError> {
    let transaction = connection.unchecked_transaction()?;
    put_chunk(&transaction, id, chunk)?;
    let samples = chunk.first_sample + (chunk.pcm.len() / 2) as u64;
    transaction
        .prepare("UPDATE take SET samples = ? WHERE id = ?")?
        .execute(params![signed(samples), id.to_string()])?;
    transaction.commit()?;
    Ok(samples)
}

pub(super) fn put_chunk(
    connection: &Connection,
    id: TakeId,
    chunk: &Chunk,
) -> Result<(), OutboxError> {
    connection
        .prepare(
            "INSERT OR IGNORE INTO chunk (take, number, first_sample, pcm) VALUES (?, ?, ?, ?)",
        )?
        .execute(params![
            id.to_string(),
            chunk.number,
            signed(chunk.first_sample),
            chunk.pcm
        ])?;
    Ok(())
}

pub(super) fn last_number(connection: &Connection, id: TakeId) -> Result<i64, OutboxError> {
    Ok(connection
        .prepare("SELECT coalesce(max(number), -1) FROM chunk WHERE take = ?")?
        .query_row([id.to_string()], |row| row.get(0))?)
}

/// The chunks that hold any of the samples from `first` to before `end`.
pub(super) fn chunks(
    connection: &Connection,
    id: TakeId,
    first: u64,
    end: u64,
) -> Result<Vec<Chunk>, OutboxError> {
    let mut statement = connection.prepare(
        "SELECT number, first_sample, pcm FROM chunk
         WHERE take = ? AND first_sample < ?3 AND first_sample + length(pcm) / 2 > ?2 ORDER BY number",
    )?;
    let rows = statement.query_map(params![id.to_string(), signed(first), signed(end)], |row| {
        Ok(Chunk {
            number: row.get(0)?,
            first_sample: unsigned(row.get(1)?),
            pcm: row.get(2)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn has_audio(connection: &Connection, id: TakeId) -> Result<bool, OutboxError> {
    Ok(connection
        .prepare("SELECT EXISTS (SELECT 1 FROM chunk WHERE take = ?)")?
        .query_row([id.to_string()], |row| row.get(0))?)
}

pub(super) fn forget_audio(connection: &Connection, id: TakeId) -> Result<(), OutboxError> {
    connection.execute("DELETE FROM chunk WHERE take = ?", [id.to_string()])?;
    Ok(())
}

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Take> {
    let unreadable = |column: usize| {
        rusqlite::Error::InvalidColumnType(column, String::new(), rusqlite::types::Type::Text)
    };
    let text = |column: usize| row.get::<_, String>(column);
    Ok(Take {
        id: text(0)?.parse().map_err(|_| unreadable(0))?,
        state: State::parse(&text(1)?).ok_or_else(|| unreadable(1))?,
        began_at: row.get(2)?,
        ended_at: row.get(3)?,
        sample_rate: row.get(4)?,
        samples: unsigned(row.get(5)?),
        language: row.get(6)?,
        app: row.get(7)?,
        route: route_of(&text(8)?),
        server: row.get(9)?,
        known_as: row
            .get::<_, Option<String>>(10)?
            .and_then(|name| KnownAs::parse(&name)),
        recovered: row.get(11)?,
        attempts: row.get(12)?,
        next_attempt_at: row.get(13)?,
        problem: row.get(14)?,
        uploaded_samples: unsigned(row.get(15)?),
        stored_samples: unsigned(row.get(16)?),
        transcript: row.get(17)?,
        text: row.get(18)?,
        forget_at: row.get(19)?,
        person: row.get(20)?,
    })
}

/// SQLite's integers are signed; positions stay far below.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn route_name(route: Route) -> &'static str {
    match route {
        Route::Local => "local",
        Route::Team => "team",
        Route::Outbox => "outbox",
    }
}

fn route_of(name: &str) -> Route {
    match name {
        "local" => Route::Local,
        "team" => Route::Team,
        _ => Route::Outbox,
    }
}

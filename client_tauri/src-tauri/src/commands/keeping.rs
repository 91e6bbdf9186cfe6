//! What this computer keeps: takes and copies of what screens show.

use client_core::cache::Cache;
use client_core::desk::Desk;
use client_core::outbox::{Audio, OutboxError, Take, TakeId};
use client_core::sensitive::Sensitive;
use client_core::view::Problem;
use serde::Serialize;
use serde_json::Value;
use tauri::State;
use tauri::ipc::Response;

use crate::fault::{Answer, Fault};

/// A take as the screens show it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShownTake {
    take: String,
    state: &'static str,
    /// Milliseconds since 1970.
    began_at: f64,
    seconds: f64,
    recovered: bool,
    attempts: u32,
    next_attempt_at: Option<f64>,
    /// 0 … 1.
    uploaded: f64,
    app: Option<String>,
    text: Option<String>,
    /// Without it there is nothing to play or to export.
    audio: Audio,
    problem: Option<Problem>,
}

impl From<(Take, Audio)> for ShownTake {
    fn from((take, audio): (Take, Audio)) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a share")]
        let share = |part: u64| {
            if take.samples == 0 {
                0.0
            } else {
                part as f64 / take.samples as f64
            }
        };
        Self {
            state: take.state.as_str(),
            began_at: take.began_at * 1000.0,
            seconds: take.seconds(),
            recovered: take.recovered,
            attempts: take.attempts,
            next_attempt_at: take.next_attempt_at.map(|at| at * 1000.0),
            uploaded: share(take.uploaded_samples).min(1.0),
            take: take.id.to_string(),
            app: take.app,
            text: take.text,
            audio,
            problem: take
                .problem
                .map(|code| Problem::new(code, "this take needs a look")),
        }
    }
}

/// A take's id out of what a screen gave.
///
/// # Errors
/// It is none.
pub fn id(take: &str) -> Answer<TakeId> {
    take.parse()
        .map_err(|error: OutboxError| Fault(error.problem()))
}

/// All takes, newest first.
#[tauri::command]
pub async fn outbox_list(desk: State<'_, Desk>) -> Answer<Vec<ShownTake>> {
    Ok(desk
        .outbox()
        .list_with_audio()
        .await?
        .into_iter()
        .map(ShownTake::from)
        .collect())
}

/// A take as WAV.
#[tauri::command]
pub async fn outbox_audio(desk: State<'_, Desk>, take: String) -> Answer<Response> {
    Ok(Response::new(desk.outbox().wav(id(&take)?).await?))
}

/// Tries a take again now.
#[tauri::command]
pub async fn outbox_retry(desk: State<'_, Desk>, take: String) -> Answer<()> {
    let retried = desk.outbox().retry(id(&take)?).await;
    // Also for one that cannot be told of: the file it is in may have to be opened first.
    desk.look_again().await;
    retried?;
    Ok(())
}

/// Tries all takes again that wait or failed, each as [`outbox_retry`] does: one that waits for another person goes on waiting
/// for them. What was dropped, and what somebody said who was signed in at another server, has to be asked for by itself.
#[tauri::command]
pub async fn outbox_retry_all(desk: State<'_, Desk>) -> Answer<()> {
    let address = desk.server().map(|server| server.address().to_string());
    let retried = desk.outbox().retry_all(address).await;
    desk.look_again().await;
    Ok(retried?)
}

/// Drops a take; it can be brought back for a while.
#[tauri::command]
pub async fn outbox_remove(desk: State<'_, Desk>, take: String) -> Answer<()> {
    desk.outbox().cancel(id(&take)?).await?;
    Ok(())
}

/// Brings a dropped take back.
#[tauri::command]
pub async fn outbox_restore(desk: State<'_, Desk>, take: String) -> Answer<()> {
    desk.outbox().restore(id(&take)?).await?;
    desk.look_again().await;
    Ok(())
}

/// Opens the outbox with a passphrase.
#[tauri::command]
pub async fn outbox_unlock(desk: State<'_, Desk>, passphrase: String) -> Answer<()> {
    Ok(desk.open_outbox(Some(Sensitive::new(passphrase))).await?)
}

/// Puts an outbox that cannot be opened aside and begins an empty one.
#[tauri::command]
pub async fn outbox_put_aside(desk: State<'_, Desk>) -> Answer<()> {
    desk.outbox().put_aside().await?;
    Ok(desk.open_outbox(None).await?)
}

/// What was kept under `key`.
#[tauri::command]
pub async fn cache_read(
    desk: State<'_, Desk>,
    cache: State<'_, Cache>,
    key: String,
) -> Answer<Option<Value>> {
    Ok(cache.read(whose(&desk).await.as_deref(), &key).await?)
}

/// Keeps `value`, encrypted, under `key`.
#[tauri::command]
pub async fn cache_write(
    desk: State<'_, Desk>,
    cache: State<'_, Cache>,
    key: String,
    value: Value,
) -> Answer<()> {
    let whose = whose(&desk).await;
    Ok(cache.write(whose.as_deref(), &key, &value).await?)
}

/// Forgets all whose keys begin with `prefix`.
#[tauri::command]
pub async fn cache_forget(
    desk: State<'_, Desk>,
    cache: State<'_, Cache>,
    prefix: String,
) -> Answer<()> {
    let whose = whose(&desk).await;
    Ok(cache.forget(whose.as_deref(), &prefix).await?)
}

/// Who is signed in at the chosen server: what is kept is theirs alone.
async fn whose(desk: &Desk) -> Option<String> {
    desk.server()?.whose().await
}

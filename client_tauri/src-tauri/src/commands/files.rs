//! Files: what is saved where the person says, what is sent to the server, and the bundle for those who help.

use std::path::PathBuf;

use client_core::api::Call;
use client_core::desk::Desk;
use serde_json::Value;
use tauri::ipc::{InvokeBody, Request, Response};
use tauri::{AppHandle, Runtime, State};
use tauri_plugin_dialog::DialogExt;
use tokio::sync::oneshot;

use super::calls::{ScreenCall, server_of};
use super::keeping::id;
use crate::fault::{Answer, Fault};
use crate::places::Places;
use crate::{bundle, diagnosis};

/// The answer of a call as bytes, for playing.
#[tauri::command]
pub async fn bytes(desk: State<'_, Desk>, call: ScreenCall) -> Answer<Response> {
    let answer = server_of(&desk)?.bytes(&Call::from(call)).await?;
    Ok(Response::new(answer))
}

/// Saves the answer of a call where the person says; false if nowhere.
#[tauri::command]
pub async fn save<R: Runtime>(
    app: AppHandle<R>,
    desk: State<'_, Desk>,
    call: ScreenCall,
    suggested_name: String,
) -> Answer<bool> {
    let server = server_of(&desk)?;
    let Some(path) = chosen(&app, &suggested_name).await else {
        return Ok(false);
    };
    server.save(&Call::from(call), &path).await?;
    Ok(true)
}

/// Saves a take as WAV where the person says; false if nowhere.
#[tauri::command]
pub async fn outbox_export<R: Runtime>(
    app: AppHandle<R>,
    desk: State<'_, Desk>,
    take: String,
) -> Answer<bool> {
    let take = id(&take)?;
    // Before anybody is asked for a place.
    desk.outbox().with_audio(take).await?;
    let Some(path) = chosen(&app, &format!("alfavoice-{take}.wav")).await else {
        return Ok(false);
    };
    desk.outbox().export(take, path).await?;
    Ok(true)
}

/// Sends a file: the raw body, to the path in the header `x-path`, as the type in `x-type`.
#[tauri::command]
pub async fn upload(desk: State<'_, Desk>, request: Request<'_>) -> Answer<Value> {
    let header = |name: &str| {
        request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    let (Some(path), Some(kind), InvokeBody::Raw(contents)) =
        (header("x-path"), header("x-type"), request.body())
    else {
        return Err(Fault::new(
            "client.call",
            "an upload needs a path, a type and a body",
        ));
    };
    let server = server_of(&desk)?;
    Ok(server.send_file(&path, contents.clone(), &kind).await?)
}

/// Saves the diagnostics and the redacted logs where the person says; false if nowhere.
#[tauri::command]
pub async fn save_bundle<R: Runtime>(
    app: AppHandle<R>,
    desk: State<'_, Desk>,
    places: State<'_, Places>,
) -> Answer<bool> {
    let findings = diagnosis::findings(&desk).await;
    let contents = bundle::written(&findings, &places.log());
    let Some(path) = chosen(&app, "alfavoice-diagnostics.txt").await else {
        return Ok(false);
    };
    tokio::fs::write(path, contents).await?;
    Ok(true)
}

async fn chosen<R: Runtime>(app: &AppHandle<R>, suggested_name: &str) -> Option<PathBuf> {
    let (tell, choice) = oneshot::channel();
    app.dialog()
        .file()
        .set_file_name(file_name(suggested_name))
        .save_file(move |path| {
            // Nobody waits any more when the window was closed meanwhile.
            let _ = tell.send(path);
        });
    choice
        .await
        .ok()
        .flatten()
        .and_then(|path| path.into_path().ok())
}

/// A name without anything that would lead elsewhere.
fn file_name(suggested: &str) -> String {
    let name: String = suggested
        .chars()
        .filter(|letter| !letter.is_control() && !"/\\:*?\"<>|".contains(*letter))
        .take(120)
        .collect();
    if name.trim_matches('.').is_empty() {
        "alfavoice".to_owned()
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suggested_name_leads_nowhere_else() {
        assert_eq!(file_name("../../etc/passwd"), "....etcpasswd");
        assert_eq!(file_name(".."), "alfavoice");
        assert_eq!(file_name("Диктовка 5.txt"), "Диктовка 5.txt");
    }
}

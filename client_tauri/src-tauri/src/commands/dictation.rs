//! Dictation and what was said last.

use client_core::coordinator::Ask;
use client_core::desk::Desk;
use client_core::outbox::OutboxError;
use client_core::view::Snapshot;
use serde_json::json;
use tauri::{Runtime, State, WebviewWindow};

use super::calls::{post, server_of};
use super::keeping::id;
use crate::fault::{Answer, Fault};
use crate::telling;

/// Everything the screens show. A screen that asks for it hears events already.
#[tauri::command]
pub fn snapshot<R: Runtime>(desk: State<'_, Desk>, window: WebviewWindow<R>) -> Snapshot {
    telling::catch_up(&window);
    desk.snapshot().borrow().clone()
}

/// Begins to record.
#[tauri::command]
pub fn begin(desk: State<'_, Desk>) -> Answer<()> {
    asked(&desk, Ask::Begin)
}

/// Ends recording; the text follows.
#[tauri::command]
pub fn end(desk: State<'_, Desk>) -> Answer<()> {
    asked(&desk, Ask::End)
}

/// Drops what is being said.
#[tauri::command]
pub fn cancel(desk: State<'_, Desk>) -> Answer<()> {
    asked(&desk, Ask::Cancel)
}

/// Takes back the last cancel.
#[tauri::command]
pub fn undo_cancel(desk: State<'_, Desk>) -> Answer<()> {
    asked(&desk, Ask::UndoCancel)
}

/// Inserts the last text again.
#[tauri::command]
pub fn paste_last(desk: State<'_, Desk>) -> Answer<()> {
    asked(&desk, Ask::PasteLast)
}

/// Puts text into the clipboard.
#[tauri::command]
pub async fn copy_text(desk: State<'_, Desk>, text: String) -> Answer<()> {
    Ok(desk.copy_text(text).await?)
}

/// Has a recording recognised again: from here, where its audio is still here, else by the server that keeps it.
#[tauri::command]
pub async fn retry(desk: State<'_, Desk>, take: String) -> Answer<()> {
    match desk.outbox().retry(id(&take)?).await {
        Ok(_) => {
            desk.look_again().await;
            Ok(())
        }
        Err(OutboxError::UnknownTake | OutboxError::WrongState) => {
            server_of(&desk)?
                .call(&post(format!("/v1/recordings/{take}/retry"), json!({})))
                .await
                .map(drop)?;
            Ok(())
        }
        Err(error) => Err(Fault(error.problem())),
    }
}

fn asked(desk: &Desk, ask: Ask) -> Answer<()> {
    if desk.ask(ask) {
        Ok(())
    } else {
        Err(Fault::new("client.busy", "the program is busy or ends"))
    }
}

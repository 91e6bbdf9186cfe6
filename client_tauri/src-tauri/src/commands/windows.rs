//! The window's own controls: it has no frame of the system's.

use tauri::{Runtime, WebviewWindow};

use crate::fault::Answer;

/// Makes it small.
#[tauri::command]
pub fn minimise<R: Runtime>(window: WebviewWindow<R>) -> Answer<()> {
    Ok(window.minimize()?)
}

/// Makes it as large as the screen, or as it was.
#[tauri::command]
pub fn toggle_maximise<R: Runtime>(window: WebviewWindow<R>) -> Answer<()> {
    if window.is_maximized()? {
        return Ok(window.unmaximize()?);
    }
    Ok(window.maximize()?)
}

/// Closes it; the program stays, in the tray and with its keys.
#[tauri::command]
pub fn close<R: Runtime>(window: WebviewWindow<R>) -> Answer<()> {
    Ok(window.close()?)
}

/// Lets it be moved by what was pressed.
#[tauri::command]
pub fn start_dragging<R: Runtime>(window: WebviewWindow<R>) -> Answer<()> {
    Ok(window.start_dragging()?)
}

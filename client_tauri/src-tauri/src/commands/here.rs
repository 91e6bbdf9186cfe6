//! This computer: settings, devices, keys.

use client_core::desk::Desk;
use client_core::ports::InputDevice;
use client_core::settings::Settings;
use client_core::view::Snapshot;
use serde_json::{Value, json};
use tauri::State;

use crate::diagnosis::{self, Finding};
use crate::fault::Answer;
use crate::telling;
use crate::words::{Tongue, sentence};

/// Settings of this computer, as the screens know them: the keys in use where none were chosen, and without the server, which
/// is in the snapshot.
#[tauri::command]
pub fn settings(desk: State<'_, Desk>) -> Answer<Value> {
    let settings = desk.settings().borrow().clone();
    shown(&settings, &desk.snapshot().borrow())
}

/// Changes some of them; the answer is all of them.
#[tauri::command]
pub async fn change_settings(desk: State<'_, Desk>, mut patch: Value) -> Answer<Value> {
    if let Some(fields) = patch.as_object_mut() {
        // Chosen by calls of its own, which look at it first.
        fields.remove("server");
    }
    let settings = desk.change_settings(patch).await?;
    shown(&settings, &desk.snapshot().borrow())
}

fn shown(settings: &Settings, snapshot: &Snapshot) -> Answer<Value> {
    let mut all = json!(settings);
    all["hotkeys"] = json!(settings.bindings(snapshot.platform));
    if let Some(fields) = all.as_object_mut() {
        fields.remove("server");
    }
    Ok(all)
}

/// The microphones there are.
#[tauri::command]
pub async fn microphones(desk: State<'_, Desk>) -> Answer<Vec<InputDevice>> {
    Ok(desk.microphones().await?)
}

/// Lets levels be heard without a dictation, or ends that.
#[tauri::command]
pub async fn test_microphone(desk: State<'_, Desk>, on: bool) -> Answer<()> {
    desk.test_microphone(on).await;
    Ok(())
}

/// Inserts a sample of our own, in the language of the program, into whatever has the focus in three seconds: no page may type
/// what it likes into other programs.
#[tauri::command]
pub async fn test_insertion(desk: State<'_, Desk>) -> Answer<()> {
    let text = sample(telling::tongue(&desk.settings().borrow()));
    // Time to go to the other window.
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    Ok(desk.test_insertion(text).await?)
}

fn sample(tongue: Tongue) -> String {
    sentence(tongue, "sample.insertion").unwrap_or_else(|| "AlfaVoice".to_owned())
}

/// The next chord held is told as an event and does nothing else.
#[tauri::command]
pub async fn record_hotkey(desk: State<'_, Desk>) -> Answer<()> {
    Ok(desk.record_hotkey().await?)
}

/// Ends that without a chord.
#[tauri::command]
pub async fn stop_recording_hotkey(desk: State<'_, Desk>) -> Answer<()> {
    Ok(desk.stop_recording_hotkey().await?)
}

/// What was found when all parts were looked at.
#[tauri::command]
pub async fn diagnostics(desk: State<'_, Desk>) -> Answer<Vec<Finding>> {
    Ok(diagnosis::findings(&desk).await)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_in_the_chosen_language() {
        assert!(sample(Tongue::Russian).contains("французских булок"));
        assert!(sample(Tongue::English).contains("quick brown fox"));
    }
}

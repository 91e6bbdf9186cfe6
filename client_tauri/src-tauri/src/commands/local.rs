//! The server on this computer and its models.

use client_core::desk::Desk;
use client_core::sidecar::SidecarError;
use client_core::view::{Problem, ServerKind};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tauri::State;

use super::calls::{get, server_of};
use crate::fault::{Answer, Fault};
use crate::local::{Checked, LocalServer};

/// What to do with the server.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Start it.
    Start,
    /// Stop it.
    Stop,
    /// Both.
    Restart,
}

/// Models as the screens show them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShownModels {
    models: Vec<Value>,
    free_bytes: Option<u64>,
    can_change: bool,
}

/// Starts, stops or restarts the server on this computer.
#[tauri::command]
pub async fn sidecar(local: State<'_, LocalServer>, command: Command) -> Answer<()> {
    match command {
        Command::Start => local.sidecar.start().await,
        Command::Stop => local.sidecar.stop().await,
        Command::Restart => local.sidecar.restart().await,
    }
    Ok(())
}

/// What it said last.
#[tauri::command]
pub fn sidecar_log(local: State<'_, LocalServer>) -> Vec<String> {
    local.sidecar.log()
}

/// Models of the chosen server: all that can be had where it is ours, those it works with where it is somebody else's.
#[tauri::command]
pub async fn models(desk: State<'_, Desk>, local: State<'_, LocalServer>) -> Answer<ShownModels> {
    // Of the settings: what is shown may be a moment older than a choice that was just made.
    if desk.settings().borrow().server.kind == Some(ServerKind::Team) {
        let told = server_of(&desk)?.call(&get("/v1/models")).await?;
        let all = told["data"].as_array().cloned().unwrap_or_default();
        let models = all
            .iter()
            .filter_map(|model| model["id"].as_str())
            .map(of_team)
            .collect();
        return Ok(ShownModels {
            models,
            free_bytes: None,
            can_change: false,
        });
    }
    let told = local
        .sidecar
        .models()
        .await
        .map_err(|error| Fault(error.problem()))?;
    let download = local.downloading();
    let models = told["models"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|model| {
            let name = model["name"].as_str().unwrap_or_default();
            let progress = download.as_ref().filter(|now| now.name == name);
            let known = Known {
                progress: progress.map(|now| json!({"received": now.received, "total": now.total})),
                checked: local.checked(name),
                problem: local.problem(name),
            };
            of_ours(model, &known)
        });
    Ok(ShownModels {
        models: models.collect(),
        free_bytes: told["free_bytes"].as_u64(),
        can_change: true,
    })
}

fn of_team(name: &str) -> Value {
    json!({"name": name, "version": "", "sizeBytes": 0, "installed": true, "active": true, "verified": "unknown",
           "update": null, "progress": null, "problem": null})
}

/// What this program knows of a model besides what the server's program says.
#[derive(Default)]
struct Known {
    progress: Option<Value>,
    checked: Checked,
    problem: Option<Problem>,
}

/// One of `alfavoice models list --json`.
fn of_ours(model: &Value, known: &Known) -> Value {
    let installed = &model["installed"];
    let size = installed["size_bytes"]
        .as_u64()
        .or_else(|| model["download_bytes"].as_u64());
    let version = installed["path"]
        .as_str()
        .and_then(|path| path.rsplit(['/', '\\']).next());
    json!({
        "name": model["name"], "version": version.unwrap_or_default(), "sizeBytes": size.unwrap_or_default(),
        "installed": !installed.is_null(), "active": model["active"], "verified": known.checked,
        "update": model["update"], "progress": known.progress, "problem": known.problem,
    })
}

/// Fetches a model, or a newer version of it.
#[tauri::command]
pub async fn install_model(local: State<'_, LocalServer>, name: String) -> Answer<()> {
    Ok(local.install(&name).await?)
}

/// Ends the download that goes on.
#[tauri::command]
pub fn cancel_install(local: State<'_, LocalServer>) {
    local.cancel_install();
}

/// Checks a model's files; what came of it is shown with the models.
#[tauri::command]
pub async fn verify_model(local: State<'_, LocalServer>, name: String) -> Answer<()> {
    Ok(local.verify(&name).await?)
}

/// Makes a model the one that recognises, and the server take it.
#[tauri::command]
pub async fn activate_model(local: State<'_, LocalServer>, name: String) -> Answer<()> {
    local
        .sidecar
        .activate(&name)
        .await
        .map_err(|error| of_model(&error, "model.not_usable"))?;
    local.sidecar.restart().await;
    Ok(())
}

/// Removes a model.
#[tauri::command]
pub async fn remove_model(local: State<'_, LocalServer>, name: String) -> Answer<()> {
    local
        .sidecar
        .remove(&name)
        .await
        .map_err(|error| of_model(&error, "model.not_removed"))?;
    local.forget_check(&name);
    Ok(())
}

/// The server's program refused something about a model: that is no failure of the server.
fn of_model(error: &SidecarError, refused: &'static str) -> Fault {
    match error {
        SidecarError::Failed => Fault(Problem::new(refused, error.to_string())),
        other => Fault(other.problem()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_of_ours_says_whether_it_is_here_and_how_large() {
        let line = json!({"name": "base", "active": true, "download_bytes": 5,
                          "installed": {"path": "/data/models/base/c7a46dd8", "size_bytes": 150_218_479}});
        let shown = of_ours(&line, &Known::default());
        assert_eq!(shown["version"], "c7a46dd8");
        assert_eq!(shown["sizeBytes"], 150_218_479);
        assert_eq!(shown["installed"], true);
        assert_eq!(
            of_ours(
                &json!({"name": "tiny", "installed": null, "download_bytes": 7}),
                &Known::default()
            )["sizeBytes"],
            7
        );
    }

    #[test]
    fn a_model_says_what_was_found_in_its_files_and_why_it_is_not_here() {
        let known = Known {
            progress: None,
            checked: Checked::Bad,
            problem: Some(Problem::new("model.not_installed", "")),
        };
        let shown = of_ours(&json!({"name": "tiny", "installed": null}), &known);
        assert_eq!(shown["verified"], "bad");
        assert_eq!(shown["problem"]["code"], "model.not_installed");
    }
}

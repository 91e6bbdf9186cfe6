//! Newer versions of this program, from the team's own server and from nowhere else.
//!
//! Whoever builds the program for a team builds their key in (`ALFAVOICE_UPDATE_KEY`, the public half of
//! `npx tauri signer generate`) or puts it beside the program's data as `update.pub`. Without a key nothing is ever
//! fetched: a server alone must not be able to run programs on people's computers.

use std::sync::Mutex;
use std::time::Duration;

use client_core::desk::Desk;
use client_core::view::Problem;
use serde::Serialize;
use tauri::{AppHandle, Runtime, State};
use tauri_plugin_updater::{Error, UpdaterExt};

use crate::fault::{Answer, Fault};
use crate::places::Places;

/// How long the server may take to say what there is.
const ASKING: Duration = Duration::from_secs(15);

/// A newer version, as the screens show it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Newer {
    version: String,
    notes: String,
    size_bytes: Option<u64>,
}

/// What was found last, to be installed when the person says so.
#[derive(Default)]
pub struct Found(Mutex<Option<tauri_plugin_updater::Update>>);

/// Asks the chosen server for a newer version; `None` if this is the newest, or no key was given.
#[tauri::command]
pub async fn check_update<R: Runtime>(
    app: AppHandle<R>,
    desk: State<'_, Desk>,
    places: State<'_, Places>,
    found: State<'_, Found>,
) -> Answer<Option<Newer>> {
    let address = desk.snapshot().borrow().server.address.clone();
    let (Some(key), Some(address)) = (public_key(&places), address) else {
        return Ok(None);
    };
    let endpoint = format!(
        "{address}/v1/updates/{{{{target}}}}/{{{{arch}}}}/{{{{bundle_type}}}}/{{{{current_version}}}}"
    );
    let endpoint = endpoint.parse().map_err(|_| {
        Fault::new(
            "update.address",
            "the server's address cannot be asked for updates",
        )
    })?;
    let update = app
        .updater_builder()
        .pubkey(key)
        .timeout(ASKING)
        .endpoints(vec![endpoint])
        .and_then(tauri_plugin_updater::UpdaterBuilder::build)
        .map_err(fault)?
        .check()
        .await
        .map_err(fault)?;
    let newer = update.as_ref().map(|update| Newer {
        version: update.version.clone(),
        notes: update.body.clone().unwrap_or_default(),
        size_bytes: update
            .raw_json
            .get("size_bytes")
            .and_then(serde_json::Value::as_u64),
    });
    if let Ok(mut kept) = found.0.lock() {
        *kept = update;
    }
    Ok(newer)
}

/// Fetches what was found, checks its signature, installs it and starts it.
#[tauri::command]
pub async fn install_update<R: Runtime>(
    app: AppHandle<R>,
    desk: State<'_, Desk>,
    found: State<'_, Found>,
) -> Answer<()> {
    let update = found.0.lock().ok().and_then(|mut kept| kept.take());
    let Some(update) = update else {
        return Err(Fault::new(
            "update.none",
            "there is nothing to install; check for updates first",
        ));
    };
    update
        .download_and_install(|_, _| {}, || {})
        .await
        .map_err(fault)?;
    desk.stop().await;
    app.restart();
}

fn public_key(places: &Places) -> Option<String> {
    if let Some(built_in) = option_env!("ALFAVOICE_UPDATE_KEY") {
        return Some(built_in.to_owned());
    }
    let key = std::fs::read_to_string(places.folder.join("update.pub")).ok()?;
    Some(key.trim().to_owned()).filter(|key| !key.is_empty())
}

fn fault(error: Error) -> Fault {
    tracing::warn!(kind = ?std::mem::discriminant(&error), "no update");
    Fault(match error {
        Error::Minisign(_) | Error::Base64(_) | Error::SignatureUtf8(_) => Problem::new(
            "update.signature",
            "the update is not signed with the team's key; it was not installed",
        ),
        Error::ReleaseNotFound | Error::TargetNotFound(_) | Error::TargetsNotFound(_) => {
            Problem::new(
                "update.none_for_this",
                "the server has no update for this kind of computer",
            )
        }
        Error::Reqwest(_) | Error::Network(_) => Problem::new(
            "update.unreachable",
            "the server could not be asked for updates",
        )
        .with_action("retry"),
        _ => Problem::new("update.failed", "the update could not be installed"),
    })
}

//! Newer versions of this program, from the team's own server and from nowhere else.
//!
//! Whoever builds the program for a team builds their key in (`ALFAVOICE_UPDATE_KEY`, the public half of
//! `npx tauri signer generate`) or puts it beside the program's data as `update.pub`. Without a key nothing is ever
//! fetched: a server alone must not be able to run programs on people's computers.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use client_core::account::Server;
use client_core::desk::Desk;
use client_core::view::{BackendEvent, NoticeKind, Problem, ServerKind};
use serde::Serialize;
use tauri::{AppHandle, Manager, Runtime, State};
use tauri_plugin_updater::{Error, UpdaterExt};

use crate::fault::{Answer, Fault};
use crate::places::Places;
use crate::telling;

/// How long the server may take to say what there is.
const ASKING: Duration = Duration::from_secs(15);
/// A package that does not come any further for this long is given up.
const STALLED: Duration = Duration::from_secs(30);
/// The first look, when what people wait for is done.
const FIRST: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// And one that is not there after this long.
const FETCHING: Duration = Duration::from_secs(60 * 60);

const UNREACHABLE: &str = "the server could not be asked for updates";
const NOT_INSTALLED: &str = "the update could not be installed";

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
pub struct Found(pub Mutex<Option<tauri_plugin_updater::Update>>);

/// Asks the chosen server for a newer version; `None` if this is the newest, or no key was given.
#[tauri::command]
pub async fn check_update<R: Runtime>(
    app: AppHandle<R>,
    desk: State<'_, Desk>,
) -> Answer<Option<Newer>> {
    look(&app, &desk).await
}

/// Looks once a day, where the person wants that, and tells of each version once.
pub async fn look_daily<R: Runtime>(app: AppHandle<R>, desk: Desk) {
    let mut told = None;
    let mut pause = FIRST;
    loop {
        tokio::time::sleep(pause).await;
        pause = DAY;
        look_unasked(&app, &desk, &mut told).await;
    }
}

/// Looks if the person wants that, and tells of a version that is not in `told`.
pub async fn look_unasked<R: Runtime>(app: &AppHandle<R>, desk: &Desk, told: &mut Option<String>) {
    if !desk.settings().borrow().updates.check {
        return;
    }
    // A server that is not there today is there tomorrow.
    let Ok(Some(newer)) = look(app, desk).await else {
        return;
    };
    if told.replace(newer.version.clone()) == Some(newer.version) {
        return;
    }
    let notice = BackendEvent::Notice {
        kind: NoticeKind::Update,
        code: "update".to_owned(),
        message: "there is a newer version".to_owned(),
        take: None,
    };
    telling::say(app, desk, &notice);
}

async fn look<R: Runtime>(app: &AppHandle<R>, desk: &Desk) -> Answer<Option<Newer>> {
    let (found, places) = (app.state::<Found>(), app.state::<Places>());
    let (Some(key), Some(server)) = (public_key(&places), team_server(desk)) else {
        return Ok(None);
    };
    let address = server.address();
    let endpoint = format!(
        "{address}/v1/updates/{{{{target}}}}/{{{{arch}}}}/{{{{bundle_type}}}}/{{{{current_version}}}}"
    );
    let endpoint = endpoint.parse().map_err(|_| {
        Fault::new(
            "update.address",
            "the server's address cannot be asked for updates",
        )
    })?;
    let tls = server.tls();
    let update = app
        .updater_builder()
        .pubkey(key)
        .timeout(ASKING)
        // The same certificates as for everything else said to this server, and no way round it.
        .configure_client(move |client| {
            client
                .tls_backend_preconfigured(tls.clone())
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .read_timeout(STALLED)
        })
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
    if let Some(newer) = &newer {
        tracing::info!(version = newer.version, "there is a newer version");
    }
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
    // It stays there: what failed may be tried again.
    let update = found.0.lock().ok().and_then(|kept| kept.clone());
    let Some(update) = update else {
        return Err(Fault::new(
            "update.none",
            "there is nothing to install; check for updates first",
        ));
    };
    let package = fetch(&update).await?;
    let installed = tokio::task::spawn_blocking(move || update.install(package)).await;
    match installed {
        Ok(done) => done.map_err(fault)?,
        Err(_) => return Err(Fault::new("update.failed", NOT_INSTALLED)),
    }
    tracing::info!("the newer version is installed");
    desk.stop().await;
    app.restart();
}

/// The package, once its signature was found to be the team's and for this version.
pub async fn fetch(update: &tauri_plugin_updater::Update) -> Answer<Vec<u8>> {
    match tokio::time::timeout(FETCHING, update.download(|_, _| {}, || {})).await {
        Ok(fetched) => fetched.map_err(fault),
        Err(_) => Err(Fault(
            Problem::new("update.unreachable", UNREACHABLE).with_action("retry"),
        )),
    }
}

/// The server on this computer came with the program; only a team's has newer versions.
fn team_server(desk: &Desk) -> Option<Arc<Server>> {
    let chosen = desk.snapshot().borrow().server.kind;
    desk.server().filter(|_| chosen == Some(ServerKind::Team))
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
        Error::Minisign(_)
        | Error::Base64(_)
        | Error::SignatureUtf8(_)
        | Error::MissingSignedVersion
        | Error::SignedVersionMismatch { .. } => Problem::new(
            "update.signature",
            "the update is not signed for this version with the team's key; it was not installed",
        ),
        Error::InsecureTransportProtocol => Problem::new(
            "update.insecure",
            "newer versions are only taken over https",
        ),
        // Io: there is no program that asks for the right to install.
        Error::AuthenticationFailed
        | Error::DebInstallFailed
        | Error::PackageInstallFailed
        | Error::Io(_) => Problem::new(
            "update.refused",
            "the system did not let the package be installed",
        ),
        Error::ReleaseNotFound | Error::TargetNotFound(_) | Error::TargetsNotFound(_) => {
            Problem::new(
                "update.none_for_this",
                "the server has no update for this kind of computer",
            )
        }
        Error::Reqwest(_) | Error::Network(_) => {
            Problem::new("update.unreachable", UNREACHABLE).with_action("retry")
        }
        _ => Problem::new("update.failed", NOT_INSTALLED),
    })
}

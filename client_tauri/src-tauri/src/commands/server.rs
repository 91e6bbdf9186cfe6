//! Where the server is, and who is signed in there.

use std::sync::{Arc, Mutex, PoisonError};

use client_core::account::{Address, Device, Fingerprint, NotAFingerprint, NotAnAddress, Server};
use client_core::api::{ApiError, Call};
use client_core::cache::Cache;
use client_core::desk::Desk;
use client_core::ports::Keychain;
use client_core::sensitive::Sensitive;
use client_core::view::{Problem, Route};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tauri::State;

use super::calls::{ScreenCall, server_of};
use crate::fault::{Answer, Fault};

/// What it takes to look at a server nobody has chosen yet.
pub struct Looking {
    /// Where sign-ins are kept.
    pub keychain: Arc<dyn Keychain>,
    /// This program, as servers list it.
    pub device: Device,
    last: Mutex<Option<(Address, Option<Fingerprint>)>>,
}

impl Looking {
    /// Nothing looked at yet.
    #[must_use]
    pub fn new(keychain: Arc<dyn Keychain>, device: Device) -> Self {
        Self {
            keychain,
            device,
            last: Mutex::new(None),
        }
    }

    fn remember(&self, found: (Address, Option<Fingerprint>)) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
    }

    fn last(&self) -> Option<(Address, Option<Fingerprint>)> {
        self.last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Which server somebody chose.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Choice {
    /// The one on this computer.
    Local,
    /// The team's.
    Team {
        /// Where it is.
        address: String,
    },
}

/// What answers at an address, as the screens show it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShownProbe {
    address: String,
    version: String,
    login_required: bool,
    has_admin: bool,
    certificate: &'static str,
    fingerprint: Option<String>,
}

/// A login and a password, on their way to the server and nowhere else.
#[derive(Deserialize)]
pub struct Credentials {
    login: String,
    password: String,
}

/// What signing out does besides.
#[derive(Deserialize)]
pub struct SigningOut {
    forget: bool,
}

/// Calls the HTTP API of the chosen server.
#[tauri::command]
pub async fn request(desk: State<'_, Desk>, call: ScreenCall) -> Answer<Value> {
    Ok(server_of(&desk)?.call(&Call::from(call)).await?)
}

/// Chooses the server on this computer, or the team's.
#[tauri::command]
pub async fn choose_server(
    desk: State<'_, Desk>,
    looking: State<'_, Looking>,
    choice: Choice,
) -> Answer<()> {
    let patch = match choice {
        // No address stays: speech must not go on to a server nobody chose any more.
        Choice::Local => {
            json!({"kind": "local", "address": null, "certificate": null, "pinned": null})
        }
        Choice::Team { address } => {
            let address = read(&address)?;
            let certificate = trusted(&desk, &looking, &address);
            json!({"kind": "team", "address": address, "certificate": certificate, "pinned": null})
        }
    };
    desk.change_settings(json!({"server": patch})).await?;
    Ok(())
}

/// The confirmed certificate stays confirmed while the address stays the same.
fn trusted(desk: &Desk, looking: &Looking, address: &Address) -> Option<String> {
    let before = desk.settings().borrow().server.clone();
    let same = before
        .address
        .as_deref()
        .and_then(|text| text.parse::<Address>().ok())
        .as_ref()
        == Some(address);
    let confirmed = looking
        .last()
        .filter(|(of, _)| of == address)
        .and_then(|(_, fingerprint)| fingerprint);
    confirmed
        .map(|fingerprint| fingerprint.to_string())
        .or(before.certificate.filter(|_| same))
}

/// Looks what answers at an address.
#[tauri::command]
pub async fn probe(
    desk: State<'_, Desk>,
    looking: State<'_, Looking>,
    address: String,
) -> Answer<ShownProbe> {
    let address = read(&address)?;
    looking.remember((
        address.clone(),
        looking
            .last()
            .filter(|(of, _)| *of == address)
            .and_then(|(_, known)| known),
    ));
    let pin = trusted(&desk, &looking, &address).and_then(|text| text.parse().ok());
    match look(&looking, &address, pin).await {
        Ok(mut shown) => {
            if pin.is_some() {
                shown.certificate = "pinned";
            }
            Ok(shown)
        }
        Err(ApiError::UnknownCertificate(fingerprint)) => {
            // Asked again with exactly this certificate taken for good, to say what is there; nothing secret is sent, and nothing is
            // kept unless the person confirms it.
            let mut shown = look(&looking, &address, Some(fingerprint)).await?;
            shown.certificate = "unknown";
            shown.fingerprint = Some(fingerprint.to_string());
            Ok(shown)
        }
        Err(error) => Err(error.into()),
    }
}

async fn look(
    looking: &Looking,
    address: &Address,
    pin: Option<Fingerprint>,
) -> Result<ShownProbe, ApiError> {
    let server = Server::new(
        address.clone(),
        pin,
        looking.keychain.clone(),
        looking.device.clone(),
    )?;
    let probed = server.probe().await?;
    Ok(ShownProbe {
        address: address.to_string(),
        version: probed.version,
        login_required: probed.needs_sign_in,
        // A server without an administrator asks everybody to set it up; the page it prints says so.
        has_admin: true,
        certificate: if address.is_encrypted() {
            "trusted"
        } else {
            "plain"
        },
        fingerprint: pin.map(|fingerprint| fingerprint.to_string()),
    })
}

/// Trusts the certificate with this fingerprint at the address probed last, once that is chosen.
#[tauri::command]
pub async fn trust_certificate(looking: State<'_, Looking>, fingerprint: String) -> Answer<()> {
    let fingerprint: Fingerprint = fingerprint.parse().map_err(|_: NotAFingerprint| {
        Fault::new(
            "certificate.invalid",
            "this is no fingerprint of a certificate",
        )
    })?;
    let Some((address, _)) = looking.last() else {
        return Err(Fault::new(
            "certificate.nothing_probed",
            "look at a server first",
        ));
    };
    looking.remember((address, Some(fingerprint)));
    Ok(())
}

/// Signs in at the chosen server.
#[tauri::command]
pub async fn sign_in(desk: State<'_, Desk>, credentials: Credentials) -> Answer<()> {
    let signed_in = server_of(&desk)?
        .sign_in(&credentials.login, &Sensitive::new(credentials.password))
        .await;
    desk.look_again().await;
    match signed_in {
        // It will not outlast this run, which is shown with the server; dictation works now.
        Ok(_) | Err(ApiError::Keychain(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Signs out; takes not yet sent stay. Whatever does not succeed, such as a keychain that refuses, the rest is done and that is
/// told afterwards.
#[tauri::command]
pub async fn sign_out(
    desk: State<'_, Desk>,
    cache: State<'_, Cache>,
    options: SigningOut,
) -> Answer<()> {
    let signed_out = match server_of(&desk) {
        Ok(server) => server.sign_out().await.map_err(Fault::from),
        Err(fault) => Err(fault),
    };
    let forgotten = match options.forget {
        true => cache.forget(None, "").await.map_err(Fault::from),
        false => Ok(()),
    };
    let last = desk.forget_last().await.map_err(Fault::from);
    desk.look_again().await;
    signed_out.and(forgotten).and(last)
}

/// Fixes where takes go, or lets it be chosen again.
#[tauri::command]
pub async fn pin_route(desk: State<'_, Desk>, route: Option<Route>) -> Answer<()> {
    Ok(desk.pin_route(route).await?)
}

/// An address that may be looked at and chosen.
fn read(address: &str) -> Answer<Address> {
    let problem = match address.parse::<Address>() {
        Ok(address) if !address.is_in_clear() => return Ok(address),
        Ok(_) => ApiError::InClear.problem(),
        Err(NotAnAddress) => {
            Problem::new("server.invalid_address", "this is no address of a server")
        }
    };
    Err(Fault(problem.with_action("choose_server")))
}

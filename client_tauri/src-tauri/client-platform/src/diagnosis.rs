//! What this machine offers, for a person who asks for help: nothing in it tells who they are or what they do.

use serde::Serialize;

use crate::audio::{host, is_monitor, microphones};
use crate::session::Session;

/// How the keychain is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Keychain {
    /// Secrets can be read and written.
    Open,
    /// A password is needed.
    Locked,
    /// It has kept nothing yet.
    Empty,
    /// There is none.
    Absent,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// The kind of desktop.
    pub session: Session,
    /// Its name (`XDG_CURRENT_DESKTOP`).
    pub desktop: Option<String>,
    /// The version of the desktop's portal for global keys; `None` without one.
    pub global_shortcuts_portal: Option<u32>,
    /// The version of the desktop's portal for typing into other windows; `None` without one.
    pub remote_desktop_portal: Option<u32>,
    /// The keychain.
    pub keychain: Keychain,
    /// The audio system (`PulseAudio`, `ALSA`, `WASAPI`, `CoreAudio`).
    pub audio: String,
    /// How many microphones there are; `None` when the audio system does not say.
    pub microphones: Option<usize>,
    /// Whether what the system records by default is a microphone at all.
    pub default_microphone: bool,
    /// Whether chords of modifiers only can be bound.
    pub modifiers_only: bool,
}

/// Finds out. It may take seconds where the machine does not answer, so it belongs on a thread of its own.
#[must_use]
pub fn diagnose() -> Diagnosis {
    let session = Session::detect();
    let host = host();
    let found = microphones(&host).ok();
    let default_microphone = found.as_ref().is_some_and(|all| {
        all.iter()
            .any(|(_, id, _, default)| *default && !is_monitor(id))
    });
    Diagnosis {
        session,
        desktop: std::env::var("XDG_CURRENT_DESKTOP").ok(),
        global_shortcuts_portal: portal("GlobalShortcuts"),
        remote_desktop_portal: portal("RemoteDesktop"),
        keychain: keychain(),
        audio: host.id().name().to_owned(),
        microphones: found.map(|all| all.len()),
        default_microphone,
        modifiers_only: matches!(session, Session::X11 | Session::Windows | Session::Macos),
    }
}

#[cfg(target_os = "linux")]
fn portal(interface: &str) -> Option<u32> {
    crate::linux::portal_version(interface)
}

#[cfg(not(target_os = "linux"))]
const fn portal(_: &str) -> Option<u32> {
    None
}

#[cfg(target_os = "linux")]
fn keychain() -> Keychain {
    use crate::linux::{KeychainState, SecretService};

    match SecretService::new(crate::platform::KEYCHAIN_SERVICE).state() {
        KeychainState::Open => Keychain::Open,
        KeychainState::Locked => Keychain::Locked,
        KeychainState::Empty => Keychain::Empty,
        KeychainState::Absent => Keychain::Absent,
    }
}

#[cfg(windows)]
fn keychain() -> Keychain {
    if crate::windows::CredentialManager::new(crate::platform::KEYCHAIN_SERVICE).there() {
        Keychain::Open
    } else {
        Keychain::Absent
    }
}

/// Asked without disturbing anybody: it is there in every login, and open.
#[cfg(target_os = "macos")]
const fn keychain() -> Keychain {
    Keychain::Open
}

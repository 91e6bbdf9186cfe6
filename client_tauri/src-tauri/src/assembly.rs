//! Joins the machine and the desk: which port is what, where files are, what follows the settings.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use client_core::account::Device;
use client_core::cache::Cache;
use client_core::coordinator::Limits;
use client_core::desk::{self, Desk, Local};
use client_core::outbox::{Outbox, OutboxError, Place, Retention};
use client_core::ports::{Autostart, HotkeyEvent};
use client_core::settings::{Settings, SettingsFile};
use client_core::sidecar::{Plan, Sidecar};
use client_core::view;
use client_platform::Platform;
use client_platform::session::Session;
use tokio::sync::watch;

use crate::commands::server::Looking;
use crate::local::{self, LocalServer, Reach};
use crate::places::Places;

/// Keys somebody can strike before the program gets to hear them; more are dropped, and said.
const KEYS: usize = 256;

/// Everything the windows' commands stand on.
pub struct Assembled {
    /// What goes on.
    pub desk: Desk,
    /// Copies of what screens show.
    pub cache: Cache,
    /// For servers nobody has chosen yet.
    pub looking: Looking,
    /// The server on this computer.
    pub local: LocalServer,
}

/// Why nothing can be put together.
#[derive(Debug, thiserror::Error)]
pub enum AssemblyError {
    /// The system gives no thread.
    #[error("the system gives no more threads: {0}")]
    Threads(#[from] std::io::Error),
    /// Not even the outbox's part in memory can be made.
    #[error("the outbox cannot be made: {0}")]
    Outbox(#[from] OutboxError),
}

/// The computer the program runs on.
pub struct Machine {
    /// What can be asked of it.
    pub platform: Platform,
    /// Where its keys are heard.
    pub keys: Receiver<HotkeyEvent>,
}

impl Machine {
    /// Looks what there is.
    ///
    /// # Errors
    /// [`AssemblyError::Threads`] if the look itself failed.
    pub async fn look() -> Result<Self, AssemblyError> {
        let (keys, heard) = sync_channel(KEYS);
        let program = std::env::current_exe().unwrap_or_default();
        let found = tokio::task::spawn_blocking(move || Platform::detect(program, keys));
        let Ok(platform) = found.await else {
            return Err(std::io::Error::other("looking at the machine failed").into());
        };
        Ok(Self {
            platform,
            keys: heard,
        })
    }
}

/// Puts everything together and opens the outbox; what is missing on this machine is told by the desk.
///
/// # Errors
/// [`AssemblyError`].
pub async fn assemble(places: &Places, machine: Machine) -> Result<Assembled, AssemblyError> {
    let loaded = SettingsFile::load(places.settings());
    let Machine { platform, keys } = machine;
    for missing in &platform.missing {
        tracing::info!(part = ?missing.part, reason = ?missing.reason, "not to be had here");
    }
    let device = device();
    let outbox = Outbox::start(
        Place::new(places.folder.clone()),
        platform.keychain.clone(),
        Retention::of(&loaded.file.settings().privacy),
    )?;
    let looking = Looking::new(platform.keychain.clone(), device.clone());
    let plan = local::program().map(|program| Plan {
        program,
        data: None,
        port: 0,
    });
    let (sidecar, running) = Sidecar::new(plan);
    tokio::spawn(running);
    let local_server = LocalServer::new(sidecar.clone());
    let reach = Reach {
        keychain: platform.keychain.clone(),
        device: device.clone(),
    };
    let (tell, told) = watch::channel(Local::default());
    tokio::spawn(local_server.clone().tell(reach, tell));
    let desk = desk::start(desk::Parts {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        platform: kind(platform.session),
        device,
        settings: loaded.file,
        problem: loaded.problem,
        outbox: outbox.clone(),
        keychain: platform.keychain,
        microphone: platform.microphone,
        insertion: platform.insertion,
        sounds: platform.sounds,
        muting: platform.muting,
        hotkeys: Some((platform.hotkeys, keys)),
        network: Some(platform.network),
        local: told,
        limits: Limits::default(),
    })?;
    tokio::spawn(keep_start(platform.autostart, desk.settings()));
    tokio::spawn(local::follow(sidecar, desk.settings()));
    Ok(Assembled {
        local: local_server,
        cache: Cache::new(outbox),
        looking,
        desk,
    })
}

/// Keeps the start at login as the settings say, until the desk is gone.
async fn keep_start(autostart: Arc<dyn Autostart>, mut settings: watch::Receiver<Settings>) {
    let mut before = None;
    loop {
        let wanted = settings.borrow_and_update().start.at_login;
        if before.replace(wanted) != Some(wanted) {
            let port = autostart.clone();
            let set = tokio::task::spawn_blocking(move || {
                let is = port.enabled()?;
                if is == wanted {
                    Ok(())
                } else {
                    port.set(wanted)
                }
            });
            if let Ok(Err(error)) = set.await {
                tracing::warn!(%error, "start at login");
            }
        }
        if settings.changed().await.is_err() {
            return;
        }
    }
}

fn kind(session: Session) -> view::Platform {
    match session {
        Session::Wayland => view::Platform::LinuxWayland,
        Session::Windows => view::Platform::Windows,
        Session::Macos => view::Platform::Macos,
        Session::X11 | Session::None => view::Platform::LinuxX11,
    }
}

/// This program, as a server lists it among somebody's devices.
fn device() -> Device {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .or_else(|| std::env::var("COMPUTERNAME").ok())
        .map(|name| name.trim().chars().take(60).collect::<String>())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "desktop".to_owned());
    Device {
        name,
        platform: std::env::consts::OS.to_owned(),
        client: concat!("alfavoice-desktop/", env!("CARGO_PKG_VERSION")).to_owned(),
    }
}

//! The desk: the tasks that run everything, and the handle the shell talks to.
//!
//! ```text
//!  keys ─────┐                                    ┌─► microphone thread ─► sound
//!  shell ────┼─► inbox ─► conductor ─► effects ───┼─► a task per take: outbox, connection
//!  servers ──┤        (coordinator inside)        ├─► insertion thread
//!  uploads ──┘                │                   └─► sounds and muting thread
//!                             └─► snapshot (watch), events (broadcast)
//! ```
//!
//! The conductor owns every task and waits for none of them; every channel has a bound. A task that panics becomes a problem on
//! the screens and is started anew; if the conductor itself panics, so is it, and takes that were open are left to the outbox.

mod background;
mod conductor;
mod effects;
mod handle;
mod machine;
mod problems;
mod seeking;
mod servers;
mod standing;
mod take;
mod watch;

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use tokio::sync::watch as tokio_watch;

use crate::account::{Device, Server};
use crate::coordinator::Limits;
use crate::outbox::Outbox;
use crate::ports::{
    HotkeyEvent, Hotkeys, Insertion, Keychain, Microphone, Muting, Network, Sounds,
};
use crate::settings::SettingsFile;
use crate::view::{Platform, Problem, SidecarView};

pub use handle::Desk;

/// The server on this computer, as whoever supervises it tells.
#[derive(Clone, Default)]
pub struct Local {
    /// What it does.
    pub view: SidecarView,
    /// How to reach it once it is ready.
    pub server: Option<Arc<Server>>,
}

/// What a desk is made of.
pub struct Parts {
    /// Of this program.
    pub version: String,
    /// What it runs on.
    pub platform: Platform,
    /// This program, as servers list it.
    pub device: Device,
    /// The settings, read already.
    pub settings: SettingsFile,
    /// What was wrong with them, to be told first of all.
    pub problem: Option<Problem>,
    /// Started; whether it is open does not matter.
    pub outbox: Outbox,
    /// Sign-ins.
    pub keychain: Arc<dyn Keychain>,
    /// Sound in.
    pub microphone: Arc<dyn Microphone>,
    /// Text out.
    pub insertion: Arc<dyn Insertion>,
    /// Short sounds.
    pub sounds: Arc<dyn Sounds>,
    /// Other programs' sound.
    pub muting: Arc<dyn Muting>,
    /// Global keys and what they say; `None` where there are none (then there is the command line).
    pub hotkeys: Option<(Box<dyn Hotkeys>, Receiver<HotkeyEvent>)>,
    /// Changes of the network.
    pub network: Option<Box<dyn Network>>,
    /// The server on this computer.
    pub local: tokio_watch::Receiver<Local>,
    /// How long things may take.
    pub limits: Limits,
}

/// Starts a desk on the runtime of the caller.
///
/// # Errors
/// The system gives no thread.
pub fn start(parts: Parts) -> std::io::Result<Desk> {
    watch::start(parts)
}

#[cfg(test)]
mod machine_of_test;
#[cfg(test)]
mod room_of_test;
#[cfg(test)]
mod scripted;
#[cfg(test)]
mod server_tests;
#[cfg(test)]
mod tests;

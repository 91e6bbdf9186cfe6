//! The ports of this machine, and what of them is missing here and why.

use std::path::PathBuf;
use std::sync::Arc;

use client_core::ports::{
    Autostart, HotkeyEvents, Hotkeys, Insertion, Keychain, Microphone, Muting, Network, Sounds,
};
use serde::Serialize;

use crate::absent::Absent;
use crate::microphone::SystemMicrophone;
use crate::session::Session;
use crate::sounds::Tones;

/// The name under which secrets are kept.
pub const KEYCHAIN_SERVICE: &str = "alfavoice";

/// A part that may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Global keys.
    Hotkeys,
    /// Text into other windows.
    Insertion,
    /// Secrets.
    Keychain,
    /// Sounds.
    Sounds,
    /// Silence of other programs.
    Muting,
    /// Start at login.
    Autostart,
    /// Changes of the network.
    Network,
}

/// Why it is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// There is no display.
    NoDisplay,
    /// The display lacks an extension, or refused.
    Display,
    /// The desktop has no portal for it.
    NoPortal,
    /// Text can only be put into the clipboard here.
    ClipboardOnly,
    /// This program does not do it on this system.
    System,
}

/// A part that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// Which.
    pub part: Part,
    /// Why.
    pub reason: Reason,
}

/// Everything the client asks of the machine. What is missing answers that it is.
pub struct Platform {
    /// The kind of desktop.
    pub session: Session,
    /// Global keys.
    pub hotkeys: Box<dyn Hotkeys>,
    /// Text into other windows, and the clipboard.
    pub insertion: Arc<dyn Insertion>,
    /// The microphones.
    pub microphone: Arc<dyn Microphone>,
    /// Secrets.
    pub keychain: Arc<dyn Keychain>,
    /// Sounds.
    pub sounds: Arc<dyn Sounds>,
    /// Silence of other programs.
    pub muting: Arc<dyn Muting>,
    /// Start at login.
    pub autostart: Arc<dyn Autostart>,
    /// Changes of the network.
    pub network: Box<dyn Network>,
    /// What does not work here.
    pub missing: Vec<Missing>,
}

impl Platform {
    /// Finds out what there is. Keys are told to `events`; `program` is what starts at login.
    ///
    /// Opens the display, so it belongs on a thread that may wait; opens no microphone and asks for no password.
    #[must_use]
    pub fn detect(program: PathBuf, events: HotkeyEvents) -> Self {
        let mut platform = Self::bare(Session::detect());
        platform.microphone = Arc::new(SystemMicrophone::new());
        match Tones::new() {
            Ok(tones) => platform.sounds = Arc::new(tones),
            Err(_) => platform.miss(Part::Sounds, Reason::System),
        }
        platform.fill(program, events);
        platform
    }

    /// A machine that has none of it: every port answers that it is not there. For tests of what stands on the ports.
    #[must_use]
    pub fn bare(session: Session) -> Self {
        Self {
            session,
            hotkeys: Box::new(Absent),
            insertion: Arc::new(Absent),
            microphone: Arc::new(Absent),
            keychain: Arc::new(Absent),
            sounds: Arc::new(Absent),
            muting: Arc::new(Absent),
            autostart: Arc::new(Absent),
            network: Box::new(Absent),
            missing: Vec::new(),
        }
    }

    fn miss(&mut self, part: Part, reason: Reason) {
        self.missing.push(Missing { part, reason });
    }

    #[cfg(target_os = "linux")]
    fn fill(&mut self, program: PathBuf, events: HotkeyEvents) {
        use crate::linux::{NetlinkNetwork, PulseMuting, SecretService, XdgAutostart};

        self.keychain = Arc::new(SecretService::new(KEYCHAIN_SERVICE));
        self.muting = Arc::new(PulseMuting::new());
        self.autostart = Arc::new(XdgAutostart::new(program));
        self.network = Box::new(NetlinkNetwork);
        match self.session {
            Session::X11 => self.fill_x11(events),
            Session::Wayland => self.fill_wayland(events),
            Session::Windows | Session::Macos | Session::None => {
                self.miss(Part::Hotkeys, Reason::NoDisplay);
                self.miss(Part::Insertion, Reason::NoDisplay);
            }
        }
    }

    #[cfg(target_os = "linux")]
    fn fill_x11(&mut self, events: HotkeyEvents) {
        use crate::x11::{X11Hotkeys, X11Insertion};

        match X11Hotkeys::open(None, events) {
            Ok(hotkeys) => self.hotkeys = Box::new(hotkeys),
            Err(_) => self.miss(Part::Hotkeys, Reason::Display),
        }
        match X11Insertion::open(None) {
            Ok(insertion) => self.insertion = Arc::new(insertion),
            Err(_) => self.miss(Part::Insertion, Reason::Display),
        }
    }

    /// Compositors let a program type into another's window through the desktop portal, if the person allows it. They keep
    /// the clipboard of X programs and their own the same, so without the portal text is put there through the X server
    /// that runs within.
    #[cfg(target_os = "linux")]
    fn fill_wayland(&mut self, events: HotkeyEvents) {
        use crate::absent::ClipboardOnly;
        use crate::linux::{PortalHotkeys, PortalInsertion};
        use crate::x11::X11Insertion;

        match PortalHotkeys::open(events) {
            Ok(hotkeys) => self.hotkeys = Box::new(hotkeys),
            Err(_) => self.miss(Part::Hotkeys, Reason::NoPortal),
        }
        let clipboard = X11Insertion::open(None).ok();
        let clipboard =
            clipboard.map(|clipboard| Arc::new(ClipboardOnly(clipboard)) as Arc<dyn Insertion>);
        match PortalInsertion::open(self.keychain.clone(), clipboard.clone()) {
            Ok(insertion) => self.insertion = Arc::new(insertion),
            Err(_) => match clipboard {
                Some(clipboard) => {
                    self.insertion = clipboard;
                    self.miss(Part::Insertion, Reason::ClipboardOnly);
                }
                None => self.miss(Part::Insertion, Reason::NoPortal),
            },
        }
    }

    #[cfg(windows)]
    fn fill(&mut self, program: PathBuf, events: HotkeyEvents) {
        use crate::windows::{
            AddressNetwork, CredentialManager, EndpointMuting, HookHotkeys, RunAutostart,
            WindowsInsertion,
        };

        self.keychain = Arc::new(CredentialManager::new(KEYCHAIN_SERVICE));
        self.muting = Arc::new(EndpointMuting::new());
        self.autostart = Arc::new(RunAutostart::new(program));
        self.network = Box::new(AddressNetwork);
        match HookHotkeys::open(events) {
            Ok(hotkeys) => self.hotkeys = Box::new(hotkeys),
            Err(_) => self.miss(Part::Hotkeys, Reason::System),
        }
        match WindowsInsertion::open() {
            Ok(insertion) => self.insertion = Arc::new(insertion),
            Err(_) => self.miss(Part::Insertion, Reason::System),
        }
    }

    #[cfg(target_os = "macos")]
    fn fill(&mut self, program: PathBuf, events: HotkeyEvents) {
        use crate::macos::{
            AgentAutostart, LoginKeychain, MacInsertion, OutputMuting, RouteNetwork, TapHotkeys,
        };

        self.keychain = Arc::new(LoginKeychain::new(KEYCHAIN_SERVICE));
        self.muting = Arc::new(OutputMuting::new());
        self.autostart = Arc::new(AgentAutostart::new(program));
        self.network = Box::new(RouteNetwork);
        self.insertion = Arc::new(MacInsertion::new());
        match TapHotkeys::open(events) {
            Ok(hotkeys) => self.hotkeys = Box::new(hotkeys),
            Err(_) => self.miss(Part::Hotkeys, Reason::System),
        }
    }
}

//! What the screens are shown: the snapshot of everything and the events between snapshots.
//!
//! The TypeScript types in client_tauri/src/backend/backend.ts are the same ones; names are camelCase in JSON. Transcripts are in
//! here, so nothing in this module is ever logged.

use serde::Serialize;

use crate::ports::Chord;

/// Something went wrong, or needs the person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Stable and dotted (`microphone.missing`); the screens look their words up by it.
    pub code: String,
    /// English, for logs and for screens that do not know the code.
    pub message: String,
    /// What a button could do about it (`choose_microphone`, `sign_in`, …).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Seconds until trying again makes sense.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u64>,
}

impl Problem {
    /// A problem nobody can press a button against.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            action: None,
            retry_after_s: None,
        }
    }

    /// The same with something to do about it.
    #[must_use]
    pub fn with_action(mut self, action: impl Into<String>) -> Self {
        self.action = Some(action.into());
        self
    }
}

/// How the program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A program of its own.
    Desktop,
    /// A page in a browser (never made here; the type is shared).
    Browser,
}

/// What it runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Platform {
    /// Linux with an X server.
    LinuxX11,
    /// Linux with a Wayland compositor.
    LinuxWayland,
    /// Windows.
    Windows,
    /// macOS.
    Macos,
}

/// What dictation does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DictationState {
    /// Nothing.
    #[default]
    Idle,
    /// A key is held.
    Listening,
    /// Recording until it is tapped again.
    Latched,
    /// Text is awaited.
    Finishing,
    /// Dropped; may be taken back until `undo_until`.
    Cancelled,
}

/// Dictation, as shown.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Dictation {
    /// What goes on.
    pub state: DictationState,
    /// Which take that is about.
    pub take: Option<String>,
    /// Since when (milliseconds since 1970 UTC).
    pub since: Option<f64>,
    /// Text that will not change any more.
    pub stable: String,
    /// Text that may.
    pub tail: String,
    /// Until when a cancelled take may be taken back (milliseconds since 1970 UTC).
    pub undo_until: Option<f64>,
}

/// Where takes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// The server on this computer.
    Local,
    /// The team's server.
    Team,
    /// Nowhere yet: kept here until a server can be reached.
    Outbox,
}

/// The route and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteView {
    /// Where the next take goes.
    pub active: Route,
    /// What the person fixed it to.
    pub pinned: Option<Route>,
    /// A code of [`crate::routing::Reason`].
    pub reason: String,
}

/// Which server is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServerKind {
    /// On this computer, started by us.
    Local,
    /// The team's.
    Team,
}

/// The chosen server.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerView {
    /// Which; `None` before the first choice.
    pub kind: Option<ServerKind>,
    /// Where.
    pub address: Option<String>,
    /// Whether it answered lately.
    pub reachable: bool,
    /// Whether somebody is signed in (or need not be).
    pub signed_in: bool,
    /// Who.
    pub user: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// What is wrong with it.
    pub problem: Option<Problem>,
}

/// What the server on this computer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SidecarState {
    /// It is not installed.
    #[default]
    Absent,
    /// Not running.
    Stopped,
    /// On its way.
    Starting,
    /// Answers.
    Ready,
    /// It failed and is started again.
    Restarting,
    /// It failed too often.
    Failed,
}

/// A model on its way here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Download {
    /// Which model.
    pub name: String,
    /// Bytes here.
    pub received: u64,
    /// Bytes in all.
    pub total: u64,
}

/// The server on this computer, as shown.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SidecarView {
    /// What it does.
    pub state: SidecarState,
    /// What is wrong with it.
    pub problem: Option<Problem>,
    /// What it downloads.
    pub download: Option<Download>,
}

/// Whether recordings can be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OutboxState {
    /// Yes.
    Open,
    /// A passphrase or the keychain is needed.
    Locked,
    /// The file is there, its key is not.
    KeyLost,
    /// The file cannot be read.
    Damaged,
}

/// The outbox, as shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutboxView {
    /// Whether it works.
    pub state: OutboxState,
    /// Takes that wait for a server.
    pub waiting: u64,
    /// Takes on their way.
    pub uploading: u64,
    /// Takes a server refused.
    pub failed: u64,
    /// What is wrong with it.
    pub problem: Option<Problem>,
}

/// The last text that came.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LastText {
    /// The text.
    pub text: String,
    /// When it came (milliseconds since 1970 UTC).
    pub at: f64,
    /// Whether it was put into a window.
    pub inserted: bool,
    /// Why it was not.
    pub problem: Option<Problem>,
}

/// Everything the screens need to draw themselves.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// Of this program.
    pub version: String,
    /// Always [`Kind::Desktop`] here.
    pub kind: Kind,
    /// What it runs on.
    pub platform: Platform,
    /// What goes on.
    pub dictation: Dictation,
    /// Where takes go.
    pub route: RouteView,
    /// The chosen server.
    pub server: ServerView,
    /// The server on this computer.
    pub sidecar: SidecarView,
    /// What waits here.
    pub outbox: OutboxView,
    /// The last text.
    pub last: Option<LastText>,
    /// Whether no server has been chosen yet.
    pub first_start: bool,
}

/// What a notice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// Text came too late to be typed; it is in history.
    LateText,
    /// Something went wrong.
    Problem,
    /// The operator wrote something.
    News,
    /// A newer version is there.
    Update,
}

/// What may be out of date on the screens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Changed {
    /// Transcripts.
    History,
    /// Terms.
    Dictionary,
    /// Snippets.
    Snippets,
    /// Notes.
    Notes,
    /// News.
    News,
    /// Takes kept here.
    Outbox,
    /// Settings of this computer.
    Settings,
    /// Models.
    Models,
    /// What holds for all computers of a person.
    Preferences,
}

/// What is told between snapshots.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum BackendEvent {
    /// Something in it changed.
    Snapshot {
        /// All of it.
        snapshot: Box<Snapshot>,
    },
    /// How loud it is, 0 … 1, at most 20 a second.
    Level {
        /// Of the last 50 ms.
        rms: f32,
        /// The loudest sample of the last 50 ms.
        peak: f32,
    },
    /// Something to be told now.
    Notice {
        /// What about.
        kind: NoticeKind,
        /// Stable; the screens look their words up by it.
        code: String,
        /// English. Never what was said.
        message: String,
        /// Which take.
        #[serde(skip_serializing_if = "Option::is_none")]
        take: Option<String>,
    },
    /// What a notice said is not so any more.
    TakenBack {
        /// That of the notice.
        code: String,
        /// Which take.
        #[serde(skip_serializing_if = "Option::is_none")]
        take: Option<String>,
    },
    /// A chord was held while a new one was asked for.
    HotkeyRecorded {
        /// `None`: it was ended without one.
        chord: Option<Chord>,
        /// Why it cannot be used.
        problem: Option<Problem>,
    },
    /// The person wants the last word of the last text in the dictionary.
    FixWord {
        /// As it was inserted; `None`: no text has been inserted since the program was started.
        word: Option<String>,
    },
    /// Lists to be read again.
    Changed {
        /// Which.
        what: Changed,
    },
}

#[cfg(test)]
mod tests;

//! What this computer keeps of its person's choices: one JSON document with a version.
//!
//! The document itself is the truth and this module's types are a view of it, so that fields of a newer version, and of
//! parts that this version does not know, stay as they are. Never secrets: those are in the keychain.

mod document;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ports::{Action, Binding, Chord, Key, Modifier, Pasting};
use crate::view::{Platform, Route, ServerKind};

pub use document::{Loaded, SettingsFile};

/// The version that this program writes.
pub const VERSION: u64 = 1;

/// All settings, as the screens know them (`Settings` of backend.ts) and two sections that only the shell reads.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Settings {
    /// Chords; `None`: those of the system, see [`default_bindings`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hotkeys: Option<Vec<Binding>>,
    /// What is spoken.
    pub dictation: DictationSettings,
    /// Sound in and out.
    pub audio: Audio,
    /// Text into windows.
    pub insertion: InsertionSettings,
    /// Looks.
    pub appearance: Appearance,
    /// When the program starts.
    pub start: Start,
    /// What is kept and told.
    pub privacy: Privacy,
    /// New versions.
    pub updates: Updates,
    /// Which server, and whether it is fixed.
    pub server: ServerChoice,
}

/// What is spoken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DictationSettings {
    /// ISO 639-1 code; `auto`: the server listens which one it is. What the person prefers on all their computers, as far as this one
    /// was told: it has to be known without a server too.
    pub language: String,
}

impl Default for DictationSettings {
    fn default() -> Self {
        Self {
            language: "auto".into(),
        }
    }
}

/// Sound in and out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Audio {
    /// Its id; `None`: the system's own choice.
    pub microphone: Option<String>,
    /// Sound from before the key went down that is sent along, 0 … 1000 ms.
    pub pre_roll_ms: u32,
    /// How long the microphone stays open after a take, 0 … 600 s. In one data set 65 % of next takes begin within 2 min.
    pub keep_open_s: u32,
    /// Whether beginnings and ends can be heard.
    pub sounds: bool,
    /// Whether other programs are silent meanwhile.
    pub mute_others: bool,
}

impl Default for Audio {
    fn default() -> Self {
        Self {
            microphone: None,
            pre_roll_ms: 400,
            keep_open_s: 60,
            sounds: true,
            mute_others: false,
        }
    }
}

/// Text into windows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct InsertionSettings {
    /// How.
    pub pasting: Pasting,
    /// Whether the clipboard is as before afterwards.
    pub restore_clipboard: bool,
    /// How in certain programs, by the name the system gives them.
    pub pasting_by_app: BTreeMap<String, Pasting>,
}

impl Default for InsertionSettings {
    fn default() -> Self {
        Self {
            pasting: Pasting::Automatic,
            restore_clipboard: true,
            pasting_by_app: BTreeMap::new(),
        }
    }
}

impl InsertionSettings {
    /// How text goes into this program; upper and lower case alike.
    pub fn pasting_into(&self, app: Option<&str>) -> Pasting {
        let Some(app) = app.map(str::to_lowercase) else {
            return self.pasting;
        };
        self.pasting_by_app
            .iter()
            .find(|(name, _)| name.to_lowercase() == app)
            .map_or(self.pasting, |(_, pasting)| *pasting)
    }
}

/// Light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the system.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// The language of the screens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// As the system.
    #[default]
    System,
    /// Russian.
    Ru,
    /// English.
    En,
}

/// Where on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverlayPlace {
    /// Above.
    Top,
    /// Below.
    #[default]
    Bottom,
}

/// Looks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Appearance {
    /// Light or dark.
    pub theme: Theme,
    /// Of the screens.
    pub language: Language,
    /// Whether there is one.
    pub overlay: bool,
    /// Where it is.
    pub overlay_place: OverlayPlace,
}

impl Default for Appearance {
    fn default() -> Self {
        Self {
            theme: Theme::System,
            language: Language::System,
            overlay: true,
            overlay_place: OverlayPlace::Bottom,
        }
    }
}

/// When the program starts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Start {
    /// At login.
    pub at_login: bool,
    /// Without its window.
    pub hidden: bool,
}

/// What is kept and told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Privacy {
    /// Days that a stored take's audio stays in the outbox, 0 … 30.
    pub keep_stored_days: u32,
    /// Days that a failed or cancelled take stays, 1 … 365.
    pub keep_failed_days: u32,
    /// Whether the server is told in which program somebody dictated.
    pub tell_app: bool,
}

impl Default for Privacy {
    fn default() -> Self {
        Self {
            keep_stored_days: 0,
            keep_failed_days: 30,
            tell_app: false,
        }
    }
}

/// New versions.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Updates {
    /// Whether the team's server is asked for them.
    pub check: bool,
}

/// Which server. Who is signed in there is in the keychain.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServerChoice {
    /// `None` before the first choice.
    pub kind: Option<ServerKind>,
    /// Of the team's server.
    pub address: Option<String>,
    /// SHA-256 of the certificate that the person confirmed for it.
    pub certificate: Option<String>,
    /// What the person fixed the route to.
    pub pinned: Option<Route>,
}

/// Why settings are not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A field has another type than it must have.
    #[error("settings do not read as settings")]
    Malformed,
    /// A number is not in its range.
    #[error("{field} must be {from} to {to}")]
    OutOfRange {
        /// Which.
        field: &'static str,
        /// The least.
        from: u32,
        /// The most.
        to: u32,
    },
    /// No ISO 639-1 code, nor `auto`.
    #[error("this is no language")]
    Language,
    /// A chord with neither two modifiers, nor one that names its side, nor a key; or the same chord twice.
    #[error("this chord cannot be bound")]
    Chord,
    /// They could not be written; what is on disk is as it was.
    #[error("settings cannot be written: {0:?}")]
    Unwritable(std::io::ErrorKind),
}

impl SettingsError {
    /// Stable code for the screens.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "settings.malformed",
            Self::OutOfRange { .. } => "settings.out_of_range",
            Self::Language => "settings.language",
            Self::Chord => "settings.chord",
            Self::Unwritable(_) => "settings.unwritable",
        }
    }
}

impl Settings {
    /// The chords in force.
    pub fn bindings(&self, platform: Platform) -> Vec<Binding> {
        self.hotkeys
            .clone()
            .unwrap_or_else(|| default_bindings(platform))
    }

    /// Says what is wrong, if anything.
    ///
    /// # Errors
    /// [`SettingsError::OutOfRange`], [`SettingsError::Language`] or [`SettingsError::Chord`].
    pub fn check(&self) -> Result<(), SettingsError> {
        let ranges = [
            ("audio.preRollMs", self.audio.pre_roll_ms, 0, 1000),
            ("audio.keepOpenS", self.audio.keep_open_s, 0, 600),
            (
                "privacy.keepStoredDays",
                self.privacy.keep_stored_days,
                0,
                30,
            ),
            (
                "privacy.keepFailedDays",
                self.privacy.keep_failed_days,
                1,
                365,
            ),
        ];
        for (field, value, from, to) in ranges {
            if !(from..=to).contains(&value) {
                return Err(SettingsError::OutOfRange { field, from, to });
            }
        }
        if !is_language(&self.dictation.language) {
            return Err(SettingsError::Language);
        }
        let bindings = self.hotkeys.as_deref().unwrap_or_default();
        let twice = |at: usize, one: &Binding| bindings[..at].iter().any(|b| b.chord == one.chord);
        for (at, binding) in bindings.iter().enumerate() {
            if !may_be_bound(binding) || twice(at, binding) {
                return Err(SettingsError::Chord);
            }
        }
        Ok(())
    }
}

/// Whether it is an ISO 639-1 code, or `auto`.
pub(crate) fn is_language(text: &str) -> bool {
    text == "auto" || text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_lowercase())
}

fn may_be_bound(binding: &Binding) -> bool {
    let Chord { modifiers, key } = &binding.chord;
    let sided =
        modifiers.contains(&Modifier::RightControl) || modifiers.contains(&Modifier::RightAlt);
    match key {
        Some(key) => !key.0.is_empty(),
        None => modifiers.len() >= 2 || sided,
    }
}

/// The chords of a new installation. Ctrl+Super held alone where modifiers can be heard alone; with Space where a portal or
/// macOS wants a key.
pub fn default_bindings(platform: Platform) -> Vec<Binding> {
    let key = |name: &str| Some(Key(name.into()));
    let chord = |modifiers: &[Modifier], key| Chord {
        modifiers: modifiers.iter().copied().collect(),
        key,
    };
    let control_super = [Modifier::Control, Modifier::Super];
    let alone = matches!(platform, Platform::LinuxX11 | Platform::Windows);
    let dictate = chord(&control_super, if alone { None } else { key("Space") });
    let shifted = [Modifier::Control, Modifier::Shift, Modifier::Super];
    vec![
        Binding {
            action: Action::Dictate,
            chord: dictate,
        },
        Binding {
            action: Action::Cancel,
            chord: chord(&[], key("Escape")),
        },
        Binding {
            action: Action::PasteLast,
            chord: chord(&shifted, key("KeyV")),
        },
    ]
}

#[cfg(test)]
mod tests;

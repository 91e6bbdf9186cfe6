//! The document on disk: read once, changed by merging, written whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::{Settings, SettingsError, VERSION};
use crate::view::Problem;

/// Changes a document of one version into one of the next.
type Migration = fn(&mut Map<String, Value>);

/// `MIGRATIONS[n]` makes version `n + 1` of version `n`. Version 0 is a document without a version, which no release wrote.
const MIGRATIONS: [Migration; VERSION as usize] = [|_| ()];

const UNREADABLE: &str = "settings.unreadable";

/// The settings and the file they are in.
#[derive(Debug)]
pub struct SettingsFile {
    path: PathBuf,
    document: Map<String, Value>,
    settings: Settings,
    /// There is a file that could not be read: it is not to be replaced by one that only has what is changed now.
    is_unread: bool,
}

/// What [`SettingsFile::load`] found.
#[derive(Debug)]
pub struct Loaded {
    /// The settings; defaults if there were none.
    pub file: SettingsFile,
    /// What went wrong: the file was damaged and is put aside, or could not be read.
    pub problem: Option<Problem>,
}

impl SettingsFile {
    /// Reads the document. One that is damaged is renamed to `….damaged` (never deleted) and defaults are used.
    pub fn load(path: impl Into<PathBuf>) -> Loaded {
        let path = path.into();
        let (document, problem) = match fs::read(&path) {
            Ok(bytes) => match understood(&bytes) {
                Some(document) => (document, None),
                None => (Map::new(), Some(put_aside(&path))),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => (Map::new(), None),
            Err(_) => (Map::new(), Some(unreadable())),
        };
        // Also one that was understood no better and could not be put aside.
        let is_unread = problem
            .as_ref()
            .is_some_and(|problem| problem.code == UNREADABLE);
        let settings = typed(&document).unwrap_or_default();
        let file = Self {
            path,
            document,
            settings,
            is_unread,
        };
        Loaded { file, problem }
    }

    /// As they are now.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What the settings would be after a patch; nothing changes.
    ///
    /// # Errors
    /// [`SettingsError`], but never `Unwritable`.
    pub fn tried(&self, patch: &Value) -> Result<Settings, SettingsError> {
        self.merged(patch).map(|(_, settings)| settings)
    }

    /// Merges a patch (RFC 7396: objects into one another, `null` takes away, everything else replaces), checks the whole
    /// and writes it. A file that could not be read before is read first. On an error nothing has changed, neither here nor on disk.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn change(&mut self, patch: &Value) -> Result<&Settings, SettingsError> {
        if self.is_unread {
            let again = Self::load(&self.path);
            if again.file.is_unread {
                return Err(SettingsError::Unwritable(io::ErrorKind::PermissionDenied));
            }
            *self = again.file;
        }
        let (document, settings) = self.merged(patch)?;
        write_whole(&self.path, &document)
            .map_err(|error| SettingsError::Unwritable(error.kind()))?;
        self.document = document;
        self.settings = settings;
        Ok(&self.settings)
    }

    fn merged(&self, patch: &Value) -> Result<(Map<String, Value>, Settings), SettingsError> {
        let Value::Object(patch) = patch else {
            return Err(SettingsError::Malformed);
        };
        let mut document = self.document.clone();
        merge(&mut document, patch);
        let newer = document.get("version").and_then(Value::as_u64);
        let version = newer.unwrap_or(VERSION).max(VERSION);
        document.insert("version".into(), version.into());
        let settings = typed(&document).ok_or(SettingsError::Malformed)?;
        settings.check()?;
        Ok((document, settings))
    }
}

fn typed(document: &Map<String, Value>) -> Option<Settings> {
    serde_json::from_value(Value::Object(document.clone())).ok()
}

fn understood(bytes: &[u8]) -> Option<Map<String, Value>> {
    let Ok(Value::Object(mut document)) = serde_json::from_slice(bytes) else {
        return None;
    };
    let version = match document.get("version") {
        None => 0,
        Some(version) => version.as_u64()?,
    };
    for migration in MIGRATIONS.iter().skip(usize::try_from(version).ok()?) {
        migration(&mut document);
    }
    document.insert("version".into(), version.max(VERSION).into());
    typed(&document)?.check().ok()?;
    Some(document)
}

fn merge(into: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (name, value) in patch {
        match (into.get_mut(name), value) {
            (_, Value::Null) => {
                into.remove(name);
            }
            (Some(Value::Object(inner)), Value::Object(patch)) => merge(inner, patch),
            (_, Value::Object(patch)) => {
                let mut inner = Map::new();
                merge(&mut inner, patch);
                into.insert(name.clone(), Value::Object(inner));
            }
            (_, value) => {
                into.insert(name.clone(), value.clone());
            }
        }
    }
}

/// A crash or a full disk at any moment leaves either the old document or the new one.
fn write_whole(path: &Path, document: &Map<String, Value>) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let draft = path.with_extension("json.new");
    let mut text = serde_json::to_vec_pretty(document)?;
    text.push(b'\n');
    let mut file = File::create(&draft)?;
    file.write_all(&text)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&draft, path)?;
    // The rename itself is on disk only when its folder is; Windows has no such call and does it by itself.
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    Ok(())
}

fn put_aside(path: &Path) -> Problem {
    let mut aside = path.with_extension("json.damaged");
    for number in 2..100 {
        if !aside.exists() {
            break;
        }
        aside = path.with_extension(format!("json.damaged-{number}"));
    }
    match fs::rename(path, aside) {
        Ok(()) => Problem::new(
            "settings.damaged",
            "the settings could not be understood; they were put aside and the defaults are used",
        ),
        Err(_) => unreadable(),
    }
}

fn unreadable() -> Problem {
    Problem::new(
        UNREADABLE,
        "the settings could not be read; the defaults are used",
    )
}

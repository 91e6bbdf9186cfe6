//! Where this program keeps its files.

use std::path::PathBuf;

use tauri::{Manager, Runtime};

/// Folder and files of one installation; made, readable by their owner only, when the program starts.
#[derive(Debug, Clone)]
pub struct Places {
    /// Everything of ours: settings, outbox, logs.
    pub folder: PathBuf,
}

/// The folder cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum PlacesError {
    /// The system names no folder for programs' data.
    #[error("the system names no folder for this program's data: {0}")]
    Unknown(#[from] tauri::Error),
    /// It cannot be made or closed to others.
    #[error("the folder for this program's data cannot be made: {0}")]
    Unusable(#[from] std::io::Error),
}

/// Names another folder than the system's (for a second installation, a stick, a test).
pub const FOLDER_VARIABLE: &str = "ALFAVOICE_CLIENT_DATA";

impl Places {
    /// The folder of this person, or the one `ALFAVOICE_CLIENT_DATA` names.
    ///
    /// # Errors
    /// [`PlacesError`] if there is none or it cannot be written.
    pub fn of<R: Runtime>(app: &impl Manager<R>) -> Result<Self, PlacesError> {
        let folder = match std::env::var_os(FOLDER_VARIABLE) {
            Some(named) if !named.is_empty() => PathBuf::from(named),
            _ => app.path().app_local_data_dir()?,
        };
        std::fs::create_dir_all(&folder)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700))?;
        }
        Ok(Self { folder })
    }

    /// Settings of this computer.
    #[must_use]
    pub fn settings(&self) -> PathBuf {
        self.folder.join("settings.json")
    }

    /// What the program says of itself.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.folder.join("alfavoice.log")
    }
}

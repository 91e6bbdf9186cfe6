//! Start at login by a file in the autostart folder (XDG "Desktop Application Autostart Specification").

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use client_core::ports::{Autostart, AutostartError};

const FILE: &str = "alfavoice.desktop";

/// The autostart entry of this program.
#[derive(Debug, Clone)]
pub struct XdgAutostart {
    folder: Option<PathBuf>,
    program: PathBuf,
}

impl XdgAutostart {
    /// `program` is started with `--hidden`.
    #[must_use]
    pub fn new(program: PathBuf) -> Self {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let config = set("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .or_else(|| set("HOME").map(|home| Path::new(&home).join(".config")));
        Self {
            folder: config.map(|config| config.join("autostart")),
            program,
        }
    }

    /// The same in a folder of one's own.
    #[must_use]
    pub const fn within(folder: PathBuf, program: PathBuf) -> Self {
        Self {
            folder: Some(folder),
            program,
        }
    }

    fn file(&self) -> Result<PathBuf, AutostartError> {
        let folder = self.folder.as_ref().ok_or(AutostartError::Unavailable)?;
        Ok(folder.join(FILE))
    }
}

impl Autostart for XdgAutostart {
    fn enabled(&self) -> Result<bool, AutostartError> {
        match std::fs::read_to_string(self.file()?) {
            Ok(entry) => Ok(!entry.lines().any(|line| line.trim() == "Hidden=true")),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(failed(&error)),
        }
    }

    fn set(&self, enabled: bool) -> Result<(), AutostartError> {
        let file = self.file()?;
        if !enabled {
            return match std::fs::remove_file(file) {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(&error)),
                _ => Ok(()),
            };
        }
        let program = quoted(self.program.as_os_str()).ok_or(AutostartError::Unavailable)?;
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).map_err(|error| failed(&error))?;
        }
        let entry = format!(
            "[Desktop Entry]\nType=Application\nName=AlfaVoice\nExec={program} --hidden\n\
             Icon=alfavoice\nTerminal=false\nX-GNOME-Autostart-enabled=true\n"
        );
        let fresh = file.with_extension("desktop.new");
        std::fs::write(&fresh, entry)
            .and_then(|()| std::fs::rename(&fresh, &file))
            .map_err(|error| failed(&error))
    }
}

fn failed(error: &std::io::Error) -> AutostartError {
    AutostartError::System(error.kind().to_string())
}

/// An argument of `Exec=` ("The Exec key" of the Desktop Entry Specification); `None` for what it cannot say.
///
/// Quoted by the rule of Exec first, and then each backslash doubled by the rule of strings; `%` is doubled.
fn quoted(argument: &OsStr) -> Option<String> {
    let argument = argument.to_str().filter(|text| !text.contains('\n'))?;
    let mut exec = String::from('"');
    for letter in argument.chars() {
        match letter {
            '"' | '`' | '$' | '\\' => exec.extend(['\\', letter]),
            '%' => exec.push_str("%%"),
            other => exec.push(other),
        }
    }
    exec.push('"');
    Some(exec.replace('\\', "\\\\"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switching_on_writes_an_entry_and_off_removes_it() {
        let folder = tempfile::tempdir().unwrap();
        let autostart = XdgAutostart::within(
            folder.path().join("автозапуск"),
            PathBuf::from("/opt/Alfa Voice/alfavoice"),
        );
        assert_eq!(autostart.enabled(), Ok(false));
        autostart.set(false).unwrap();
        autostart.set(true).unwrap();
        assert_eq!(autostart.enabled(), Ok(true));
        let entry = std::fs::read_to_string(autostart.file().unwrap()).unwrap();
        assert!(entry.contains("Exec=\"/opt/Alfa Voice/alfavoice\" --hidden\n"));
        autostart.set(false).unwrap();
        assert_eq!(autostart.enabled(), Ok(false));
    }

    #[test]
    fn a_path_of_odd_letters_is_quoted() {
        assert_eq!(quoted(OsStr::new("/a b")).unwrap(), "\"/a b\"");
        assert_eq!(quoted(OsStr::new("/100%/$x")).unwrap(), "\"/100%%/\\\\$x\"");
        assert_eq!(quoted(OsStr::new("/a\nb")), None);
    }
}

//! Start at login by a launch agent of the person's own (`launchd.plist(5)`).

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use client_core::ports::{Autostart, AutostartError};

const LABEL: &str = "org.alfavoice.desktop";
const FILE: &str = "org.alfavoice.desktop.plist";

/// The launch agent of this program.
#[derive(Debug, Clone)]
pub struct AgentAutostart {
    folder: Option<PathBuf>,
    program: PathBuf,
}

impl AgentAutostart {
    /// `program` is started with `--hidden`.
    #[must_use]
    pub fn new(program: PathBuf) -> Self {
        let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
        Self {
            folder: home.map(|home| Path::new(&home).join("Library/LaunchAgents")),
            program,
        }
    }

    fn file(&self) -> Result<PathBuf, AutostartError> {
        let folder = self.folder.as_ref().ok_or(AutostartError::Unavailable)?;
        Ok(folder.join(FILE))
    }
}

impl Autostart for AgentAutostart {
    fn enabled(&self) -> Result<bool, AutostartError> {
        self.file()?.try_exists().map_err(|error| failed(&error))
    }

    fn set(&self, enabled: bool) -> Result<(), AutostartError> {
        let file = self.file()?;
        if !enabled {
            return match std::fs::remove_file(file) {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(&error)),
                _ => Ok(()),
            };
        }
        let program = self.program.to_str().ok_or(AutostartError::Unavailable)?;
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).map_err(|error| failed(&error))?;
        }
        let fresh = file.with_extension("plist.new");
        std::fs::write(&fresh, agent(program))
            .and_then(|()| std::fs::rename(&fresh, &file))
            .map_err(|error| failed(&error))
    }
}

fn failed(error: &std::io::Error) -> AutostartError {
    AutostartError::System(error.kind().to_string())
}

fn agent(program: &str) -> String {
    let program = program
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\">\n<dict>\n\
         \t<key>Label</key>\n\t<string>{LABEL}</string>\n\
         \t<key>ProgramArguments</key>\n\t<array>\n\t\t<string>{program}</string>\n\t\t<string>--hidden</string>\n\t</array>\n\
         \t<key>RunAtLoad</key>\n\t<true/>\n\
         \t<key>ProcessType</key>\n\t<string>Interactive</string>\n\
         </dict>\n</plist>\n"
    )
}

//! The program of the server: where it is, and how it is run.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use super::Plan;

const NAME: &str = if cfg!(windows) {
    "alfavoice.exe"
} else {
    "alfavoice"
};

/// Finds the program: what the settings name, what came with this program (`beside`, in a folder `server` too), what is in the search
/// path, what `uv tool install` put where.
#[must_use]
pub fn find(named: Option<&Path>, beside: Option<&Path>) -> Option<PathBuf> {
    if let Some(named) = named {
        return named.is_file().then(|| named.to_owned());
    }
    let mut folders: Vec<PathBuf> = Vec::new();
    if let Some(beside) = beside {
        folders.push(beside.join("server").join("bin"));
        folders.push(beside.join("server"));
        folders.push(beside.to_owned());
    }
    if let Some(path) = std::env::var_os("PATH") {
        folders.extend(std::env::split_paths(&path));
    }
    // Where uv puts tools (its documentation, "Tool executables"); a program started from a menu may not have it in PATH.
    for variable in ["UV_TOOL_BIN_DIR", "XDG_BIN_HOME"] {
        folders.extend(std::env::var_os(variable).map(PathBuf::from));
    }
    for home in ["HOME", "USERPROFILE"] {
        folders.extend(std::env::var_os(home).map(|home| PathBuf::from(home).join(".local/bin")));
    }
    folders
        .into_iter()
        .map(|folder| folder.join(NAME))
        .find(|program| program.is_file())
}

/// A command of it, with its data folder; ended with whoever waits for it.
pub(super) fn command(plan: &Plan, arguments: &[&str]) -> Command {
    let mut command = Command::new(&plan.program);
    command.args(arguments);
    if let Some(data) = &plan.data {
        command.arg("--data-dir").arg(data);
    }
    command
        // A `.env` of whatever folder this program was started in is none of the server's.
        .env("ALFAVOICE_ENV_FILE", "")
        .env("PYTHONIOENCODING", "utf-8")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

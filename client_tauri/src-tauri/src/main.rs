//! The AlfaVoice desktop client: hold a key, speak, the text is in your window.
//!
//! A thin shell. What decides and keeps is in `client-core`, what touches the machine in `client-platform`; here are windows,
//! tray, commands and the command line.

#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod app;
mod arguments;
mod assembly;
mod bundle;
mod commands;
mod diagnosis;
mod fault;
mod journal;
mod local;
mod logs;
mod places;
mod telling;
#[cfg(test)]
mod tests;
mod tray;
mod updates;
mod windows;
mod words;

use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let given: Vec<String> = std::env::args().skip(1).collect();
    // A closed terminal is no reason to fail.
    let say = |text: &str| drop(writeln!(std::io::stdout(), "{text}"));
    let system = words::Tongue::of_system();
    let tongue = words::Tongue::chosen("system", system.as_deref());
    match given.first().map(String::as_str) {
        Some("--help" | "-h") => {
            say(arguments::help(tongue));
            return ExitCode::SUCCESS;
        }
        Some("--version" | "-V") => {
            say(env!("CARGO_PKG_VERSION"));
            return ExitCode::SUCCESS;
        }
        _ => {}
    }
    let request = match arguments::parse(given.iter().map(String::as_str)) {
        Ok(request) => request,
        Err(error) => {
            let _ = writeln!(
                std::io::stderr(),
                "{}\n\n{}",
                error.said(tongue),
                arguments::help(tongue)
            );
            return ExitCode::from(2);
        }
    };
    match app::run(request) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{}", error.said(tongue));
            ExitCode::FAILURE
        }
    }
}

//! The keychain of a real GNOME Keyring on a bus of the test's own: open, locked, absent.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod screen;

use std::path::Path;
use std::process::Command;

use client_core::ports::{Keychain, KeychainError};
use client_platform::linux::{KeychainState, SecretService};
use screen::installed;

/// Runs one of the ignored tests below in a session of its own, `within` another program.
fn in_session(folder: &Path, within: &str, test: &str, prepare: &str) {
    let this = std::env::current_exe().unwrap();
    let script = format!(
        "{prepare} {within} '{}' --ignored --exact {test} --nocapture; status=$?; kill $daemon 2>/dev/null; exit $status",
        this.display()
    );
    let output = Command::new("dbus-run-session")
        .args(["--", "sh", "-c", &script])
        .env("HOME", folder)
        .env("XDG_DATA_HOME", folder.join("data"))
        .env("XDG_RUNTIME_DIR", folder)
        .env_remove("DISPLAY")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn there() -> bool {
    let there = installed("dbus-run-session") && installed("gnome-keyring-daemon");
    if !there {
        assert!(
            std::env::var_os("ALFAVOICE_DISPLAY_TESTS").is_none(),
            "no keyring"
        );
        eprintln!("SKIPPED: dbus-run-session or gnome-keyring-daemon is not installed");
    }
    there
}

/// Waits for the daemon that was just started. Asking for anything by its name before it has that name would have the bus
/// start a second one, without the password and on the same half-written file; `gdbus wait` starts nothing.
const READY: &str = "gdbus wait --session --timeout 60 org.freedesktop.secrets || exit 1; \
     until gdbus introspect --session --dest org.freedesktop.secrets --object-path /org/freedesktop/secrets/collection/login >/dev/null 2>&1; do sleep 0.1; done;";
const UNLOCKED: &str = "printf pass | gnome-keyring-daemon --foreground --unlock --components=secrets >/dev/null 2>&1 & daemon=$!;";
const LOCKED: &str =
    "gnome-keyring-daemon --foreground --components=secrets >/dev/null 2>&1 & daemon=$!;";

#[test]
fn secrets_are_kept_and_forgotten_and_a_locked_keychain_is_said() {
    if !there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let open = format!("{UNLOCKED} {READY}");
    in_session(folder.path(), "", "within_an_open_keychain", &open);
    let locked = format!("{LOCKED} {READY}");
    in_session(folder.path(), "", "within_a_locked_keychain", &locked);
}

#[test]
fn no_bus_is_said() {
    if !there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let nowhere = "export DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent;";
    in_session(folder.path(), "", "without_a_keychain", nowhere);
}

/// A bus that can start nothing, and one that lets nobody in: both would be waited for until somebody answers.
#[test]
fn a_bus_without_a_keychain_and_a_bus_that_is_silent_are_said_at_once() {
    if !there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("silent");
    let _silent = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let silent = format!(
        "export DBUS_SESSION_BUS_ADDRESS=unix:path={};",
        socket.display()
    );
    let config = folder.path().join("bus.conf");
    let nothing_to_start = "<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen><auth>EXTERNAL</auth>\
         <policy context='default'><allow send_destination='*' eavesdrop='true'/><allow own='*'/></policy></busconfig>";
    std::fs::write(&config, nothing_to_start).unwrap();
    // Far below the minute that a person has for a password, far above what a slow machine takes.
    in_session(folder.path(), "timeout 20", "without_a_keychain", &silent);
    let bare = format!(
        "timeout 20 dbus-run-session --config-file='{}' --",
        config.display()
    );
    in_session(folder.path(), &bare, "without_a_keychain", "");
}

#[test]
#[ignore = "run in a session by the tests above"]
fn within_an_open_keychain() {
    let keychain = SecretService::new("alfavoice-test");
    assert_eq!(keychain.state(), KeychainState::Open);
    assert_eq!(keychain.read("outbox"), Ok(None));
    keychain.write("outbox", b"first").unwrap();
    keychain.write("session", b"other").unwrap();
    keychain.write("outbox", "второй\0".as_bytes()).unwrap();
    assert_eq!(
        keychain.read("outbox"),
        Ok(Some("второй\0".as_bytes().to_vec()))
    );
    keychain.forget("outbox").unwrap();
    keychain.forget("outbox").unwrap();
    assert_eq!(keychain.read("outbox"), Ok(None));
    assert_eq!(keychain.read("session"), Ok(Some(b"other".to_vec())));
}

#[test]
#[ignore = "run in a session by the tests above"]
fn within_a_locked_keychain() {
    let keychain = SecretService::new("alfavoice-test");
    assert_eq!(keychain.state(), KeychainState::Locked);
    // There is no display to ask for the password on.
    assert_eq!(keychain.read("session"), Err(KeychainError::Locked));
    assert_eq!(keychain.write("session", b"x"), Err(KeychainError::Locked));
}

#[test]
#[ignore = "run in a session by the tests above"]
fn without_a_keychain() {
    let keychain = SecretService::new("alfavoice-test");
    assert_eq!(keychain.state(), KeychainState::Absent);
    assert_eq!(keychain.read("outbox"), Err(KeychainError::Unavailable));
    assert_eq!(
        keychain.write("outbox", b"x"),
        Err(KeychainError::Unavailable)
    );
}

//! Keychain, start at login, changes of the network, and all of it together.

use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc::sync_channel;

use client_core::ports::{Autostart, Keychain, Network};
use client_platform::Platform;
use client_platform::session::Session;
use client_platform::windows::{AddressNetwork, CredentialManager, RunAutostart};
use windows::Win32::System::Registry::{
    HKEY_CURRENT_USER, REG_BINARY, RRF_RT_REG_SZ, RegGetValueW, RegSetKeyValueW,
};
use windows::core::{HSTRING, w};

const SERVICE: &str = "alfavoice-test";

#[test]
fn secrets_outlive_the_program_that_kept_them() {
    let keychain = CredentialManager::new(SERVICE);
    assert!(keychain.there());
    for name in ["outbox", "long", "session https://сервер.example"] {
        keychain.forget(name).unwrap();
        assert_eq!(keychain.read(name), Ok(None));
    }
    keychain.write("outbox", b"first").unwrap();
    keychain.write("outbox", "второй\0".as_bytes()).unwrap();
    keychain.write("long", &long()).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "--ignored",
            "--exact",
            "machine::as_the_program_started_again",
        ])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
    // What became shorter leaves nothing behind.
    keychain.write("long", b"short").unwrap();
    assert_eq!(keychain.read("long 1"), Ok(None));
    assert_eq!(keychain.read("long"), Ok(Some(b"short".to_vec())));
    keychain.forget("outbox").unwrap();
    keychain.forget("outbox").unwrap();
    assert_eq!(keychain.read("outbox"), Ok(None));
    assert_eq!(keychain.read("long"), Ok(Some(b"short".to_vec())));
    keychain.forget("long").unwrap();
}

/// More than Windows takes in one piece.
fn long() -> Vec<u8> {
    (0..6000_u32).map(|n| (n % 251) as u8).collect()
}

#[test]
#[ignore = "started by the test above as another process"]
fn as_the_program_started_again() {
    let keychain = CredentialManager::new(SERVICE);
    let outbox = keychain.read("outbox");
    assert_eq!(outbox, Ok(Some("второй\0".as_bytes().to_vec())));
    assert_eq!(keychain.read("long"), Ok(Some(long())));
}

#[test]
fn start_at_login_is_an_entry_of_the_registry() {
    let name = "AlfaVoice-test";
    let program = PathBuf::from(r"C:\Program Files\Альфа\AlfaVoice.exe");
    let autostart = RunAutostart::named(name, program);
    autostart.set(false).unwrap();
    assert_eq!(autostart.enabled(), Ok(false));
    autostart.set(true).unwrap();
    assert_eq!(autostart.enabled(), Ok(true));
    assert_eq!(
        entry(name),
        "\"C:\\Program Files\\Альфа\\AlfaVoice.exe\" --hidden"
    );
    // As the Task Manager switches it off.
    let off = [3_u8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let done = unsafe {
        RegSetKeyValueW(
            HKEY_CURRENT_USER,
            w!("Software\\Microsoft\\Windows\\CurrentVersion\\Explorer\\StartupApproved\\Run"),
            &HSTRING::from(name),
            REG_BINARY.0,
            Some(off.as_ptr().cast()),
            12,
        )
    };
    done.ok().unwrap();
    assert_eq!(autostart.enabled(), Ok(false));
    autostart.set(true).unwrap();
    assert_eq!(autostart.enabled(), Ok(true));
    autostart.set(false).unwrap();
    assert_eq!(autostart.enabled(), Ok(false));
}

fn entry(name: &str) -> String {
    let mut units = [0_u16; 512];
    let mut bytes = 1024;
    let read = unsafe {
        RegGetValueW(
            HKEY_CURRENT_USER,
            w!("Software\\Microsoft\\Windows\\CurrentVersion\\Run"),
            &HSTRING::from(name),
            RRF_RT_REG_SZ,
            None,
            Some(units.as_mut_ptr().cast()),
            Some(&raw mut bytes),
        )
    };
    read.ok().unwrap();
    String::from_utf16(&units[..bytes as usize / 2 - 1]).unwrap()
}

#[test]
fn the_network_is_watched_until_nobody_listens() {
    let (changes, heard) = sync_channel(1);
    AddressNetwork.watch(changes);
    drop(heard);
}

#[test]
fn nothing_is_missing_on_this_system() {
    let _alone = crate::desktop::Person::sits_down();
    let (events, _heard) = sync_channel(1);
    let platform = Platform::detect(std::env::current_exe().unwrap(), events);
    assert_eq!(platform.session, Session::Windows);
    assert_eq!(platform.missing, []);
    assert!(platform.hotkeys.modifiers_only());
    let diagnosis = client_platform::diagnosis::diagnose();
    println!("{diagnosis:?}");
    assert_eq!(
        diagnosis.keychain,
        client_platform::diagnosis::Keychain::Open
    );
}

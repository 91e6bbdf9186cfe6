//! Newer versions: what the server says is shown, and only what the team signed for that very version is taken.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

use serde_json::{Value, json};

use super::Shell;
use crate::updates::look_unasked;

const PACKAGE: &[u8] = b"a package of the desktop client, for tests\n";
/// `npx tauri signer generate`; its private half was thrown away.
const KEY: &str = "dW50cnVzdGVkIGNvbW1lbnQ6IG1pbmlzaWduIHB1YmxpYyBrZXk6IDg0NUZEQ0RDOEFGQzU4NTUKUldSVldQeUszTnhmaERjYXNFREhlTk9JM0syUzdFMjNGMGxMNU5taTRZczN6dVc5dVUyZU9oY1YK";
/// `npx tauri signer sign --app-version 9.0.0` of [`PACKAGE`].
const SIGNATURE: &str = "dW50cnVzdGVkIGNvbW1lbnQ6IHNpZ25hdHVyZSBmcm9tIHRhdXJpIHNlY3JldCBrZXkKUlVSVldQeUszTnhmaEgrZmJuU09ITDJJYWhwekpHSC9HNnRjc25WRHMyRC9seGtkQkRNWnBLQzlpK3Z4Q2JwNWkwL2V4VEtIS2lMc0YraGxWaENHbnN0WHp4T0VHaE9mV2c4PQp0cnVzdGVkIGNvbW1lbnQ6IHRpbWVzdGFtcDoxNzk1MzQ1MzU1CWZpbGU6cGFja2FnZQl2ZXJzaW9uOjkuMC4wCmlIdk5Xdllha0R3bllRWUhrNDRSb0dsK2FRN0MvUEJ4d1kxdEpxUU5pQ2ZkNElWQTJIUDVEeG1PWnFiaURLeWFEblg1dDRuZmlGSUVwR0N0bGNSMkF3PT0K";

/// Answers as a server of ours does, with that version and that package.
fn serve(version: &'static str, package: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let own = address.clone();
    // It ends with the process; each connection is one call.
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = answer(stream, &own, version, package);
        }
    });
    address
}

fn answer(
    mut stream: TcpStream,
    address: &str,
    version: &str,
    package: &[u8],
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    while lines
        .next()
        .transpose()?
        .is_some_and(|line| !line.is_empty())
    {}
    let body = if first.contains("/files/") {
        package.to_vec()
    } else if first.contains("/v1/updates/") {
        json!({"version": version, "notes": "Быстрее.", "pub_date": "2026-11-22T10:00:00Z", "signature": SIGNATURE,
               "url": format!("{address}/v1/updates/files/{version}/x.deb"), "sha256": "", "size_bytes": package.len()})
        .to_string()
        .into_bytes()
    } else {
        b"{}".to_vec()
    };
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    )?;
    stream.write_all(&body)
}

/// A program that trusts [`KEY`] and has chosen the server at `address`.
fn chosen(address: &str, key: Option<&str>) -> Shell {
    let shell = Shell::start();
    if let Some(key) = key {
        std::fs::write(shell.folder().join("update.pub"), key).unwrap();
    }
    shell.choose(address);
    shell
}

/// Fetches what was found; the code of the refusal, if it was refused.
fn fetched(shell: &Shell) -> Result<Vec<u8>, String> {
    let found = tauri::Manager::state::<crate::updates::Found>(&shell.app);
    let update = found.0.lock().unwrap().take().unwrap();
    tauri::async_runtime::block_on(crate::updates::fetch(&update))
        .map_err(|fault| fault.0.code.clone())
}

#[test]
fn a_newer_version_is_shown_and_a_package_signed_for_it_is_taken() {
    let shell = chosen(&serve("9.0.0", PACKAGE), Some(KEY));
    let shown = shell.call("check_update", json!({})).unwrap();
    assert_eq!(
        shown,
        json!({"version": "9.0.0", "notes": "Быстрее.", "sizeBytes": PACKAGE.len()})
    );
    assert_eq!(fetched(&shell).unwrap(), PACKAGE);
}

#[test]
fn another_package_than_the_signed_one_is_refused() {
    let shell = chosen(&serve("9.0.0", b"something else"), Some(KEY));
    shell.call("check_update", json!({})).unwrap();
    assert_eq!(fetched(&shell).unwrap_err(), "update.signature");
}

#[test]
fn an_older_package_under_a_newer_number_is_refused() {
    let shell = chosen(&serve("9.1.0", PACKAGE), Some(KEY));
    shell.call("check_update", json!({})).unwrap();
    assert_eq!(fetched(&shell).unwrap_err(), "update.signature");
}

#[test]
fn nothing_is_asked_for_without_a_key_and_nothing_installed_that_was_not_found() {
    let shell = chosen(&serve("9.0.0", PACKAGE), None);
    assert_eq!(shell.call("check_update", json!({})).unwrap(), Value::Null);
    let answer = shell.call("install_update", json!({})).unwrap_err();
    assert_eq!(answer["code"], "update.none");
}

#[test]
fn an_older_or_the_same_version_is_no_update() {
    let shell = chosen(&serve(env!("CARGO_PKG_VERSION"), PACKAGE), Some(KEY));
    assert_eq!(shell.call("check_update", json!({})).unwrap(), Value::Null);
}

#[test]
fn a_newer_version_is_told_once_and_only_to_who_wants_that() {
    let shell = chosen(&serve("9.0.0", PACKAGE), Some(KEY));
    let (say, heard) = std::sync::mpsc::channel();
    tauri::Listener::listen_any(&shell.app, "alfavoice", move |event| {
        let event: Value = serde_json::from_str(event.payload()).unwrap();
        if event["kind"] == "update" {
            let _ = say.send(event);
        }
    });
    let mut told = None;
    let mut look = |wanted: bool| {
        let patch = json!({"patch": {"updates": {"check": wanted}}});
        shell.call("change_settings", patch).unwrap();
        let app = shell.app.handle();
        tauri::async_runtime::block_on(look_unasked(app, &shell.desk, &mut told));
    };
    look(false);
    assert!(heard.try_recv().is_err(), "nobody asked");
    look(true);
    assert_eq!(heard.try_recv().unwrap()["type"], "notice");
    look(true);
    assert!(heard.try_recv().is_err(), "it was told before");
}

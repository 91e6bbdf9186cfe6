//! What the windows hear.

use std::sync::mpsc::channel;
use std::time::Duration;

use serde_json::{Value, json};
use tauri::Listener;

use super::Shell;

/// The first event that is like this, of those the windows hear while `doing`.
fn heard(shell: &Shell, doing: impl FnOnce(), like: impl Fn(&Value) -> bool) -> Value {
    let (say, said) = channel();
    shell.app.listen_any("alfavoice", move |event| {
        let _ = say.send(serde_json::from_str::<Value>(event.payload()).unwrap());
    });
    doing();
    std::iter::from_fn(|| said.recv_timeout(Duration::from_secs(10)).ok())
        .find(like)
        .expect("such an event")
}

#[test]
fn the_windows_hear_each_change_as_one_event() {
    let shell = Shell::start();
    let doing = || {
        let patch = json!({"patch": {"appearance": {"language": "en"}}});
        shell.call("change_settings", patch).unwrap();
        let choice = json!({"choice": {"kind": "team", "address": "http://127.0.0.1:9"}});
        shell.call("choose_server", choice).unwrap();
    };
    let chosen = heard(&shell, doing, |event| {
        event["type"] == "snapshot" && event["snapshot"]["server"]["kind"] == "team"
    });
    let server = &chosen["snapshot"]["server"];
    assert_eq!(server["address"], "http://127.0.0.1:9");
    assert_eq!(chosen["snapshot"]["firstStart"], false);
}

#[test]
fn a_microphone_that_is_not_there_is_told_by_its_code() {
    let shell = Shell::start();
    let words = json!({"passphrase": "eight words are better than one"});
    shell.call("outbox_unlock", words).unwrap();
    let begin = || drop(shell.call("begin", json!({})));
    let told = heard(&shell, begin, |event| event["kind"] == "problem");
    assert_eq!(told["type"], "notice");
    let code = told["code"].as_str().unwrap();
    assert!(code.starts_with("microphone."), "{code}");
}

#[test]
fn the_diagnosis_counts_what_waits_and_says_in_codes_where_takes_go() {
    let shell = Shell::start();
    let row = |code: &str| {
        let all = shell.call("diagnostics", json!({})).unwrap();
        let all = all.as_array().unwrap();
        let found = all.iter().find(|row| row["code"] == code).unwrap();
        found["value"].as_str().unwrap().to_owned()
    };
    assert_eq!(row("outbox"), "closed");
    let words = json!({"passphrase": "eight words are better than one"});
    let doing = || drop(shell.call("outbox_unlock", words.clone()));
    heard(&shell, doing, |event| {
        event["snapshot"]["outbox"]["state"] == "open"
    });
    assert_eq!(row("outbox"), "0 / 0");
    let route = row("route");
    assert!(route.starts_with("outbox ("), "{route}");
}

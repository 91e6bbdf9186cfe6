//! Commands as the screens call them, through to the desk and the files.

use serde_json::json;
use tauri::Manager;

use super::Shell;
use crate::app;
use crate::arguments::Request;

#[test]
fn a_first_start_says_so_and_has_no_server() {
    let shell = Shell::start();
    let snapshot = shell.call("snapshot", json!({})).unwrap();
    assert_eq!(snapshot["firstStart"], true);
    assert_eq!(snapshot["server"]["kind"], json!(null));
    assert_eq!(snapshot["dictation"]["state"], "idle");
    let asked = shell.call(
        "request",
        json!({"call": {"method": "GET", "path": "/v1/history"}}),
    );
    assert_eq!(asked.unwrap_err()["code"], "client.no_server");
}

#[test]
fn a_setting_is_kept_in_the_file_and_a_wrong_one_changes_nothing() {
    let shell = Shell::start();
    let patch = json!({"patch": {"appearance": {"theme": "dark"}}});
    assert_eq!(
        shell.call("change_settings", patch).unwrap()["appearance"]["theme"],
        "dark"
    );
    let wrong = json!({"patch": {"appearance": {"theme": "purple"}}});
    assert!(shell.call("change_settings", wrong).is_err());
    let now = shell.call("settings", json!({})).unwrap();
    assert_eq!(now["appearance"]["theme"], "dark");
    assert_eq!(now["server"], json!(null), "chosen by a command of its own");
    let file = std::fs::read_to_string(shell.folder().join("settings.json")).unwrap();
    assert!(file.contains("dark"));
}

#[test]
fn without_a_keychain_a_passphrase_opens_the_outbox_and_the_copies_in_it() {
    let shell = Shell::start();
    let key = json!({"key": "history/1", "value": {"text": "привет"}});
    assert!(shell.call("cache_write", key.clone()).is_err(), "locked");
    shell
        .call(
            "outbox_unlock",
            json!({"passphrase": "eight words are better than one"}),
        )
        .unwrap();
    shell.call("cache_write", key).unwrap();
    assert_eq!(
        shell
            .call("cache_read", json!({"key": "history/1"}))
            .unwrap()["text"],
        "привет"
    );
    assert_eq!(shell.call("outbox_list", json!({})).unwrap(), json!([]));
    let file = std::fs::read(shell.folder().join("outbox.db")).unwrap();
    assert!(
        !file.starts_with(b"SQLite format 3"),
        "the file is encrypted"
    );
}

#[test]
fn signing_out_that_does_not_succeed_forgets_the_copies_all_the_same() {
    let shell = Shell::start();
    let words = json!({"passphrase": "eight words are better than one"});
    shell.call("outbox_unlock", words).unwrap();
    let key = json!({"key": "history/1", "value": {"text": "привет"}});
    shell.call("cache_write", key).unwrap();
    let answer = shell.call("sign_out", json!({"options": {"forget": true}}));
    assert_eq!(answer.unwrap_err()["code"], "client.no_server");
    let kept = shell.call("cache_read", json!({"key": "history/1"}));
    assert_eq!(kept.unwrap(), json!(null));
}

#[test]
fn a_certificate_can_only_be_trusted_after_it_was_seen() {
    let shell = Shell::start();
    let fingerprint = json!({"fingerprint": "00".repeat(32)});
    let answer = shell.call("trust_certificate", fingerprint).unwrap_err();
    assert_eq!(answer["code"], "certificate.nothing_probed");
    let answer = shell
        .call("trust_certificate", json!({"fingerprint": "secret"}))
        .unwrap_err();
    assert_eq!(answer["code"], "certificate.invalid");
}

#[test]
fn a_server_that_would_hear_everything_in_clear_is_neither_looked_at_nor_chosen() {
    let shell = Shell::start();
    for address in ["http://192.0.2.1:8765", "http://voice.example.com"] {
        let answer = shell.call("probe", json!({"address": address}));
        assert_eq!(answer.unwrap_err()["code"], "server.insecure");
        let choice = json!({"choice": {"kind": "team", "address": address}});
        let answer = shell.call("choose_server", choice).unwrap_err();
        assert_eq!(answer["code"], "server.insecure");
        assert_eq!(answer["action"], "choose_server");
    }
    let snapshot = shell.call("snapshot", json!({})).unwrap();
    assert_eq!(snapshot["firstStart"], true);
    shell.choose("http://127.0.0.1:9");
}

#[test]
fn showing_the_window_twice_makes_one_and_closing_it_leaves_the_program() {
    let shell = Shell::start();
    app::obey(shell.app.handle(), Request::Show);
    app::obey(shell.app.handle(), Request::Hidden);
    let windows = shell.app.webview_windows();
    assert_eq!(windows.len(), 2, "{:?}", windows.keys());
    shell.call("close", json!({})).unwrap();
    assert!(
        shell.desk.ask(client_core::coordinator::Ask::Cancel),
        "the desk is there"
    );
}

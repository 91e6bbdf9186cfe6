//! Which window may call what, and what a page may load.

use serde_json::{Value, json};

use super::{Shell, call};

/// The commands that `src/backend/desktop.ts` calls.
fn commands() -> Vec<String> {
    let source = include_str!("../../../src/backend/desktop.ts");
    let body = &source[source.find("export function desktopBackend").unwrap()..];
    let mut names: Vec<String> = ["call('", "bytesOf('", "call<unknown>('"]
        .iter()
        .flat_map(|opening| body.split(opening).skip(1))
        .filter_map(|rest| rest.split('\'').next())
        .map(str::to_owned)
        .collect();
    names.push("upload".to_owned());
    names
}

/// Whether Tauri itself refused, before the command was asked.
fn refused(answer: &Result<Value, Value>) -> bool {
    matches!(answer, Err(Value::String(text)) if text.contains("not allowed"))
}

#[test]
fn the_overlay_may_look_and_nothing_else() {
    let shell = Shell::start();
    let names = commands();
    assert!(names.len() > 40, "{names:?}");
    for name in names {
        let answer = call(&shell.overlay, "tauri://localhost", &name, json!({}));
        let may = ["snapshot", "settings"].contains(&name.as_str());
        assert_eq!(refused(&answer), !may, "{name}: {answer:?}");
    }
}

#[test]
fn the_screens_may_call_all_they_know() {
    let shell = Shell::start();
    // What asks the person where to write, or has no argument to be wrong and changes windows, is called elsewhere.
    let aside = ["save_bundle", "close", "start_dragging"];
    for name in commands() {
        if aside.contains(&name.as_str()) {
            continue;
        }
        // A wrong argument is refused by the command, which proves that it was reached.
        let answer = shell.call(&name, json!({"patch": 1, "call": 1}));
        assert!(!refused(&answer), "{name}: {answer:?}");
        let unknown = matches!(&answer, Err(Value::String(text)) if text.contains("not found"));
        assert!(!unknown, "{name}: {answer:?}");
    }
}

#[test]
fn a_page_from_elsewhere_may_call_nothing() {
    let shell = Shell::start();
    for name in commands() {
        let answer = call(&shell.main, "https://example.org/", &name, json!({}));
        assert!(answer.is_err(), "{name}");
    }
    assert!(call(&shell.main, "https://example.org/", "snapshot", json!({})).is_err());
}

#[test]
fn a_page_loads_nothing_from_the_network() {
    let context = crate::app::context::<tauri::test::MockRuntime>();
    let policy = context
        .config()
        .app
        .security
        .csp
        .as_ref()
        .unwrap()
        .to_string();
    assert!(policy.contains("default-src"));
    for remote in ["https:", "wss:", "ws:", "*", "unsafe-inline", "unsafe-eval"] {
        assert!(!policy.contains(remote), "{remote} in {policy}");
    }
    // The one http: is Tauri's own bridge, on systems whose web view knows no scheme of ours.
    let http: Vec<&str> = policy
        .split_whitespace()
        .filter(|word| word.starts_with("http:"))
        .collect();
    assert!(
        http.iter()
            .all(|word| word.trim_end_matches(';') == "http://ipc.localhost"),
        "{http:?}"
    );
}

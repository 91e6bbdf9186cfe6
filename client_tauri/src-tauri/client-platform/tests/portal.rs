//! Global keys through a portal of the test's own, on a bus of its own.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod screen;

use std::collections::HashMap;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use client_core::ports::{
    Action, Binding, Chord, Edge, HotkeyError, HotkeyEvent, Hotkeys, Key, Modifier,
};
use client_platform::linux::PortalHotkeys;
use screen::{installed, until};
use zbus::blocking::Connection;
use zbus::blocking::connection::Builder;
use zbus::zvariant::{ObjectPath, OwnedObjectPath, OwnedValue, Value};

const PATH: &str = "/org/freedesktop/portal/desktop";
const SHORTCUTS: &str = "org.freedesktop.portal.GlobalShortcuts";

type Options = HashMap<String, OwnedValue>;

/// What happened at the portal.
#[derive(Default)]
struct Diary {
    /// 0 grants, 1 is a person who says no.
    answer: AtomicU32,
    sessions: Mutex<Vec<String>>,
    closed: Mutex<Vec<String>>,
    /// Identifiers and proposed keys of the last call.
    bound: Mutex<Vec<(String, String)>>,
    bus: Mutex<Option<Connection>>,
}

struct Desk(Arc<Diary>);

struct Session(Arc<Diary>, String);

#[zbus::interface(name = "org.freedesktop.portal.Session")]
impl Session {
    fn close(&self) {
        self.0.closed.lock().unwrap().push(self.1.clone());
    }
}

fn text(options: &Options, key: &str) -> String {
    options[key].downcast_ref::<&str>().unwrap().to_owned()
}

impl Desk {
    /// Answers later and elsewhere, as portals do.
    fn respond(
        &self,
        header: &zbus::message::Header<'_>,
        options: &Options,
        code: u32,
        session: Option<String>,
    ) -> OwnedObjectPath {
        let sender = header
            .sender()
            .unwrap()
            .trim_start_matches(':')
            .replace('.', "_");
        let path = format!("{PATH}/request/{sender}/{}", text(options, "handle_token"));
        let request = OwnedObjectPath::try_from(path).unwrap();
        let (own, diary) = (request.clone(), Arc::clone(&self.0));
        std::thread::spawn(move || {
            let bus = diary.bus.lock().unwrap().clone().unwrap();
            let mut results: HashMap<&str, Value<'_>> = HashMap::new();
            if let Some(session) = session {
                let object = Session(Arc::clone(&diary), session.clone());
                bus.object_server().at(session.as_str(), object).unwrap();
                results.insert("session_handle", Value::from(session));
            }
            let body = (code, results);
            let interface = "org.freedesktop.portal.Request";
            bus.emit_signal(None::<&str>, own.as_str(), interface, "Response", &body)
                .unwrap();
        });
        request
    }
}

#[zbus::interface(name = "org.freedesktop.portal.GlobalShortcuts")]
impl Desk {
    #[zbus(property, name = "version")]
    fn version(&self) -> u32 {
        1
    }

    fn create_session(
        &self,
        #[zbus(header)] header: zbus::message::Header<'_>,
        options: Options,
    ) -> OwnedObjectPath {
        let session = format!("{PATH}/session/{}", text(&options, "session_handle_token"));
        self.0.sessions.lock().unwrap().push(session.clone());
        self.respond(&header, &options, 0, Some(session))
    }

    fn bind_shortcuts(
        &self,
        #[zbus(header)] header: zbus::message::Header<'_>,
        _session: OwnedObjectPath,
        shortcuts: Vec<(String, Options)>,
        _parent: String,
        options: Options,
    ) -> OwnedObjectPath {
        let proposed = shortcuts
            .into_iter()
            .map(|(id, options)| (id, text(&options, "preferred_trigger")));
        *self.0.bound.lock().unwrap() = proposed.collect();
        let code = self.0.answer.load(Ordering::SeqCst);
        self.respond(&header, &options, code, None)
    }
}

#[test]
fn keys_are_bound_and_told_through_a_portal() {
    if !installed("dbus-run-session") {
        assert!(
            std::env::var_os("ALFAVOICE_DISPLAY_TESTS").is_none(),
            "no dbus-run-session"
        );
        eprintln!("SKIPPED: dbus-run-session is not installed");
        return;
    }
    for test in ["with_a_portal", "without_a_portal"] {
        let output = Command::new("dbus-run-session")
            .arg("--")
            .arg(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", test, "--nocapture"])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let failed = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success() && said.contains("1 passed"),
            "{said}\n{failed}"
        );
    }
}

fn binding(action: Action, modifiers: &[Modifier], key: Option<&str>) -> Binding {
    Binding {
        action,
        chord: Chord {
            modifiers: modifiers.iter().copied().collect(),
            key: key.map(|code| Key(code.to_owned())),
        },
    }
}

#[test]
#[ignore = "run on a bus of its own by the test above"]
fn with_a_portal() {
    let diary = Arc::new(Diary::default());
    let bus = Builder::session()
        .unwrap()
        .serve_at(PATH, Desk(Arc::clone(&diary)))
        .unwrap()
        .name("org.freedesktop.portal.Desktop")
        .unwrap()
        .build()
        .unwrap();
    *diary.bus.lock().unwrap() = Some(bus.clone());
    let (events, heard) = sync_channel(64);
    let mut hotkeys = PortalHotkeys::open(events).unwrap();
    assert!(!hotkeys.modifiers_only());

    let talk = binding(
        Action::Dictate,
        &[Modifier::Control, Modifier::Super],
        Some("Space"),
    );
    let again = binding(Action::PasteLast, &[Modifier::Alt], Some("KeyV"));
    let escape = binding(Action::Cancel, &[], Some("Escape"));
    hotkeys.bind(&[talk.clone(), escape, again]).unwrap();
    let proposed = diary.bound.lock().unwrap().clone();
    assert_eq!(proposed.len(), 2, "a bare Escape is left to other programs");
    assert_eq!(proposed[0].1, "CTRL+LOGO+space");
    assert_eq!(proposed[1].1, "ALT+v");

    let tell = |member: &str, session: &str, id: &str| {
        let options: HashMap<&str, Value<'_>> = HashMap::new();
        let body = (ObjectPath::try_from(session).unwrap(), id, 7_u64, options);
        bus.emit_signal(None::<&str>, PATH, SHORTCUTS, member, &body)
            .unwrap();
    };
    let next = || heard.recv_timeout(Duration::from_secs(20)).unwrap();
    let first = diary.sessions.lock().unwrap()[0].clone();
    tell(
        "Activated",
        &format!("{PATH}/session/somebody_elses"),
        &proposed[0].0,
    );
    tell("Activated", &first, &proposed[0].0);
    tell("Deactivated", &first, &proposed[0].0);
    for expected in [Edge::Pressed, Edge::Released] {
        let event = next();
        assert!(
            matches!(event, HotkeyEvent::Chord { action: Action::Dictate, edge, .. } if edge == expected),
            "{event:?}"
        );
    }

    diary.answer.store(1, Ordering::SeqCst);
    assert_eq!(
        hotkeys.bind(std::slice::from_ref(&talk)),
        Err(HotkeyError::Refused)
    );
    let second = diary.sessions.lock().unwrap()[1].clone();
    assert_eq!(*diary.closed.lock().unwrap(), [second]);
    tell("Activated", &first, &proposed[0].0);
    assert!(
        matches!(next(), HotkeyEvent::Chord { .. }),
        "the former keys still work"
    );

    diary.answer.store(0, Ordering::SeqCst);
    hotkeys.bind(std::slice::from_ref(&talk)).unwrap();
    assert!(
        diary.closed.lock().unwrap().contains(&first),
        "the former session is closed"
    );
    let bare = binding(Action::Dictate, &[Modifier::Control, Modifier::Super], None);
    let chord = bare.chord.clone();
    assert_eq!(hotkeys.bind(&[bare]), Err(HotkeyError::Unsupported(chord)));

    drop(hotkeys);
    until("the last session to be closed", || {
        diary.closed.lock().unwrap().len() == 3
    });
}

#[test]
#[ignore = "run on a bus of its own by the test above"]
fn without_a_portal() {
    let (events, _heard) = sync_channel(1);
    let opened = PortalHotkeys::open(events);
    assert_eq!(opened.err(), Some(HotkeyError::Unavailable));
}

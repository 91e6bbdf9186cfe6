//! Text through a portal of the test's own, on a bus of its own: allowed, denied, missing, taken back, and with the token.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod screen;

use std::collections::HashMap;
use std::io::{Read, pipe};
use std::os::fd::OwnedFd;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use client_core::ports::{
    Inserted, Insertion, InsertionError, Keychain, KeychainError, Pasting, TargetWindow,
};
use client_platform::linux::PortalInsertion;
use screen::{installed, until};
use zbus::blocking::Connection;
use zbus::blocking::connection::Builder;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};

const PATH: &str = "/org/freedesktop/portal/desktop";
const CLIPBOARD: &str = "org.freedesktop.portal.Clipboard";
const KEY_INSERT: i32 = 110;
const WINDOW: TargetWindow = TargetWindow { id: 0, app: None };

type Options = HashMap<String, OwnedValue>;

/// What happened at the portal.
#[derive(Default)]
struct Diary {
    /// What the person answers: 0 yes, 1 no; 9: nothing at all.
    answer: AtomicU32,
    /// Whether a program in front reads when keys are struck.
    reads: AtomicBool,
    revoked: AtomicBool,
    session: Mutex<String>,
    tokens: Mutex<Vec<Option<String>>>,
    keys: Mutex<Vec<(i32, u32)>>,
    offered: Mutex<Vec<Vec<String>>>,
    /// What programs got.
    pasted: Mutex<Vec<String>>,
    pipe: Mutex<Option<Receiver<String>>>,
    bus: Mutex<Option<Connection>>,
}

impl Diary {
    fn emit<B: serde::Serialize + zbus::zvariant::DynamicType>(
        &self,
        path: &str,
        interface: &str,
        member: &str,
        body: &B,
    ) {
        let bus = self.bus.lock().unwrap().clone().unwrap();
        bus.emit_signal(None::<&str>, path, interface, member, body)
            .unwrap();
    }

    fn session(&self) -> OwnedObjectPath {
        OwnedObjectPath::try_from(self.session.lock().unwrap().clone()).unwrap()
    }
}

fn text(options: &Options, key: &str) -> Option<String> {
    options.get(key)?.downcast_ref::<String>().ok()
}

/// Answers later and elsewhere, as portals do.
fn respond(
    diary: &Arc<Diary>,
    header: &zbus::message::Header<'_>,
    options: &Options,
    code: u32,
    results: HashMap<&'static str, Value<'static>>,
) -> OwnedObjectPath {
    let sender = header.sender().unwrap();
    let sender = sender.trim_start_matches(':').replace('.', "_");
    let token = text(options, "handle_token").unwrap();
    let path = format!("{PATH}/request/{sender}/{token}");
    let request = OwnedObjectPath::try_from(path).unwrap();
    let (own, diary) = (request.clone(), Arc::clone(diary));
    if code < 9 {
        std::thread::spawn(move || {
            let body = (code, results);
            diary.emit(&own, "org.freedesktop.portal.Request", "Response", &body);
        });
    }
    request
}

struct RemoteDesktop(Arc<Diary>);

#[zbus::interface(name = "org.freedesktop.portal.RemoteDesktop")]
impl RemoteDesktop {
    #[zbus(property, name = "version")]
    fn version(&self) -> u32 {
        2
    }

    fn create_session(
        &self,
        #[zbus(header)] header: zbus::message::Header<'_>,
        options: Options,
    ) -> OwnedObjectPath {
        let token = text(&options, "session_handle_token").unwrap();
        let session = format!("{PATH}/session/{token}");
        self.0.session.lock().unwrap().clone_from(&session);
        let results = HashMap::from([("session_handle", Value::from(session))]);
        respond(&self.0, &header, &options, 0, results)
    }

    fn select_devices(
        &self,
        #[zbus(header)] header: zbus::message::Header<'_>,
        _session: OwnedObjectPath,
        options: Options,
    ) -> OwnedObjectPath {
        let token = text(&options, "restore_token");
        self.0.tokens.lock().unwrap().push(token);
        respond(&self.0, &header, &options, 0, HashMap::new())
    }

    fn start(
        &self,
        #[zbus(header)] header: zbus::message::Header<'_>,
        _session: OwnedObjectPath,
        _parent: String,
        options: Options,
    ) -> OwnedObjectPath {
        let number = self.0.tokens.lock().unwrap().len();
        let results = HashMap::from([
            ("devices", Value::from(1_u32)),
            ("clipboard_enabled", Value::from(true)),
            ("restore_token", Value::from(format!("token {number}"))),
        ]);
        let code = self.0.answer.load(Ordering::SeqCst);
        respond(&self.0, &header, &options, code, results)
    }

    fn notify_keyboard_keycode(
        &self,
        _session: OwnedObjectPath,
        _options: Options,
        code: i32,
        state: u32,
    ) -> zbus::fdo::Result<()> {
        if self.0.revoked.load(Ordering::SeqCst) {
            return Err(zbus::fdo::Error::AccessDenied("revoked".into()));
        }
        self.0.keys.lock().unwrap().push((code, state));
        if code == KEY_INSERT && state == 1 && self.0.reads.load(Ordering::SeqCst) {
            let body = (self.0.session(), "text/plain;charset=utf-8", 5_u32);
            self.0.emit(PATH, CLIPBOARD, "SelectionTransfer", &body);
        }
        Ok(())
    }
}

struct Clipboard(Arc<Diary>);

#[zbus::interface(name = "org.freedesktop.portal.Clipboard")]
impl Clipboard {
    #[zbus(property, name = "version")]
    fn version(&self) -> u32 {
        1
    }

    fn request_clipboard(&self, _session: OwnedObjectPath, _options: Options) {}

    fn set_selection(&self, _session: OwnedObjectPath, options: Options) {
        let names: Vec<String> = options["mime_types"]
            .try_clone()
            .unwrap()
            .try_into()
            .unwrap();
        self.0.offered.lock().unwrap().push(names);
    }

    fn selection_read(&self, _session: OwnedObjectPath, _name: String) -> zbus::zvariant::OwnedFd {
        let (reader, mut writer) = pipe().unwrap();
        std::io::Write::write_all(&mut writer, "прежнее".as_bytes()).unwrap();
        OwnedFd::from(reader).into()
    }

    fn selection_write(&self, _session: OwnedObjectPath, _serial: u32) -> zbus::zvariant::OwnedFd {
        let (mut reader, writer) = pipe().unwrap();
        let (tell, told): (Sender<String>, _) = channel();
        *self.0.pipe.lock().unwrap() = Some(told);
        std::thread::spawn(move || {
            let mut read = String::new();
            reader.read_to_string(&mut read).unwrap();
            let _ = tell.send(read);
        });
        OwnedFd::from(writer).into()
    }

    fn selection_write_done(&self, _session: OwnedObjectPath, _serial: u32, success: bool) {
        let told = self.0.pipe.lock().unwrap().take();
        if let Some(told) = told.filter(|_| success) {
            let read = told.recv_timeout(Duration::from_secs(20)).unwrap();
            self.0.pasted.lock().unwrap().push(read);
        }
    }
}

/// A keychain in memory.
#[derive(Default)]
struct Memory(Mutex<HashMap<String, Vec<u8>>>);

impl Keychain for Memory {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, KeychainError> {
        Ok(self.0.lock().unwrap().get(name).cloned())
    }
    fn write(&self, name: &str, secret: &[u8]) -> Result<(), KeychainError> {
        self.0.lock().unwrap().insert(name.into(), secret.to_vec());
        Ok(())
    }
    fn forget(&self, name: &str) -> Result<(), KeychainError> {
        self.0.lock().unwrap().remove(name);
        Ok(())
    }
}

#[test]
fn text_comes_through_a_portal_and_each_way_it_cannot_is_said() {
    if !installed("dbus-run-session") {
        assert!(
            std::env::var_os("ALFAVOICE_DISPLAY_TESTS").is_none(),
            "no dbus-run-session"
        );
        eprintln!("SKIPPED: dbus-run-session is not installed");
        return;
    }
    for test in [
        "once_allowed",
        "once_denied",
        "while_the_person_is_asked",
        "without_a_portal",
    ] {
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

fn portal(answer: u32) -> (Arc<Diary>, Arc<Memory>) {
    let diary = Arc::new(Diary::default());
    diary.answer.store(answer, Ordering::SeqCst);
    diary.reads.store(true, Ordering::SeqCst);
    let bus = Builder::session()
        .unwrap()
        .serve_at(PATH, RemoteDesktop(Arc::clone(&diary)))
        .unwrap()
        .serve_at(PATH, Clipboard(Arc::clone(&diary)))
        .unwrap()
        .name("org.freedesktop.portal.Desktop")
        .unwrap()
        .build()
        .unwrap();
    *diary.bus.lock().unwrap() = Some(bus);
    (diary, Arc::new(Memory::default()))
}

fn open(keychain: &Arc<Memory>) -> PortalInsertion {
    PortalInsertion::open(keychain.clone(), None).unwrap()
}

#[test]
#[ignore = "run on a bus of its own by the test above"]
fn once_allowed() {
    let (diary, keychain) = portal(0);
    let insertion = open(&keychain);
    let insert = |text: &str| insertion.insert(text, Some(&WINDOW), Pasting::Automatic);

    assert_eq!(insert("Добрый день"), Ok(Inserted::Taken));
    assert_eq!(*diary.pasted.lock().unwrap(), ["Добрый день"]);
    assert_eq!(
        *diary.keys.lock().unwrap(),
        [(42, 1), (110, 1), (110, 0), (42, 0)]
    );
    let offered = diary.offered.lock().unwrap().clone();
    assert!(offered[0].contains(&"x-kde-passwordManagerHint".to_owned()));
    assert!(offered[1].is_empty(), "it was empty before");

    // Somebody copies something of their own: that is given back.
    let told = HashMap::from([
        ("mime_types", Value::from(vec!["text/plain"])),
        ("session_is_owner", Value::from(false)),
    ]);
    let body = (diary.session(), told);
    diary.emit(PATH, CLIPBOARD, "SelectionOwnerChanged", &body);
    until("the clipboard to be somebody else's", || {
        insertion.clipboard_text() == Ok(Some("прежнее".to_owned()))
    });
    assert_eq!(insert("ещё"), Ok(Inserted::Taken));
    assert_eq!(
        *diary.offered.lock().unwrap().last().unwrap(),
        ["text/plain"]
    );
    assert_eq!(insertion.clipboard_text(), Ok(Some("прежнее".to_owned())));

    diary.reads.store(false, Ordering::SeqCst);
    assert_eq!(insert("никому"), Err(InsertionError::NotTaken));
    assert_eq!(
        *diary.offered.lock().unwrap().last().unwrap(),
        ["text/plain"]
    );
    diary.reads.store(true, Ordering::SeqCst);

    // Taken back in the middle: said so, and the next text asks anew, with the newest token.
    diary.revoked.store(true, Ordering::SeqCst);
    assert_eq!(insert("нельзя"), Err(InsertionError::Denied));
    diary.revoked.store(false, Ordering::SeqCst);
    let session = diary.session();
    let details: HashMap<&str, Value<'_>> = HashMap::new();
    diary.emit(
        &session,
        "org.freedesktop.portal.Session",
        "Closed",
        &(details,),
    );
    assert_eq!(insert("снова"), Ok(Inserted::Taken));
    drop(insertion);

    let again = open(&keychain);
    let inserted = again.insert("в другой раз", Some(&WINDOW), Pasting::ShiftInsert);
    assert_eq!(inserted, Ok(Inserted::Taken));
    let token = |number: u32| Some(format!("token {number}"));
    assert_eq!(*diary.tokens.lock().unwrap(), [None, token(1), token(2)]);
}

#[test]
#[ignore = "run on a bus of its own by the test above"]
fn once_denied() {
    let (diary, keychain) = portal(1);
    let insertion = open(&keychain);
    let insert = |target| insertion.insert("текст", target, Pasting::Automatic);
    assert_eq!(insert(Some(&WINDOW)), Err(InsertionError::Denied));
    assert_eq!(insert(Some(&WINDOW)), Err(InsertionError::Denied));
    assert_eq!(diary.tokens.lock().unwrap().len(), 1, "asked once");
    // The person asks for it themselves, and has changed their mind.
    diary.answer.store(0, Ordering::SeqCst);
    assert_eq!(insert(None), Ok(Inserted::Taken));
}

#[test]
#[ignore = "run on a bus of its own by the test above"]
fn while_the_person_is_asked() {
    let (diary, keychain) = portal(9);
    let insertion = open(&keychain);
    let insert = || insertion.insert("текст", Some(&WINDOW), Pasting::Automatic);
    assert_eq!(insert(), Err(InsertionError::Asking));
    assert_eq!(insert(), Err(InsertionError::Asking));
    assert_eq!(diary.tokens.lock().unwrap().len(), 1, "asked once");
    assert!(diary.keys.lock().unwrap().is_empty());
}

#[test]
#[ignore = "run on a bus of its own by the test above"]
fn without_a_portal() {
    let opened = PortalInsertion::open(Arc::new(Memory::default()), None);
    assert_eq!(opened.err(), Some(InsertionError::Unavailable));
}

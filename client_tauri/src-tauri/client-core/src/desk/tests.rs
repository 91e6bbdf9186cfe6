//! The desk with a server of its own process and ports that do as a test says. Waits are for things, never for times.

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::{broadcast, watch};

use super::machine_of_test::{Keyboard, Machine};
use super::scripted::{Script, Server};
use super::*;
use crate::coordinator::Ask;
use crate::outbox::{Place, Retention, State};
use crate::ports::*;
use crate::view::{BackendEvent, DictationState, Route, Snapshot};

const SOON: Duration = Duration::from_secs(60);

struct Room {
    desk: Desk,
    machine: Arc<Machine>,
    keys: SyncSender<HotkeyEvent>,
    events: broadcast::Receiver<BackendEvent>,
    folder: tempfile::TempDir,
    _local: watch::Sender<Local>,
}

async fn room(server: Option<&Server>, limits: Limits) -> Room {
    let folder = tempfile::tempdir().unwrap();
    let machine = Arc::new(Machine::default());
    let mut settings = SettingsFile::load(folder.path().join("settings.json")).file;
    let address = server.map(|server| server.address.clone());
    let patch = json!({
        "server": {"kind": "team", "address": address},
        "audio": {"preRollMs": 0, "muteOthers": true},
        "insertion": {"pastingByApp": {"editor": "control_v"}},
    });
    settings.change(&patch).unwrap();
    let place = Place::new(folder.path());
    let outbox = Outbox::start(place, machine.clone(), Retention::default()).unwrap();
    let (keys, heard) = sync_channel(8);
    let (local_sender, local) = watch::channel(Local::default());
    let desk = start(Parts {
        version: "0".into(),
        platform: Platform::LinuxX11,
        device: crate::account::Device {
            name: "test".into(),
            platform: "linux".into(),
            client: "test/0".into(),
        },
        settings,
        problem: None,
        outbox,
        keychain: machine.clone(),
        microphone: machine.clone(),
        insertion: machine.clone(),
        sounds: machine.clone(),
        muting: machine.clone(),
        hotkeys: Some((Box::new(Keyboard(machine.clone())), heard)),
        network: None,
        local,
        limits,
    })
    .unwrap();
    let room = Room {
        events: desk.events(),
        desk,
        machine,
        keys,
        folder,
        _local: local_sender,
    };
    let route = if server.is_some() {
        Route::Team
    } else {
        Route::Outbox
    };
    room.until(|now| {
        now.route.active == route && now.outbox.state == crate::view::OutboxState::Open
    })
    .await;
    room
}

impl Room {
    async fn until(&self, wanted: impl FnMut(&Snapshot) -> bool) -> Snapshot {
        let mut snapshot = self.desk.snapshot();
        let found = tokio::time::timeout(SOON, snapshot.wait_for(wanted)).await;
        found.expect("in time").unwrap().clone()
    }

    async fn notice(&mut self, wanted: &str) {
        let seen = async {
            loop {
                match self.events.recv().await.unwrap() {
                    BackendEvent::Notice { code, .. } if code == wanted => return,
                    _ => {}
                }
            }
        };
        tokio::time::timeout(SOON, seen).await.expect(wanted);
    }

    /// Waits until something of the machine is so.
    async fn machine<T>(&self, look: impl Fn(&Machine) -> Option<T>) -> T {
        let seen = async {
            loop {
                if let Some(found) = look(&self.machine) {
                    return found;
                }
                tokio::select! {
                    () = self.machine.changed.notified() => {}
                    () = tokio::time::sleep(Duration::from_millis(10)) => {}
                }
            }
        };
        tokio::time::timeout(SOON, seen).await.expect("in time")
    }

    fn key(&self, edge: Edge) {
        let chord = HotkeyEvent::Chord {
            action: Action::Dictate,
            edge,
            modifiers_only: true,
            at: Instant::now(),
        };
        self.keys.send(chord).unwrap();
    }

    /// Gives the open microphone so many samples, counted from `from`.
    async fn speak(&self, from: usize, samples: usize) {
        let sender = self
            .machine(|machine| machine.sound.lock().unwrap().clone())
            .await;
        for start in (from..from + samples).step_by(320) {
            let samples = (start..start + 320)
                .map(|at| at as f32 / 32_768.0)
                .collect();
            let frames = Frames {
                samples,
                rate: 16_000,
            };
            // Closed: the take had all the sound it waited for.
            let _ = sender.send(MicrophoneEvent::Frames(frames));
        }
    }

    /// A latched take of one second, begun and ended by the command line.
    async fn dictate(&self) {
        assert!(self.desk.ask(Ask::Begin));
        self.until(|now| now.dictation.state == DictationState::Latched)
            .await;
        self.speak(0, 16_000).await;
        assert!(self.desk.ask(Ask::End));
        self.speak(16_000, 3200).await;
    }

    async fn state(&self, wanted: State) -> crate::outbox::Take {
        let seen = async {
            let mut changes = self.desk.outbox().changes();
            loop {
                let takes = self.desk.outbox().list().await.unwrap();
                if let Some(take) = takes.into_iter().find(|take| take.state == wanted) {
                    return take;
                }
                changes.changed().await.unwrap();
            }
        };
        tokio::time::timeout(SOON, seen).await.expect("in time")
    }
}

/// What was heard is one piece of the ramp that was spoken.
fn is_whole(samples: &[i16]) -> bool {
    !samples.is_empty() && samples.windows(2).all(|pair| pair[1] == pair[0] + 1)
}

#[tokio::test]
async fn hold_the_keys_speak_and_the_text_is_in_the_window() {
    let server = Server::start(Script::default()).await;
    let mut limits = Limits::default();
    // However quick the test is, this was no tap.
    limits.timing.hold = Duration::from_millis(1);
    let room = room(Some(&server), limits).await;
    room.key(Edge::Pressed);
    room.until(|now| now.dictation.state == DictationState::Listening)
        .await;
    room.speak(0, 16_000).await;
    let shown = room.until(|now| !now.dictation.stable.is_empty()).await;
    assert_eq!(
        (
            shown.dictation.stable.as_str(),
            shown.dictation.tail.as_str()
        ),
        ("привет", " как")
    );
    room.machine(|machine| machine.made("mute")).await;
    room.key(Edge::Released);
    room.until(|now| now.dictation.state == DictationState::Finishing || now.last.is_some())
        .await;
    room.speak(16_000, 1600).await;
    let after = room
        .until(|now| now.last.as_ref().is_some_and(|last| last.inserted))
        .await;
    assert_eq!(after.dictation.state, DictationState::Idle);
    let inserted = room.machine.inserted.lock().unwrap().clone();
    let expected = ("Привет, как дела?".into(), Some(7), Pasting::ControlV);
    assert_eq!(inserted, [expected]);
    assert!(is_whole(&server.samples()[0]));
    assert!(server.samples()[0].len() >= 16_000);
    room.state(State::Stored).await;
    room.desk.stop().await;
    let noises = room.machine.noises.lock().unwrap().clone();
    assert_eq!(noises, ["Begin", "mute", "restore", "End"]);
}

#[tokio::test]
async fn a_lost_connection_costs_nothing_and_nothing_is_said_twice() {
    let script = Script {
        cut_after: Some(8_000),
        ..Script::default()
    };
    let server = Server::start(script).await;
    let room = room(Some(&server), Limits::default()).await;
    room.dictate().await;
    room.until(|now| now.last.as_ref().is_some_and(|last| last.inserted))
        .await;
    assert_eq!(server.heard.lock().unwrap().connections, 2);
    assert_eq!(server.samples().len(), 1);
    assert!(is_whole(&server.samples()[0]));
    assert_eq!(room.machine.inserted.lock().unwrap().len(), 1);
    room.desk.stop().await;
}

#[tokio::test]
async fn without_a_server_the_take_waits_in_the_outbox_and_nothing_is_typed() {
    let mut room = room(None, Limits::default()).await;
    room.dictate().await;
    room.notice("dictation.kept_for_later").await;
    let take = room.state(State::Pending).await;
    let audio = room.desk.outbox().audio(take.id, 0, 100_000).await.unwrap();
    assert!(is_whole(&audio));
    assert!(take.samples >= 16_000);
    room.until(|now| now.outbox.waiting == 1).await;
    assert!(room.machine.inserted.lock().unwrap().is_empty());
    room.desk.stop().await;
}

#[tokio::test]
async fn text_that_comes_late_is_not_typed_and_can_be_pasted() {
    let server = Server::start(Script::default()).await;
    server.may_finish.send_replace(false);
    let limits = Limits {
        timely: Duration::from_millis(100),
        ..Limits::default()
    };
    let mut room = room(Some(&server), limits).await;
    room.dictate().await;
    room.until(|now| now.dictation.state == DictationState::Finishing)
        .await;
    room.until(|now| now.dictation.state == DictationState::Idle)
        .await;
    server.may_finish.send_replace(true);
    room.notice("dictation.late_text").await;
    assert!(room.machine.inserted.lock().unwrap().is_empty());
    assert!(room.desk.ask(Ask::PasteLast));
    let inserted = room
        .machine(|machine| machine.inserted.lock().unwrap().first().cloned())
        .await;
    assert_eq!(
        inserted,
        ("Привет, как дела?".into(), None, Pasting::Automatic)
    );
    room.desk.stop().await;
}

#[tokio::test]
async fn a_cancelled_take_comes_back_as_text_or_is_forgotten_by_the_server_too() {
    let server = Server::start(Script::default()).await;
    let limits = Limits {
        undo: Duration::from_secs(3),
        ..Limits::default()
    };
    let room = room(Some(&server), limits).await;
    for undo in [true, false] {
        assert!(room.desk.ask(Ask::Begin));
        room.until(|now| now.dictation.state == DictationState::Latched)
            .await;
        room.speak(0, 32_000).await;
        room.until(|now| !now.dictation.stable.is_empty()).await;
        assert!(room.desk.ask(Ask::Cancel));
        room.until(|now| now.dictation.undo_until.is_some()).await;
        if undo {
            assert!(room.desk.ask(Ask::UndoCancel));
            room.until(|now| now.last.as_ref().is_some_and(|last| last.inserted))
                .await;
        }
    }
    room.state(State::Cancelled).await;
    room.machine(|_| (server.heard.lock().unwrap().cancelled.len() == 1).then_some(()))
        .await;
    assert_eq!(room.machine.inserted.lock().unwrap().len(), 1);
    room.desk.stop().await;
}

#[tokio::test]
async fn places_are_filled_from_the_clipboard() {
    let script = Script {
        text: "Ссылка: .",
        places: json!([{"name": "clipboard", "offset": 8}]),
        ..Script::default()
    };
    let server = Server::start(script).await;
    let room = room(Some(&server), Limits::default()).await;
    room.desk
        .copy_text("https://пример.рф".into())
        .await
        .unwrap();
    room.dictate().await;
    let inserted = room
        .machine(|machine| machine.inserted.lock().unwrap().first().cloned())
        .await;
    assert_eq!(inserted.0, "Ссылка: https://пример.рф.");
    room.desk.stop().await;
}

#[tokio::test]
async fn the_end_of_the_program_leaves_an_open_take_pending() {
    let server = Server::start(Script::default()).await;
    let room = room(Some(&server), Limits::default()).await;
    assert!(room.desk.ask(Ask::Begin));
    room.until(|now| now.dictation.state == DictationState::Latched)
        .await;
    room.speak(0, 16_000).await;
    room.desk.stop().await;
    let place = Place::new(room.folder.path());
    let again = Outbox::start(place, room.machine.clone(), Retention::default()).unwrap();
    again.open(None).await.unwrap();
    let takes = again.list().await.unwrap();
    assert_eq!(takes.len(), 1);
    assert_eq!(
        (takes[0].state, takes[0].recovered),
        (State::Pending, false)
    );
    assert_eq!(takes[0].samples, 16_000);
    again.close().await;
}

#[tokio::test]
async fn what_panics_is_said_and_the_next_take_works() {
    let server = Server::start(Script::default()).await;
    let mut room = room(Some(&server), Limits::default()).await;
    *room.machine.panics.lock().unwrap() = true;
    assert!(room.desk.ask(Ask::Begin));
    room.notice("program.broken").await;
    room.until(|now| now.dictation.state == DictationState::Idle)
        .await;
    let panicked = room
        .desk
        .shared()
        .inbox
        .send(conductor::Message::Panic)
        .await;
    assert!(panicked.is_ok());
    room.notice("program.broken").await;
    room.until(|now| now.route.active == Route::Team).await;
    room.machine.sound.lock().unwrap().take();
    room.dictate().await;
    room.until(|now| now.last.as_ref().is_some_and(|last| last.inserted))
        .await;
    room.desk.stop().await;
}

#[tokio::test]
async fn a_chord_that_is_taken_changes_nothing_and_the_former_one_stays_bound() {
    let room = room(None, Limits::default()).await;
    let before = room
        .machine(|machine| {
            let bound = machine.bound.lock().unwrap().clone();
            (!bound.is_empty()).then_some(bound)
        })
        .await;
    let chord = json!({"modifiers": ["alt"], "key": "KeyD"});
    *room.machine.taken.lock().unwrap() = Some(serde_json::from_value(chord.clone()).unwrap());
    let patch = json!({"hotkeys": [{"action": "dictate", "chord": chord}]});
    let refused = room.desk.change_settings(patch.clone()).await.unwrap_err();
    assert_eq!(refused.code, "hotkey.taken");
    assert_eq!(*room.machine.bound.lock().unwrap(), before);
    assert_eq!(room.desk.settings().borrow().hotkeys, None);
    room.machine.taken.lock().unwrap().take();
    room.desk.change_settings(patch).await.unwrap();
    assert_eq!(room.machine.bound.lock().unwrap().len(), 1);
    room.desk.stop().await;
}

//! A desk with ports that do as a test says. Waits are for things, never for times.

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::{broadcast, watch};

use super::machine_of_test::{Keyboard, Machine};
use super::scripted::Server;
use super::*;
use crate::coordinator::Ask;
use crate::outbox::{Place, Retention, State};
use crate::ports::*;
use crate::view::{BackendEvent, DictationState, Route, Snapshot};

pub(super) const SOON: Duration = Duration::from_secs(60);

pub(super) struct Room {
    pub desk: Desk,
    pub machine: Arc<Machine>,
    keys: SyncSender<HotkeyEvent>,
    events: broadcast::Receiver<BackendEvent>,
    pub folder: tempfile::TempDir,
    pub local: watch::Sender<Local>,
}

pub(super) async fn room(server: Option<&Server>, limits: Limits) -> Room {
    let room = opened(server, limits).await;
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

/// The same, of which nobody knows yet whether the server answers.
pub(super) async fn opened(server: Option<&Server>, limits: Limits) -> Room {
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
        version: "1.0.0".into(),
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
    Room {
        events: desk.events(),
        desk,
        machine,
        keys,
        folder,
        local: local_sender,
    }
}

impl Room {
    pub async fn until(&self, wanted: impl FnMut(&Snapshot) -> bool) -> Snapshot {
        let mut snapshot = self.desk.snapshot();
        let found = tokio::time::timeout(SOON, snapshot.wait_for(wanted)).await;
        found.expect("in time").unwrap().clone()
    }

    pub async fn notice(&mut self, wanted: &str) {
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

    pub async fn taken_back(&mut self, wanted: &str) {
        let seen = async {
            loop {
                match self.events.recv().await.unwrap() {
                    BackendEvent::TakenBack { code, .. } if code == wanted => return,
                    _ => {}
                }
            }
        };
        tokio::time::timeout(SOON, seen).await.expect(wanted);
    }

    /// Waits until something of the machine is so.
    pub async fn machine<T>(&self, look: impl Fn(&Machine) -> Option<T>) -> T {
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

    pub fn key(&self, edge: Edge) {
        let chord = HotkeyEvent::Chord {
            action: Action::Dictate,
            edge,
            modifiers_only: true,
            at: Instant::now(),
        };
        self.keys.send(chord).unwrap();
    }

    /// Gives the open microphone so many samples, counted from `from`.
    pub async fn speak(&self, from: usize, samples: usize) {
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

    /// Gives the open microphone a tenth of a second of nothing.
    pub async fn give_nothing(&self) {
        let sound = |machine: &Machine| machine.sound.lock().unwrap().clone();
        let frames = Frames {
            samples: vec![0.0; 1600],
            rate: 16_000,
        };
        let sender = self.machine(sound).await;
        let _ = sender.send(MicrophoneEvent::Frames(frames));
    }

    /// A latched take of one second, begun and ended by the command line.
    pub async fn dictate(&self) {
        assert!(self.desk.ask(Ask::Begin));
        self.until(|now| now.dictation.state == DictationState::Latched)
            .await;
        self.speak(0, 16_000).await;
        assert!(self.desk.ask(Ask::End));
        self.speak(16_000, 3200).await;
    }

    /// Waits until so many samples of the take that goes on are in the outbox.
    pub async fn kept(&self, samples: u64) {
        let seen = async {
            loop {
                let takes = self.desk.outbox().list().await.unwrap();
                if takes.iter().any(|take| take.samples >= samples) {
                    assert_eq!(takes[0].state, State::Recording);
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(SOON, seen).await.expect("in time");
    }

    /// The server the screens talk to.
    pub async fn server(&self) -> Arc<crate::account::Server> {
        self.until(|now| now.server.address.is_some()).await;
        self.desk.server().unwrap()
    }

    pub async fn state(&self, wanted: State) -> crate::outbox::Take {
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
pub(super) fn is_whole(samples: &[i16]) -> bool {
    !samples.is_empty() && samples.windows(2).all(|pair| pair[1] == pair[0] + 1)
}

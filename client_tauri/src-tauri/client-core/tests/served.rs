//! Against a real server: `alfavoice serve` with the scripted recogniser, its database, its speech detector.
//!
//! It needs the Python environment of the repository. Where that is not there this is skipped, and says so.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use client_core::account::{Device, Server};
use client_core::api::Call;
use client_core::connection::{Event, Opening, Outcome, connect};
use client_core::outbox::{NewTake, Outbox, Place, Retention, State, TakeId};
use client_core::ports::{Keychain, KeychainError};
use client_core::sidecar::{Plan, Sidecar, Standing};
use client_core::uploads::{self, Target, UploadEvent, Uploads};
use client_core::view::Route;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc, watch};

const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Default)]
struct Drawer(Mutex<HashMap<String, Vec<u8>>>);

impl Keychain for Drawer {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, KeychainError> {
        Ok(self.0.lock().unwrap().get(name).cloned())
    }

    fn write(&self, name: &str, secret: &[u8]) -> Result<(), KeychainError> {
        let mut secrets = self.0.lock().unwrap();
        secrets.insert(name.to_owned(), secret.to_vec());
        Ok(())
    }

    fn forget(&self, name: &str) -> Result<(), KeychainError> {
        self.0.lock().unwrap().remove(name);
        Ok(())
    }
}

/// A server of this test, run as the client runs one.
struct Serving {
    sidecar: Sidecar,
    running: tokio::task::JoinHandle<()>,
    address: String,
    _folder: tempfile::TempDir,
}

impl Serving {
    async fn start(root: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("alfavoice");
        let script = format!(
            "#!/bin/sh\nexport ALFAVOICE_ENGINE=scripted ALFAVOICE_LANES=1 ALFAVOICE_PUNCTUATION=off\n\
             exec '{}' \"$@\"\n",
            root.join(".venv/bin/alfavoice").display()
        );
        std::fs::write(&program, script).unwrap();
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&program, executable).unwrap();
        let (sidecar, run) = Sidecar::new(Some(Plan {
            program,
            data: Some(folder.path().join("data")),
            port: 0,
        }));
        let running = tokio::spawn(run);
        sidecar.start().await;
        let mut standing = sidecar.standing();
        let ready = standing.wait_for(|now| matches!(now, Standing::Ready(_)));
        let address = match tokio::time::timeout(PATIENCE, ready).await {
            Ok(Ok(now)) => match &*now {
                Standing::Ready(address) => address.to_string(),
                other => panic!("{other:?}"),
            },
            _ => panic!("{:?}", sidecar.log()),
        };
        Self {
            sidecar,
            running,
            address,
            _folder: folder,
        }
    }

    async fn stop(self) {
        let models = self.sidecar.models().await.unwrap();
        assert!(!models["models"].as_array().unwrap().is_empty());
        self.sidecar.stop().await;
        let mut standing = self.sidecar.standing();
        let stopped = standing.wait_for(|now| *now == Standing::Stopped);
        tokio::time::timeout(PATIENCE, stopped)
            .await
            .unwrap()
            .unwrap();
        assert!(
            !self
                .sidecar
                .log()
                .iter()
                .any(|line| line.contains("did not stop"))
        );
        self.running.abort();
    }
}

/// A way to the server that can be cut.
struct Way {
    address: String,
    cuts: watch::Sender<u64>,
}

impl Way {
    async fn to(server: &str) -> Self {
        let target: SocketAddr = server.trim_start_matches("http://").parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (cuts, cut) = watch::channel(0);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut cut = cut.clone();
                cut.mark_unchanged();
                tokio::spawn(async move {
                    let mut far = TcpStream::connect(target).await.unwrap();
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        _ = cut.changed() => {}
                    }
                });
            }
        });
        Self { address, cuts }
    }

    fn cut(&self) {
        self.cuts.send_modify(|count| *count += 1);
    }
}

fn voice(root: &Path, seed: u32) -> Vec<i16> {
    let program = format!(
        "import sys; from tests.voice import quiet, voice; \
         sys.stdout.buffer.write(voice(2500, seed={seed}) + quiet(1500) + voice(2000, seed=9{seed}) + quiet(500))"
    );
    let told = Command::new(root.join(".venv/bin/python"))
        .args(["-c", &program])
        .current_dir(root)
        .output()
        .unwrap();
    assert!(told.status.success());
    let pairs = told.stdout.chunks_exact(2);
    pairs
        .map(|two| i16::from_le_bytes([two[0], two[1]]))
        .collect()
}

fn opening(take: TakeId) -> Opening {
    Opening {
        take,
        partials: true,
        client: ("alfavoice-desktop".to_owned(), "0".to_owned()),
    }
}

async fn begin(outbox: &Outbox) -> TakeId {
    let id = TakeId::new();
    let new = NewTake {
        id,
        began_at: 1_795_333_859.5,
        sample_rate: 16_000,
        language: "ru".to_owned(),
        app: Some("почта".to_owned()),
        route: Route::Team,
        server: None,
        person: None,
    };
    outbox.begin(new).await.unwrap();
    id
}

/// Speaks, cutting the way at the first final where one is given.
async fn dictated(
    server: &Arc<Server>,
    outbox: &Outbox,
    sound: &[i16],
    way: Option<&Way>,
) -> (TakeId, Outcome, u32) {
    let id = begin(outbox).await;
    let (events, mut heard) = mpsc::channel(64);
    let (handle, run) = connect(Arc::clone(server), outbox.clone(), opening(id), events);
    let running = tokio::spawn(run);
    let (first, rest) = sound.split_at(sound.len() * 4 / 5);
    for part in first.chunks(1600) {
        handle.appended(outbox.append(id, part).await.unwrap().samples);
    }
    let mut interrupted = 0;
    loop {
        match heard.recv().await.unwrap() {
            Event::Final(_) => break,
            Event::Interrupted(problem) => panic!("{problem:?}"),
            Event::Ready | Event::Partial(_) => {}
        }
    }
    if let Some(way) = way {
        way.cut();
    }
    let counting = tokio::spawn(async move {
        while let Some(event) = heard.recv().await {
            interrupted += u32::from(matches!(event, Event::Interrupted(_)));
        }
        interrupted
    });
    for part in rest.chunks(1600) {
        handle.appended(outbox.append(id, part).await.unwrap().samples);
    }
    outbox.recorded(id, State::Live).await.unwrap();
    handle.finish(sound.len() as u64);
    let outcome = running.await.unwrap();
    (id, outcome, counting.await.unwrap())
}

async fn history(server: &Arc<Server>) -> HashMap<String, String> {
    let call = |path: String| Call {
        method: "GET".to_owned(),
        path,
        query: Vec::new(),
        body: None,
    };
    let page = server.call(&call("/v1/history".to_owned())).await.unwrap();
    let mut texts = HashMap::new();
    for one in page["items"].as_array().unwrap() {
        let id = one["id"].as_str().unwrap().to_owned();
        let whole = server
            .call(&call(format!("/v1/history/{id}")))
            .await
            .unwrap();
        texts.insert(id, whole["text"].as_str().unwrap().to_owned());
    }
    texts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_breaks_on_the_way_what_was_said_is_in_history_once() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../..");
    if !root.join(".venv/bin/alfavoice").exists() {
        eprintln!(
            "SKIPPED: there is no .venv/bin/alfavoice, so nothing was tried against a server"
        );
        return;
    }
    let serving = Serving::start(&root).await;
    let way = Way::to(&serving.address).await;
    let keychain: Arc<dyn Keychain> = Arc::new(Drawer::default());
    let device = Device {
        name: "test".to_owned(),
        platform: "test".to_owned(),
        client: "alfavoice-desktop/0".to_owned(),
    };
    let address = way.address.parse().unwrap();
    let server = Server::new(address, None, Arc::clone(&keychain), device).unwrap();
    let probed = server.probe().await.unwrap();
    assert!(probed.ready && !probed.needs_sign_in);
    assert_eq!(server.token().await.unwrap(), None);

    let folder = tempfile::tempdir().unwrap();
    let outbox = Outbox::start(Place::new(folder.path()), keychain, Retention::default()).unwrap();
    outbox.open(None).await.unwrap();
    let mut said: HashMap<String, String> = HashMap::new();

    // One take as it should be, one whose connection is cut in the middle.
    for (seed, cut) in [(1, None), (2, Some(&way))] {
        let sound = voice(&root, seed);
        let speaking = dictated(&server, &outbox, &sound, cut);
        let (id, outcome, interrupted) = tokio::time::timeout(PATIENCE, speaking).await.unwrap();
        let Outcome::Stored { transcript, text } = outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!(interrupted > 0, cut.is_some());
        let take = outbox.get(id).await.unwrap();
        assert_eq!(
            (take.state, take.text.as_ref()),
            (State::Stored, Some(&text))
        );
        assert!(!text.is_empty());
        said.insert(transcript, text);
    }

    // One whose program died in the middle, after the server had stored some of it; one that no server has seen.
    let sound = voice(&root, 3);
    let died = begin(&outbox).await;
    let (events, mut heard) = mpsc::channel(64);
    let (handle, run) = connect(Arc::clone(&server), outbox.clone(), opening(died), events);
    let running = tokio::spawn(run);
    for part in sound.chunks(1600) {
        handle.appended(outbox.append(died, part).await.unwrap().samples);
    }
    while !matches!(heard.recv().await.unwrap(), Event::Final(_)) {}
    running.abort();
    outbox.recorded(died, State::Pending).await.unwrap();
    let unseen = begin(&outbox).await;
    for part in voice(&root, 4).chunks(16_000) {
        outbox.append(unseen, part).await.unwrap();
    }
    outbox.recorded(unseen, State::Pending).await.unwrap();

    let (tell, mut told) = mpsc::channel(16);
    let (_chosen, server_now) = watch::channel(Some(Target {
        route: Route::Team,
        server: Arc::clone(&server),
    }));
    let uploading = tokio::spawn(uploads::run(Uploads {
        outbox: outbox.clone(),
        server: server_now,
        wake: Arc::new(Notify::new()),
        events: tell,
        client: ("alfavoice-desktop".to_owned(), "0".to_owned()),
    }));
    let mut sent = Vec::new();
    while sent.len() < 2 {
        match tokio::time::timeout(PATIENCE, told.recv()).await.unwrap() {
            Some(UploadEvent::Stored {
                take,
                transcript,
                text,
            }) => {
                assert!(!text.is_empty());
                said.insert(transcript, text);
                sent.push(take);
            }
            Some(UploadEvent::Waiting { .. }) => {}
            other => panic!("{other:?}"),
        }
    }
    uploading.abort();
    sent.sort();
    assert_eq!(sent, [died, unseen]);
    assert_eq!(said.len(), 4);
    assert_eq!(history(&server).await, said);
    outbox.close().await;
    serving.stop().await;
}

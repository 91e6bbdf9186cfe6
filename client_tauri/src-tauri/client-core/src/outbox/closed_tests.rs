//! The outbox while its file is not open: a keychain that takes its time, a damaged file that cannot be mended yet.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::ThreadId;

use tokio::sync::watch;

use super::tests::{Drawer, opened, sound, spoken};
use super::trouble_tests::spoil;
use super::*;
use crate::ports::{Keychain, KeychainError};
use crate::view::Route;

/// A keychain that waits for the person.
struct Patient {
    drawer: Drawer,
    is_unlocked: Mutex<bool>,
    unlocked: Condvar,
    is_asked: watch::Sender<bool>,
    asked_by: Mutex<HashSet<ThreadId>>,
}

impl Patient {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            drawer: Drawer::default(),
            is_unlocked: Mutex::new(false),
            unlocked: Condvar::new(),
            is_asked: watch::Sender::new(false),
            asked_by: Mutex::default(),
        })
    }

    fn unlock(&self) {
        *self.is_unlocked.lock().unwrap() = true;
        self.unlocked.notify_all();
    }

    fn wait(&self) {
        let thread = std::thread::current().id();
        self.asked_by.lock().unwrap().insert(thread);
        self.is_asked.send_replace(true);
        let locked = self.is_unlocked.lock().unwrap();
        drop(self.unlocked.wait_while(locked, |open| !*open).unwrap());
    }

    async fn is_asked(&self) {
        let mut is_asked = self.is_asked.subscribe();
        is_asked.wait_for(|is_asked| *is_asked).await.unwrap();
    }
}

impl Keychain for Patient {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, KeychainError> {
        self.wait();
        self.drawer.read(name)
    }

    fn write(&self, name: &str, secret: &[u8]) -> Result<(), KeychainError> {
        self.wait();
        self.drawer.write(name, secret)
    }

    fn forget(&self, name: &str) -> Result<(), KeychainError> {
        self.drawer.forget(name)
    }
}

fn with(folder: &Path, keychain: &Arc<Patient>) -> Outbox {
    let keychain = Arc::clone(keychain) as Arc<dyn Keychain>;
    Outbox::start(Place::new(folder), keychain, Retention::default()).unwrap()
}

/// Opens it on a task of its own, and comes back when the keychain waits.
async fn asking(
    outbox: &Outbox,
    keychain: &Patient,
) -> tokio::task::JoinHandle<Result<Opened, OutboxError>> {
    let other = outbox.clone();
    let opening = tokio::spawn(async move { other.open(None).await });
    keychain.is_asked().await;
    opening
}

#[tokio::test]
async fn what_is_said_while_the_keychain_waits_for_the_person_is_kept_at_once() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Patient::new());
    let outbox = with(folder.path(), &keychain);
    let opening = asking(&outbox, &keychain).await;
    let id = spoken(&outbox, 2).await;
    assert!(!outbox.append(id, &sound(16)).await.unwrap().on_disk);
    keychain.unlock();
    assert_eq!(opening.await.unwrap(), Ok(Opened::default()));
    assert!(outbox.append(id, &sound(16)).await.unwrap().on_disk);
    assert_eq!(outbox.audio(id, 0, 32_000).await.unwrap(), sound(32_000));
    assert_eq!(outbox.get(id).await.unwrap().state, State::Recording);
    assert_eq!(outbox.status().borrow().problem, None);
    outbox.close().await;
}

#[tokio::test]
async fn an_outbox_is_closed_while_the_keychain_waits_for_the_person() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Patient::new());
    let outbox = with(folder.path(), &keychain);
    let opening = asking(&outbox, &keychain).await;
    outbox.close().await;
    assert_eq!(opening.await.unwrap(), Err(OutboxError::Closed));
    keychain.unlock();
}

#[tokio::test]
async fn whoever_else_wants_the_keychain_waits_for_their_turn_at_its_one_thread() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Patient::new());
    let outbox = with(folder.path(), &keychain);
    let first = asking(&outbox, &keychain).await;
    first.abort();
    let (one, two) = (outbox.open(None), outbox.open(None));
    let told = tokio::join!(one, two, async { keychain.unlock() });
    assert_eq!(
        (told.0, told.1),
        (Ok(Opened::default()), Ok(Opened::default()))
    );
    assert_eq!(keychain.asked_by.lock().unwrap().len(), 1);
    outbox.close().await;
}

#[tokio::test]
async fn a_keychain_that_panics_is_asked_again() {
    struct Panics(Mutex<bool>, Drawer);
    impl Keychain for Panics {
        fn read(&self, name: &str) -> Result<Option<Vec<u8>>, KeychainError> {
            let panics = std::mem::take(&mut *self.0.lock().unwrap());
            assert!(!panics, "a library of the system");
            self.1.read(name)
        }

        fn write(&self, name: &str, secret: &[u8]) -> Result<(), KeychainError> {
            self.1.write(name, secret)
        }

        fn forget(&self, name: &str) -> Result<(), KeychainError> {
            self.1.forget(name)
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let keychain = Arc::new(Panics(Mutex::new(true), Drawer::default()));
    let outbox = Outbox::start(Place::new(folder.path()), keychain, Retention::default()).unwrap();
    assert_eq!(outbox.open(None).await, Err(OutboxError::PassphraseUnset));
    assert_eq!(outbox.open(None).await, Ok(Opened::default()));
    outbox.close().await;
}

/// Something that lies where the copy of a damaged file is to be, so that it cannot be made.
struct InTheWay(std::path::PathBuf);

impl InTheWay {
    fn of(folder: &Path) -> Self {
        let way = folder.join("outbox-salvage.db");
        std::fs::create_dir_all(way.join("something")).unwrap();
        Self(way)
    }

    fn goes(self) {
        std::fs::remove_dir_all(self.0).unwrap();
    }
}

/// An outbox with an older take whose audio is damaged.
async fn damaged(folder: &Path, keychain: &Arc<Drawer>) -> (Outbox, TakeId) {
    let outbox = opened(folder, keychain).await;
    let old = spoken(&outbox, 20).await;
    outbox.recorded(old, State::Pending).await.unwrap();
    outbox.close().await;
    let outbox = opened(folder, keychain).await;
    for page in 20..40 {
        spoil(&folder.join("outbox.db"), page * 4096 + 8);
    }
    // What SQLite has in memory is not damaged.
    outbox.pragma("shrink_memory").await.unwrap();
    (outbox, old)
}

#[tokio::test]
async fn a_take_goes_on_while_a_damaged_file_cannot_be_mended_and_is_whole_when_it_is() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::default());
    let (outbox, old) = damaged(folder.path(), &keychain).await;
    let id = spoken(&outbox, 2).await;
    let said = sound(16_000 * 4);
    let way = InTheWay::of(folder.path());
    assert!(outbox.wav(old).await.is_err());
    let told = outbox.status().borrow().clone();
    assert!(!told.is_open && told.problem.is_some() && told.salvaged.is_none());
    let kept = outbox.append(id, &said[32_000..48_000]).await.unwrap();
    assert_eq!((kept.samples, kept.on_disk), (48_000, false));
    // Nobody takes silence for what is in the file.
    assert_eq!(
        outbox.audio(id, 0, 48_000).await.map(drop),
        Err(told.problem.unwrap())
    );
    let end = outbox.audio(id, 32_000, 16_000).await.unwrap();
    assert_eq!(end, said[32_000..48_000]);
    let other = spoken(&outbox, 1).await;
    outbox.recorded(other, State::Pending).await.unwrap();
    assert!(outbox.open(None).await.is_err());
    way.goes();
    // The key is here: this asks nobody.
    keychain.breaks(Some(KeychainError::Locked));
    let found = outbox.open(None).await.unwrap();
    assert!(found.salvaged.is_some() && found.recovered.is_empty());
    assert_eq!(outbox.status().borrow().problem, None);
    let kept = outbox.append(id, &said[48_000..]).await.unwrap();
    assert_eq!((kept.samples, kept.on_disk), (64_000, true));
    assert_eq!(outbox.get(id).await.unwrap().state, State::Recording);
    outbox.recorded(id, State::Pending).await.unwrap();
    outbox.close().await;
    keychain.breaks(None);
    let outbox = opened(folder.path(), &keychain).await;
    assert_eq!(outbox.audio(id, 0, 64_000).await.unwrap(), said);
    assert_eq!(outbox.audio(other, 0, 16_000).await.unwrap(), sound(16_000));
    assert_eq!(outbox.get(old).await.unwrap().samples, 320_000);
    outbox.close().await;
}

#[tokio::test]
async fn what_becomes_of_takes_while_their_file_waits_to_be_mended_is_so_afterwards() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::default());
    let (outbox, old) = damaged(folder.path(), &keychain).await;
    let (live, dropped, uploading) = (
        spoken(&outbox, 1).await,
        spoken(&outbox, 1).await,
        spoken(&outbox, 1).await,
    );
    outbox.recorded(live, State::Live).await.unwrap();
    outbox.recorded(uploading, State::Pending).await.unwrap();
    while let Some(take) = outbox
        .claim(0.0, Route::Team, "https://here.example".to_owned(), None)
        .await
        .unwrap()
    {
        if take.id == uploading {
            break;
        }
    }
    let way = InTheWay::of(folder.path());
    assert!(outbox.wav(old).await.is_err());
    outbox.stored(live, "t".to_owned(), None).await.unwrap();
    outbox.remove(dropped).await.unwrap();
    way.goes();
    outbox.open(None).await.unwrap();
    assert_eq!(outbox.get(live).await.unwrap().state, State::Stored);
    let silence = outbox.audio(live, 0, 16_000).await.unwrap();
    assert!(silence.iter().all(|sample| *sample == 0));
    assert_eq!(outbox.get(dropped).await, Err(OutboxError::UnknownTake));
    // Whoever sends it goes on: it is not to be sent twice.
    let sent = outbox.get(uploading).await.unwrap();
    assert_eq!(sent.state, State::Uploading);
    assert_eq!(
        outbox.audio(uploading, 0, 16_000).await.unwrap(),
        sound(16_000)
    );
    outbox.close().await;
}

#[tokio::test]
async fn a_take_that_outgrows_memory_while_its_file_waits_to_be_mended_is_refused_aloud() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::default());
    let (outbox, old) = damaged(folder.path(), &keychain).await;
    let id = spoken(&outbox, 1).await;
    let way = InTheWay::of(folder.path());
    assert!(outbox.wav(old).await.is_err());
    let minute = sound(16_000 * 60);
    let mut kept = 16_000;
    let refused = loop {
        match outbox.append(id, &minute).await {
            Ok(more) => kept = more.samples,
            Err(error) => break error,
        }
    };
    assert_eq!(refused, OutboxError::NoRoom);
    assert!(kept > 30 * 60 * 16_000);
    way.goes();
    outbox.open(None).await.unwrap();
    assert_eq!(outbox.get(id).await.unwrap().samples, kept);
    assert!(outbox.append(id, &minute).await.unwrap().on_disk);
    outbox.close().await;
}

//! The outbox as it should be. What happens to keys, files and disks is in `trouble_tests`, the kill -9 in tests/killed.rs.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::*;
use crate::ports::{Keychain, KeychainError};
use crate::view::Route;

/// A keychain of this process; `broken` is what it answers instead.
#[derive(Default)]
pub(super) struct Drawer {
    secrets: Mutex<HashMap<String, Vec<u8>>>,
    broken: Mutex<Option<KeychainError>>,
}

impl Drawer {
    pub(super) fn breaks(&self, error: Option<KeychainError>) {
        *self.broken.lock().unwrap() = error;
    }

    fn fails(&self) -> Result<(), KeychainError> {
        self.broken.lock().unwrap().clone().map_or(Ok(()), Err)
    }
}

impl Keychain for Drawer {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, KeychainError> {
        self.fails()?;
        Ok(self.secrets.lock().unwrap().get(name).cloned())
    }

    fn write(&self, name: &str, secret: &[u8]) -> Result<(), KeychainError> {
        self.fails()?;
        let mut secrets = self.secrets.lock().unwrap();
        secrets.insert(name.to_owned(), secret.to_vec());
        Ok(())
    }

    fn forget(&self, name: &str) -> Result<(), KeychainError> {
        self.secrets.lock().unwrap().remove(name);
        Ok(())
    }
}

pub(super) fn start(folder: &Path, keychain: &Arc<Drawer>) -> Outbox {
    let keychain = Arc::clone(keychain) as Arc<dyn Keychain>;
    Outbox::start(Place::new(folder), keychain, Retention::default()).unwrap()
}

pub(super) async fn opened(folder: &Path, keychain: &Arc<Drawer>) -> Outbox {
    let outbox = start(folder, keychain);
    outbox.open(None).await.unwrap();
    outbox
}

/// Where a server is.
const HERE: &str = "https://here.example";

pub(super) fn new_take() -> NewTake {
    NewTake {
        id: TakeId::new(),
        began_at: 1_795_333_859.5,
        sample_rate: 16_000,
        language: "ru".to_owned(),
        app: Some("почта".to_owned()),
        route: Route::Team,
        server: None,
        person: None,
    }
}

/// Sound that differs from place to place.
pub(super) fn sound(samples: usize) -> Vec<i16> {
    (0..samples).map(|at| (at * 7919 % 30_011) as i16).collect()
}

/// A take with so many seconds of sound, still being recorded.
pub(super) async fn spoken(outbox: &Outbox, seconds: usize) -> TakeId {
    let new = new_take();
    let id = new.id;
    outbox.begin(new).await.unwrap();
    for second in sound(16_000 * seconds).chunks(16_000) {
        outbox.append(id, second).await.unwrap();
    }
    id
}

#[tokio::test]
async fn a_take_is_there_again_after_a_restart() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::default());
    let outbox = opened(folder.path(), &keychain).await;
    let id = spoken(&outbox, 3).await;
    outbox.recorded(id, State::Pending).await.unwrap();
    outbox.close().await;
    let outbox = opened(folder.path(), &keychain).await;
    let take = outbox.get(id).await.unwrap();
    assert_eq!(
        (take.state, take.samples, take.recovered),
        (State::Pending, 48_000, false)
    );
    assert_eq!(outbox.audio(id, 0, 48_000).await.unwrap(), sound(48_000));
    assert_eq!(
        outbox.audio(id, 20_000, 7).await.unwrap(),
        sound(48_000)[20_000..20_007]
    );
    assert!(outbox.audio(id, 48_000, 7).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_was_being_recorded_when_the_program_ended_is_recovered() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::default());
    let outbox = opened(folder.path(), &keychain).await;
    let spoken_in = spoken(&outbox, 2).await;
    let silent = new_take();
    outbox.begin(silent.clone()).await.unwrap();
    outbox.close().await;
    let outbox = start(folder.path(), &keychain);
    let found = outbox.open(None).await.unwrap();
    assert_eq!(found.recovered, [spoken_in]);
    let take = outbox.get(spoken_in).await.unwrap();
    assert_eq!((take.state, take.recovered), (State::Pending, true));
    assert_eq!(take.ended_at, Some(take.began_at + 2.0));
    assert_eq!(outbox.get(silent.id).await, Err(OutboxError::UnknownTake));
}

#[tokio::test]
async fn nothing_in_the_folder_can_be_read_without_the_key() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::default());
    let outbox = opened(folder.path(), &keychain).await;
    let id = spoken(&outbox, 2).await;
    let secret = "совершенно секретно";
    outbox.recorded(id, State::Live).await.unwrap();
    outbox.failed(id, secret.to_owned()).await.unwrap();
    outbox.tend().await.unwrap();
    let pcm: Vec<u8> = sound(64).iter().flat_map(|one| one.to_le_bytes()).collect();
    let key = keychain.read(KEY_NAME).unwrap().unwrap();
    let mut files = 0;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        files += usize::from(!bytes.is_empty());
        for hidden in [
            &pcm[2..34],
            secret.as_bytes(),
            "почта".as_bytes(),
            &key,
            b"SQLite",
        ] {
            assert!(!bytes.windows(hidden.len()).any(|part| part == hidden));
        }
    }
    assert!(files >= 2);
}

#[tokio::test]
async fn only_one_of_two_has_the_file() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::default());
    let first = opened(folder.path(), &keychain).await;
    let second = start(folder.path(), &keychain);
    assert_eq!(second.open(None).await, Err(OutboxError::InUse));
    first.close().await;
    second.open(None).await.unwrap();
}

#[tokio::test]
async fn states_only_go_the_ways_there_are() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::default());
    let outbox = opened(folder.path(), &keychain).await;
    let id = spoken(&outbox, 1).await;
    let wrong = Err(OutboxError::WrongState);
    assert_eq!(outbox.stored(id, "t".to_owned(), None).await, wrong);
    outbox.recorded(id, State::Live).await.unwrap();
    assert_eq!(outbox.append(id, &[1]).await, Err(OutboxError::WrongState));
    // Something is being done with it: it goes on as it is.
    assert_eq!(outbox.restore(id).await, wrong);
    assert_eq!(outbox.retry(id).await, wrong);
    outbox.recorded(id, State::Pending).await.unwrap();
    let claimed = outbox
        .claim(0.0, Route::Team, HERE.to_owned(), None)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((claimed.id, claimed.state), (id, State::Uploading));
    assert_eq!(
        outbox.claim(0.0, Route::Team, HERE.to_owned(), None).await,
        Ok(None)
    );
    let stored = outbox
        .stored(id, "t".to_owned(), Some("да".to_owned()))
        .await
        .unwrap();
    assert!(stored.forget_at.is_some());
    assert!(
        outbox
            .audio(id, 0, 10)
            .await
            .unwrap()
            .iter()
            .all(|one| *one == 0)
    );
    assert_eq!(outbox.retry(id).await, wrong);
    assert_eq!(outbox.cancel(id).await, Err(OutboxError::WrongState));
}

#[tokio::test]
async fn a_take_meant_for_one_server_is_not_given_to_the_other() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::default());
    let outbox = opened(folder.path(), &keychain).await;
    let id = spoken(&outbox, 1).await;
    outbox.recorded(id, State::Pending).await.unwrap();
    assert_eq!(
        outbox.claim(0.0, Route::Local, HERE.to_owned(), None).await,
        Ok(None)
    );
    outbox.retry(id).await.unwrap();
    assert_eq!(
        outbox
            .claim(0.0, Route::Local, HERE.to_owned(), None)
            .await
            .unwrap()
            .unwrap()
            .id,
        id
    );
    let at = Some(100.0);
    outbox
        .again(id, Some("server.unreachable".to_owned()), at)
        .await
        .unwrap();
    assert_eq!(
        outbox
            .claim(99.0, Route::Local, HERE.to_owned(), None)
            .await,
        Ok(None)
    );
    outbox.hurry().await.unwrap();
    assert!(
        outbox
            .claim(0.0, Route::Local, HERE.to_owned(), None)
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test]
async fn another_server_of_the_team_gets_only_what_was_said_for_it() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::default());
    let outbox = opened(folder.path(), &keychain).await;
    let there = "https://there.example";
    // Said while the server there was chosen, out of reach or not.
    for route in [Route::Team, Route::Outbox] {
        let take = NewTake {
            route,
            server: Some(there.to_owned()),
            ..new_take()
        };
        outbox.begin(take.clone()).await.unwrap();
        outbox.append(take.id, &sound(16_000)).await.unwrap();
        outbox.recorded(take.id, State::Pending).await.unwrap();
        for (to, address) in [(Route::Team, HERE), (Route::Local, "http://127.0.0.1:1")] {
            let claimed = outbox.claim(0.0, to, address.to_owned(), None).await;
            assert_eq!(claimed, Ok(None), "{route:?} {to:?}");
        }
        let told = outbox.get(take.id).await.unwrap().problem;
        assert_eq!(told.as_deref(), Some("outbox.other_server"));
        let claimed = outbox.claim(0.0, Route::Team, there.to_owned(), None).await;
        let claimed = claimed.unwrap().unwrap();
        assert_eq!((claimed.id, claimed.problem), (take.id, None));
        // What that server has in hand is not given to the next one.
        outbox.again(take.id, None, None).await.unwrap();
        let claimed = outbox.claim(0.0, Route::Team, HERE.to_owned(), None).await;
        assert_eq!(claimed, Ok(None));
        // The person may want it all the same.
        outbox.retry(take.id).await.unwrap();
        let claimed = outbox.claim(0.0, Route::Team, HERE.to_owned(), None).await;
        let claimed = claimed.unwrap().unwrap();
        assert_eq!(claimed.server.as_deref(), Some(HERE));
        outbox.remove(take.id).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_over_is_kept_as_long_as_the_person_wants_and_less_from_then_on_if_told_so() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::default());
    let outbox = opened(folder.path(), &keychain).await;
    let days = |stored, failed| {
        Retention::of(&Privacy {
            keep_stored_days: stored,
            keep_failed_days: failed,
            ..Privacy::default()
        })
    };
    outbox.keep(days(3, 7)).await.unwrap();
    let (stored, failed) = (spoken(&outbox, 1).await, spoken(&outbox, 1).await);
    for id in [stored, failed] {
        outbox.recorded(id, State::Live).await.unwrap();
    }
    outbox.stored(stored, "t".to_owned(), None).await.unwrap();
    outbox
        .failed(failed, "session.forbidden".to_owned())
        .await
        .unwrap();
    assert_eq!(
        outbox.audio(stored, 0, 16_000).await.unwrap(),
        sound(16_000)
    );
    let left = |take: Take| (take.forget_at.unwrap() - super::now()) / DAY_S;
    assert!((left(outbox.get(stored).await.unwrap()) - 3.0).abs() < 0.01);
    assert!((left(outbox.get(failed).await.unwrap()) - 7.0).abs() < 0.01);
    outbox.keep(days(0, 1)).await.unwrap();
    assert!((left(outbox.get(failed).await.unwrap()) - 1.0).abs() < 0.01);
    assert_eq!(outbox.wav(stored).await, Err(OutboxError::AudioForgotten));
    outbox.keep(days(30, 365)).await.unwrap();
    assert!(left(outbox.get(failed).await.unwrap()) < 1.0);
    assert_eq!(outbox.retry(failed).await.unwrap().forget_at, None);
}

#[tokio::test]
async fn a_cancelled_take_can_be_brought_back_until_its_time_is_over() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::<Drawer>::default());
    let retention = Retention {
        failed_s: -1.0,
        ..Retention::default()
    };
    let keychain = Arc::clone(&keychain) as Arc<dyn Keychain>;
    let outbox = Outbox::start(Place::new(folder.path()), keychain, retention).unwrap();
    outbox.open(None).await.unwrap();
    let (long, other) = (spoken(&outbox, 2).await, spoken(&outbox, 2).await);
    let short = new_take();
    outbox.begin(short.clone()).await.unwrap();
    outbox.append(short.id, &sound(8_000)).await.unwrap();
    assert_eq!(outbox.cancel(short.id).await, Ok(None));
    assert!(outbox.get(short.id).await.is_err());
    assert!(outbox.cancel(long).await.unwrap().is_some());
    assert!(outbox.cancel(other).await.unwrap().is_some());
    assert_eq!(outbox.restore(long).await.unwrap().state, State::Pending);
    outbox.tend().await.unwrap();
    assert!(outbox.get(long).await.is_ok());
    assert_eq!(outbox.restore(other).await, Err(OutboxError::UnknownTake));
}

#[tokio::test]
async fn a_take_is_exported_as_a_wav_file() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::default());
    let outbox = opened(folder.path(), &keychain).await;
    let id = spoken(&outbox, 1).await;
    let path = folder.path().join("запись.wav");
    outbox.export(id, path.clone()).await.unwrap();
    #[cfg(unix)]
    {
        let rights = std::fs::metadata(&path).unwrap().permissions();
        let rights = std::os::unix::fs::PermissionsExt::mode(&rights);
        assert_eq!(rights & 0o777, 0o600);
    }
    let bytes = std::fs::read(path).unwrap();
    let pcm: Vec<u8> = sound(16_000)
        .iter()
        .flat_map(|one| one.to_le_bytes())
        .collect();
    assert_eq!(
        (&bytes[..4], &bytes[8..16], &bytes[44..]),
        (&b"RIFF"[..], &b"WAVEfmt "[..], &pcm[..])
    );
    assert_eq!(bytes[24..28], 16_000_u32.to_le_bytes());
}

#[tokio::test]
async fn the_cache_keeps_what_each_person_wrote_last_and_forgets_by_prefix() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::default());
    let cache = crate::cache::Cache::new(opened(folder.path(), &keychain).await);
    let (one, two) = (serde_json::json!([1]), serde_json::json!({"т": 2}));
    let (ann, bob) = (Some("ann https://a"), Some("bob https://a"));
    cache.write(ann, "history/1", &one).await.unwrap();
    cache.write(ann, "history/1", &two).await.unwrap();
    cache.write(ann, "notes", &one).await.unwrap();
    assert_eq!(cache.read(ann, "history/1").await.unwrap(), Some(two));
    for other in [bob, None] {
        assert_eq!(cache.read(other, "history/1").await, Ok(None));
        cache.forget(other, "history/").await.unwrap();
    }
    assert!(cache.read(ann, "history/1").await.unwrap().is_some());
    cache.forget(ann, "history/").await.unwrap();
    assert_eq!(cache.read(ann, "history/1").await, Ok(None));
    assert_eq!(cache.read(ann, "notes").await, Ok(Some(one)));
    cache.forget(bob, "").await.unwrap();
    assert_eq!(cache.read(ann, "notes").await, Ok(None));
}

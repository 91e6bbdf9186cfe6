//! Takes that nobody is busy with any more come to wait in this run of the program, not in the next one.

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

use super::tests::{Drawer, new_take, opened, sound, spoken, start};
use super::*;
use crate::ports::Keychain;

/// The file beside the outbox, for what is to be wrong with it.
fn beside(folder: &Path, keychain: &Drawer) -> Connection {
    let hex = String::from_utf8(keychain.read(KEY_NAME).unwrap().unwrap()).unwrap();
    let file = Connection::open(folder.join("outbox.db")).unwrap();
    file.execute_batch(&format!("PRAGMA key = \"x'{hex}'\""))
        .unwrap();
    file
}

#[tokio::test]
async fn what_could_not_be_recovered_when_the_file_was_opened_is_recovered_later() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::<Drawer>::default());
    let outbox = opened(folder.path(), &keychain).await;
    let died = spoken(&outbox, 2).await;
    outbox.close().await;
    let file = beside(folder.path(), &keychain);
    // As with a disk that takes nothing: what is there can be read, and no row be changed.
    let no = "CREATE TRIGGER no BEFORE INSERT ON take BEGIN SELECT RAISE(FAIL, 'no'); END";
    file.execute_batch(no).unwrap();
    let outbox = start(folder.path(), &keychain);
    let _ = outbox.open(None).await;
    assert!(outbox.status().borrow().is_open);
    assert_eq!(outbox.get(died).await.unwrap().state, State::Recording);
    let _ = outbox.tend().await;
    assert_eq!(outbox.get(died).await.unwrap().state, State::Recording);
    file.execute_batch("DROP TRIGGER no").unwrap();
    let speaking = spoken(&outbox, 1).await;
    let changes = outbox.changes();
    assert_eq!(outbox.tend().await.unwrap(), [died]);
    assert!(changes.has_changed().unwrap());
    let take = outbox.get(died).await.unwrap();
    assert_eq!((take.state, take.recovered), (State::Pending, true));
    assert_eq!(outbox.get(speaking).await.unwrap().state, State::Recording);
    assert_eq!(outbox.tend().await.unwrap(), []);
    outbox.close().await;
}

#[tokio::test]
async fn audio_whose_row_was_lost_while_running_comes_to_wait_in_this_run() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::default());
    let outbox = opened(folder.path(), &keychain).await;
    let old = spoken(&outbox, 2).await;
    outbox.recorded(old, State::Pending).await.unwrap();
    let speaking = spoken(&outbox, 1).await;
    let silent = new_take();
    outbox.begin(silent.clone()).await.unwrap();
    outbox
        .pragma("foreign_keys = OFF; DELETE FROM take; PRAGMA foreign_keys = ON")
        .await
        .unwrap();
    outbox.meet_damage().await;
    assert_eq!(outbox.get(old).await.unwrap().samples, 32_000);
    assert_eq!(outbox.tend().await.unwrap(), [old]);
    let take = outbox.get(old).await.unwrap();
    assert_eq!((take.state, take.recovered), (State::Pending, true));
    assert_eq!(outbox.audio(old, 0, 32_000).await.unwrap(), sound(32_000));
    for going in [speaking, silent.id] {
        assert_eq!(outbox.get(going).await.unwrap().state, State::Recording);
        assert!(outbox.append(going, &sound(16)).await.unwrap().on_disk);
    }
    outbox.close().await;
}

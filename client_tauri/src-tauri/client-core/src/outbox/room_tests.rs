//! A damaged file and a disk that has no room for a new one.

use std::path::Path;
use std::sync::Arc;

use super::tests::{Drawer, opened, sound, spoken};
use super::*;
use crate::ports::Keychain;

impl Outbox {
    /// As if the disk took so many bytes more, or as many as it does.
    async fn has_room(&self, bytes: Option<u64>) {
        let told = self.run(move |store| {
            store.room_of_test = bytes;
            Ok(())
        });
        told.await.unwrap();
    }
}

fn is_copied(folder: &Path) -> bool {
    folder.join("outbox-salvage.db").exists()
}

#[tokio::test]
async fn a_damaged_file_is_not_copied_where_there_is_no_room_for_it() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::default());
    let outbox = opened(folder.path(), &keychain).await;
    let old = spoken(&outbox, 20).await;
    outbox.recorded(old, State::Pending).await.unwrap();
    // Where the copy would be made, were it tried.
    std::fs::write(folder.path().join("outbox-salvage.db"), b"former").unwrap();
    outbox.has_room(Some(500_000)).await;
    outbox.meet_damage().await;
    let told = outbox.status().borrow().clone();
    assert_eq!(
        (told.is_open, told.problem),
        (false, Some(OutboxError::DiskFull))
    );
    assert!(!is_copied(folder.path()));
    let id = spoken(&outbox, 1).await;
    assert_eq!(outbox.open(None).await, Err(OutboxError::DiskFull));
    assert!(!is_copied(folder.path()));
    outbox.has_room(None).await;
    assert!(outbox.open(None).await.unwrap().salvaged.is_some());
    assert_eq!(outbox.audio(old, 0, 320_000).await.unwrap(), sound(320_000));
    assert_eq!(outbox.audio(id, 0, 16_000).await.unwrap(), sound(16_000));
    outbox.close().await;
}

#[tokio::test]
async fn what_was_deleted_in_a_damaged_file_needs_no_room() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::default());
    let outbox = opened(folder.path(), &keychain).await;
    let (large, small) = (spoken(&outbox, 20).await, spoken(&outbox, 1).await);
    outbox.remove(large).await.unwrap();
    outbox.recorded(small, State::Pending).await.unwrap();
    outbox.has_room(Some(200_000)).await;
    outbox.meet_damage().await;
    let told = outbox.status().borrow().clone();
    assert_eq!((told.is_open, told.problem), (true, None));
    assert_eq!(outbox.audio(small, 0, 16_000).await.unwrap(), sound(16_000));
    outbox.close().await;
}

#[tokio::test]
async fn a_copy_is_written_to_the_disk_once() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::<Drawer>::default());
    opened(folder.path(), &keychain).await.close().await;
    let key = key::from_hex(&keychain.read(KEY_NAME).unwrap().unwrap()).unwrap();
    let copy = file::make_copy(&folder.path().join("copy.db"), &key).unwrap();
    copy.execute("INSERT INTO cached VALUES ('a', 'b', 1)", ())
        .unwrap();
    for suffix in ["-wal", "-journal"] {
        let beside = place::beside(&folder.path().join("copy.db"), suffix);
        assert!(!beside.exists(), "{suffix}");
    }
}

#[test]
fn a_disk_that_is_there_takes_something() {
    let folder = tempfile::tempdir().unwrap();
    assert!(room::free_bytes(folder.path()).is_some_and(|bytes| bytes > 0));
    assert_eq!(room::free_bytes(&folder.path().join("nowhere")), None);
}

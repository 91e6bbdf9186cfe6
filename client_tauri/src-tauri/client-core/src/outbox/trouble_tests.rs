//! The outbox against what happens to keys, files and disks.

use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use super::tests::{Drawer, opened, sound, spoken, start};
use super::*;
use crate::ports::{Keychain, KeychainError};
use crate::sensitive::Sensitive;

fn passphrase(text: &str) -> Option<Sensitive<String>> {
    Some(Sensitive::new(text.to_owned()))
}

/// Turns bytes of a file around.
pub(super) fn spoil(path: &Path, at: u64) {
    let mut file = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    let mut bytes = [0; 64];
    file.seek(SeekFrom::Start(at)).unwrap();
    file.read_exact(&mut bytes).unwrap();
    for byte in &mut bytes {
        *byte = !*byte;
    }
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(&bytes).unwrap();
}

#[tokio::test]
async fn a_lost_key_is_told_and_the_file_put_aside_only_when_asked() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::<Drawer>::default());
    let outbox = opened(folder.path(), &keychain).await;
    spoken(&outbox, 1).await;
    outbox.close().await;
    let before = std::fs::read(folder.path().join("outbox.db")).unwrap();
    for wrong in [None, Some("ff".repeat(32)), Some("no key".to_owned())] {
        match wrong {
            None => keychain.forget(KEY_NAME).unwrap(),
            Some(wrong) => keychain.write(KEY_NAME, wrong.as_bytes()).unwrap(),
        }
        let outbox = start(folder.path(), &keychain);
        assert_eq!(outbox.open(None).await, Err(OutboxError::KeyLost));
        assert_eq!(outbox.status().borrow().problem, Some(OutboxError::KeyLost));
        outbox.close().await;
    }
    let outbox = start(folder.path(), &keychain);
    assert_eq!(outbox.open(None).await, Err(OutboxError::KeyLost));
    // What is said meanwhile is kept in memory, and comes into the new file.
    let id = spoken(&outbox, 1).await;
    let aside = outbox.put_aside().await.unwrap();
    outbox.open(None).await.unwrap();
    assert_eq!(std::fs::read(aside).unwrap(), before);
    assert_eq!(outbox.audio(id, 0, 16_000).await.unwrap(), sound(16_000));
    assert!(outbox.append(id, &[1]).await.unwrap().on_disk);
}

#[tokio::test]
async fn without_its_note_a_file_is_put_aside_by_itself_only_if_the_key_is_its_own() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::<Drawer>::default());
    let outbox = opened(folder.path(), &keychain).await;
    let id = spoken(&outbox, 20).await;
    outbox.recorded(id, State::Pending).await.unwrap();
    outbox.close().await;
    let file = folder.path().join("outbox.db");
    std::fs::remove_file(folder.path().join("outbox.salt.json")).unwrap();
    let own = keychain.read(KEY_NAME).unwrap().unwrap();
    keychain
        .write(KEY_NAME, "ff".repeat(32).as_bytes())
        .unwrap();
    let before = std::fs::read(&file).unwrap();
    let outbox = start(folder.path(), &keychain);
    assert_eq!(outbox.open(None).await, Err(OutboxError::KeyLost));
    outbox.close().await;
    assert_eq!(std::fs::read(&file).unwrap(), before);
    keychain.write(KEY_NAME, &own).unwrap();
    spoil(&file, 30 * 4096 + 100);
    let outbox = start(folder.path(), &keychain);
    assert!(outbox.open(None).await.unwrap().salvaged.is_some());
    assert_eq!(outbox.get(id).await.unwrap().samples, 320_000);
}

#[tokio::test]
async fn without_a_keychain_a_passphrase_is_asked_to_be_set_and_then_for_and_a_wrong_one_is_told() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::<Drawer>::default());
    keychain.breaks(Some(KeychainError::Unavailable));
    let outbox = start(folder.path(), &keychain);
    assert_eq!(outbox.open(None).await, Err(OutboxError::PassphraseUnset));
    outbox.open(passphrase("долгая фраза")).await.unwrap();
    let id = spoken(&outbox, 1).await;
    outbox.recorded(id, State::Pending).await.unwrap();
    outbox.close().await;
    let outbox = start(folder.path(), &keychain);
    assert_eq!(outbox.open(None).await, Err(OutboxError::PassphraseNeeded));
    assert_eq!(
        outbox.open(passphrase("другая")).await,
        Err(OutboxError::WrongPassphrase)
    );
    outbox.open(passphrase("долгая фраза")).await.unwrap();
    assert_eq!(outbox.get(id).await.unwrap().samples, 16_000);
    outbox.close().await;
    // Forgotten: the file is set aside, and a new phrase is to be set.
    let outbox = start(folder.path(), &keychain);
    assert_eq!(outbox.open(None).await, Err(OutboxError::PassphraseNeeded));
    outbox.put_aside().await.unwrap();
    assert_eq!(outbox.open(None).await, Err(OutboxError::PassphraseUnset));
}

#[tokio::test]
async fn a_locked_keychain_keeps_takes_in_memory_until_it_opens() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::<Drawer>::default());
    opened(folder.path(), &keychain).await.close().await;
    for locked in [KeychainError::Locked, KeychainError::Unavailable] {
        keychain.breaks(Some(locked));
        let outbox = start(folder.path(), &keychain);
        assert_eq!(outbox.open(None).await, Err(OutboxError::Locked));
        let id = spoken(&outbox, 2).await;
        assert!(!outbox.append(id, &sound(16)).await.unwrap().on_disk);
        outbox.recorded(id, State::Pending).await.unwrap();
        keychain.breaks(None);
        outbox.open(None).await.unwrap();
        assert_eq!(outbox.status().borrow().problem, None);
        outbox.close().await;
        let outbox = opened(folder.path(), &keychain).await;
        let take = outbox.get(id).await.unwrap();
        assert_eq!((take.state, take.samples), (State::Pending, 32_016));
        assert_eq!(outbox.audio(id, 0, 32_000).await.unwrap(), sound(32_000));
        outbox.close().await;
    }
}

#[tokio::test]
async fn a_damaged_page_costs_what_is_on_it() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::default());
    let outbox = opened(folder.path(), &keychain).await;
    let id = spoken(&outbox, 20).await;
    outbox.recorded(id, State::Pending).await.unwrap();
    outbox.close().await;
    spoil(&folder.path().join("outbox.db"), 30 * 4096 + 100);
    let outbox = start(folder.path(), &keychain);
    let salvaged = outbox.open(None).await.unwrap().salvaged.unwrap();
    assert!(salvaged.incomplete && salvaged.takes == 1 && salvaged.aside.exists());
    let take = outbox.get(id).await.unwrap();
    assert_eq!((take.samples, take.state), (320_000, State::Pending));
    let (found, said) = (outbox.audio(id, 0, 320_000).await.unwrap(), sound(320_000));
    let same = found.iter().zip(&said).filter(|(a, b)| a == b).count();
    assert!(same >= 18 * 16_000, "{same}");
}

#[tokio::test]
async fn a_program_that_died_while_it_salvaged_has_lost_nothing() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::default());
    let outbox = opened(folder.path(), &keychain).await;
    let id = spoken(&outbox, 1).await;
    outbox.recorded(id, State::Pending).await.unwrap();
    outbox.close().await;
    // The damaged one is out of the way but for its log, the new one not yet in its place.
    let at = |name: &str| folder.path().join(name);
    std::fs::rename(at("outbox.db"), at("outbox-salvage.db")).unwrap();
    std::fs::write(at("outbox.db-wal"), b"of the damaged one").unwrap();
    let outbox = opened(folder.path(), &keychain).await;
    assert_eq!(outbox.audio(id, 0, 16_000).await.unwrap(), sound(16_000));
    assert!(!at("outbox-salvage.db").exists());
}

#[tokio::test]
async fn a_file_whose_first_page_is_damaged_is_put_aside() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::default());
    let outbox = opened(folder.path(), &keychain).await;
    spoken(&outbox, 1).await;
    outbox.close().await;
    spoil(&folder.path().join("outbox.db"), 700);
    let outbox = start(folder.path(), &keychain);
    let salvaged = outbox.open(None).await.unwrap().salvaged.unwrap();
    assert!(salvaged.incomplete && salvaged.aside.exists());
    spoken(&outbox, 1).await;
}

#[tokio::test]
async fn damage_that_shows_while_running_is_mended_on_the_way() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::default());
    let outbox = opened(folder.path(), &keychain).await;
    let old = spoken(&outbox, 20).await;
    outbox.recorded(old, State::Pending).await.unwrap();
    outbox.close().await;
    let outbox = opened(folder.path(), &keychain).await;
    for page in 20..40 {
        spoil(&folder.path().join("outbox.db"), page * 4096 + 8);
    }
    // What SQLite has in memory is not damaged.
    outbox.pragma("shrink_memory").await.unwrap();
    outbox.wav(old).await.unwrap();
    assert!(outbox.status().borrow().salvaged.is_some());
    let id = spoken(&outbox, 1).await;
    assert_eq!(outbox.audio(id, 0, 16_000).await.unwrap(), sound(16_000));
}

#[tokio::test]
async fn a_full_disk_is_told_and_what_is_said_goes_on_in_memory_until_there_is_room() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::default());
    let outbox = opened(folder.path(), &keychain).await;
    let id = spoken(&outbox, 2).await;
    outbox.pragma("max_page_count = 1").await.unwrap();
    let said = sound(16_000 * 4);
    for second in said[32_000..].chunks(16_000) {
        assert!(!outbox.append(id, second).await.unwrap().on_disk);
    }
    let other = spoken(&outbox, 1).await;
    assert_eq!(
        outbox.status().borrow().problem,
        Some(OutboxError::DiskFull)
    );
    assert_eq!(outbox.audio(id, 0, 64_000).await.unwrap(), said);
    assert_eq!(outbox.list().await.unwrap().len(), 2);
    outbox.recorded(other, State::Pending).await.unwrap();
    outbox.pragma("max_page_count = 1000000").await.unwrap();
    outbox.tend().await.unwrap();
    assert_eq!(outbox.status().borrow().problem, None);
    outbox.close().await;
    let outbox = opened(folder.path(), &keychain).await;
    assert_eq!(outbox.audio(id, 0, 64_000).await.unwrap(), said);
    assert_eq!(outbox.get(other).await.unwrap().state, State::Pending);
}

#[tokio::test]
async fn a_take_whose_whole_way_was_in_memory_comes_to_the_disk_as_it_ended() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::default());
    let outbox = opened(folder.path(), &keychain).await;
    let id = spoken(&outbox, 2).await;
    outbox.pragma("max_page_count = 1").await.unwrap();
    assert!(!outbox.append(id, &sound(16_000)).await.unwrap().on_disk);
    outbox.recorded(id, State::Live).await.unwrap();
    outbox.stored(id, "t".to_owned(), None).await.unwrap();
    outbox.pragma("max_page_count = 1000000").await.unwrap();
    outbox.tend().await.unwrap();
    assert_eq!(outbox.status().borrow().problem, None);
    outbox.close().await;
    let outbox = opened(folder.path(), &keychain).await;
    assert_eq!(outbox.get(id).await.unwrap().state, State::Stored);
}

#[tokio::test]
async fn what_neither_disk_nor_memory_takes_is_refused_aloud() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = start(folder.path(), &Arc::default());
    let id = spoken(&outbox, 1).await;
    let minute = sound(16_000 * 60);
    let mut told = Ok(());
    for _ in 0..40 {
        told = outbox.append(id, &minute).await.map(|_| ());
        if told.is_err() {
            break;
        }
    }
    assert_eq!(told, Err(OutboxError::NoRoom));
    assert!(outbox.get(id).await.unwrap().samples > 30 * 60 * 16_000);
}

//! Audio that is gone: forgotten as it is meant to be, or lost.

use std::collections::HashMap;
use std::sync::Arc;

use super::tests::{opened, spoken, start};
use super::*;

#[tokio::test]
async fn audio_that_is_forgotten_is_told_and_never_exported_as_silence() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::default());
    let outbox = opened(folder.path(), &keychain).await;
    let (stored, waiting) = (spoken(&outbox, 1).await, spoken(&outbox, 1).await);
    outbox.recorded(stored, State::Live).await.unwrap();
    outbox.recorded(waiting, State::Pending).await.unwrap();
    outbox.wav(stored).await.unwrap();
    outbox.stored(stored, "t".to_owned(), None).await.unwrap();
    let path = folder.path().join("take.wav");
    assert_eq!(
        outbox.export(stored, path.clone()).await,
        Err(OutboxError::AudioForgotten)
    );
    assert!(!path.exists());
    assert_eq!(outbox.wav(stored).await, Err(OutboxError::AudioForgotten));
    let told = outbox.list_with_audio().await.unwrap().into_iter();
    let told: HashMap<TakeId, Audio> = told.map(|(take, audio)| (take.id, audio)).collect();
    assert_eq!(told[&stored], Audio::Forgotten);
    assert_eq!(told[&waiting], Audio::Kept);
    outbox.wav(waiting).await.unwrap();
}

#[tokio::test]
async fn a_take_that_is_not_stored_and_lost_its_audio_is_damaged_and_not_forgotten() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::default());
    let outbox = opened(folder.path(), &keychain).await;
    let id = spoken(&outbox, 1).await;
    outbox.recorded(id, State::Pending).await.unwrap();
    outbox
        .run(move |store| store.forget_audio(id))
        .await
        .unwrap();
    let told = outbox.list_with_audio().await.unwrap();
    assert_eq!(told[0].1, Audio::Kept);
    outbox.wav(id).await.unwrap();
}

#[tokio::test]
async fn audio_in_a_file_that_is_closed_is_not_taken_for_silence() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::default());
    let outbox = start(folder.path(), &keychain);
    let keeping = Retention {
        keeps_stored_audio: true,
        ..Retention::default()
    };
    outbox.keep(keeping).await.unwrap();
    let id = spoken(&outbox, 1).await;
    outbox.recorded(id, State::Live).await.unwrap();
    outbox.stored(id, "t".to_owned(), None).await.unwrap();
    // As if it were only in the file.
    outbox
        .run(move |store| store.forget_audio(id))
        .await
        .unwrap();
    assert_eq!(outbox.wav(id).await, Err(OutboxError::Locked));
}

//! Whose a take is, also in files from before that was asked.

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

use super::tests::{Drawer, new_take, opened, sound, spoken};
use super::*;
use crate::ports::Keychain;
use crate::view::Route;

const HERE: &str = "https://here.example";
const THERE: &str = "https://there.example";

/// A take of that person's, said for the server here.
async fn said_by(outbox: &Outbox, person: Option<&str>) -> TakeId {
    let new = NewTake {
        server: Some(HERE.to_owned()),
        person: person.map(str::to_owned),
        ..new_take()
    };
    let id = new.id;
    outbox.begin(new).await.unwrap();
    outbox.append(id, &sound(16_000)).await.unwrap();
    outbox.recorded(id, State::Pending).await.unwrap();
    id
}

async fn claimed(outbox: &Outbox, at: &str, person: Option<&str>) -> Option<Take> {
    outbox
        .claim(
            0.0,
            Route::Team,
            at.to_owned(),
            person.map(|one| format!("{one} {at}")),
        )
        .await
        .unwrap()
}

#[tokio::test]
async fn a_take_waits_for_who_said_it_and_says_so() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::default());
    let outbox = opened(folder.path(), &keychain).await;
    let ann = format!("ann {HERE}");
    let id = said_by(&outbox, Some(&ann)).await;
    for other in [Some("bob"), None] {
        assert_eq!(claimed(&outbox, HERE, other).await, None);
        let told = outbox.get(id).await.unwrap();
        assert_eq!(told.problem.as_deref(), Some("outbox.other_person"));
        // Whoever asks for it does not make it theirs.
        outbox.retry(id).await.unwrap();
    }
    assert_eq!(claimed(&outbox, THERE, Some("bob")).await, None);
    let found = claimed(&outbox, HERE, Some("ann")).await.unwrap();
    assert_eq!((found.id, found.problem), (id, None));
    // At another server names say nothing: what is asked for goes there.
    outbox.again(id, None, None).await.unwrap();
    assert_eq!(claimed(&outbox, THERE, Some("anna")).await, None);
    outbox.retry(id).await.unwrap();
    let found = claimed(&outbox, THERE, Some("anna")).await.unwrap();
    assert_eq!(found.person, Some(format!("anna {THERE}")));
}

#[tokio::test]
async fn all_at_once_nothing_that_one_person_said_goes_to_another_server() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::default());
    let outbox = opened(folder.path(), &keychain).await;
    let ann = format!("ann {HERE}");
    let anns = said_by(&outbox, Some(&ann)).await;
    outbox.failed(anns, "x".to_owned()).await.unwrap();
    let before = outbox.get(anns).await.unwrap();
    for elsewhere in [Some(THERE.to_owned()), None] {
        outbox.retry_all(elsewhere).await.unwrap();
        assert_eq!(outbox.get(anns).await.unwrap(), before);
    }
    // Here it is tried again, and still not given to whoever is signed in at the next server.
    outbox.retry_all(Some(HERE.to_owned())).await.unwrap();
    assert_eq!(outbox.get(anns).await.unwrap().state, State::Pending);
    assert_eq!(claimed(&outbox, THERE, Some("bob")).await, None);
    let found = claimed(&outbox, HERE, Some("ann")).await.unwrap();
    assert_eq!(found.id, anns);
    // What nobody was signed in for is wanted wherever a server is.
    let nobodys = said_by(&outbox, None).await;
    outbox.retry_all(Some(THERE.to_owned())).await.unwrap();
    let found = claimed(&outbox, THERE, Some("bob")).await.unwrap();
    assert_eq!(found.id, nobodys);
}

#[tokio::test]
async fn what_nobody_was_signed_in_for_is_of_whoever_is_there_first() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::default());
    let outbox = opened(folder.path(), &keychain).await;
    let id = said_by(&outbox, None).await;
    let found = claimed(&outbox, HERE, Some("bob")).await.unwrap();
    assert_eq!((found.id, found.person), (id, Some(format!("bob {HERE}"))));
    outbox.again(id, None, None).await.unwrap();
    assert_eq!(claimed(&outbox, HERE, Some("ann")).await, None);
}

/// Makes the file what the first layout was.
fn made_old(folder: &Path, keychain: &Drawer) {
    let hex = String::from_utf8(keychain.read(KEY_NAME).unwrap().unwrap()).unwrap();
    let file = Connection::open(folder.join("outbox.db")).unwrap();
    let key = format!("PRAGMA key = \"x'{hex}'\"");
    file.execute_batch(&key).unwrap();
    file.execute_batch("ALTER TABLE take DROP COLUMN person; PRAGMA user_version = 1;")
        .unwrap();
}

#[tokio::test]
async fn a_file_of_the_first_layout_is_brought_up_to_date_and_can_be_salvaged() {
    let (folder, keychain) = (tempfile::tempdir().unwrap(), Arc::<Drawer>::default());
    let outbox = opened(folder.path(), &keychain).await;
    let id = spoken(&outbox, 2).await;
    outbox.recorded(id, State::Pending).await.unwrap();
    outbox.close().await;
    made_old(folder.path(), &keychain);
    let outbox = opened(folder.path(), &keychain).await;
    let take = outbox.get(id).await.unwrap();
    assert_eq!((take.samples, take.person), (32_000, None));
    outbox.close().await;
    made_old(folder.path(), &keychain);
    let place = Place::new(folder.path());
    let hidden = keychain.read(KEY_NAME).unwrap().unwrap();
    let key = key::from_hex(&hidden).unwrap();
    let salvaged = salvage::salvage(&place, &key, None, 1.0).unwrap();
    assert!(!salvaged.incomplete && salvaged.takes == 1);
    let outbox = opened(folder.path(), &keychain).await;
    assert_eq!(outbox.audio(id, 0, 32_000).await.unwrap(), sound(32_000));
}

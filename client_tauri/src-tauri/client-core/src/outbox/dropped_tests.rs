//! What the person dropped stays dropped, whoever else still has to do with it.

use std::path::Path;
use std::sync::Arc;

use super::tests::{opened, spoken};
use super::*;
use crate::view::Route;

const HERE: &str = "https://here.example";

/// A take on its way to the server here.
async fn uploading(outbox: &Outbox) -> TakeId {
    let id = spoken(outbox, 2).await;
    outbox.recorded(id, State::Pending).await.unwrap();
    let claimed = outbox.claim(0.0, Route::Team, HERE.to_owned(), None).await;
    assert_eq!(claimed.unwrap().unwrap().id, id);
    id
}

async fn outbox(folder: &Path) -> Outbox {
    opened(folder, &Arc::default()).await
}

#[tokio::test]
async fn a_take_that_was_dropped_while_it_was_sent_does_not_come_to_wait_again() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = outbox(folder.path()).await;
    let id = uploading(&outbox).await;
    outbox.cancel(id).await.unwrap();
    let dropped = outbox.get(id).await.unwrap();
    let wrong = Err(OutboxError::WrongState);
    assert_eq!(outbox.again(id, None, None).await, wrong);
    let code = Some("server.unreachable".to_owned());
    assert_eq!(outbox.again(id, code, Some(1.0)).await, wrong);
    assert_eq!(outbox.get(id).await.unwrap(), dropped);
}

#[tokio::test]
async fn a_take_that_was_dropped_while_it_was_recorded_is_not_left_to_the_uploads() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = outbox(folder.path()).await;
    for was_over in [false, true] {
        let id = spoken(&outbox, 2).await;
        if was_over {
            outbox.recorded(id, State::Live).await.unwrap();
        }
        outbox.cancel(id).await.unwrap();
        for next in [State::Live, State::Pending] {
            let told = outbox.recorded(id, next).await;
            assert_eq!(told, Err(OutboxError::WrongState), "{next:?}");
        }
        assert_eq!(outbox.get(id).await.unwrap().state, State::Cancelled);
    }
}

#[tokio::test]
async fn what_failed_or_is_still_being_said_does_not_come_to_wait_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = outbox(folder.path()).await;
    let failed = uploading(&outbox).await;
    outbox.failed(failed, "x".to_owned()).await.unwrap();
    let speaking = spoken(&outbox, 2).await;
    for (id, state) in [(failed, State::Failed), (speaking, State::Recording)] {
        let told = outbox.again(id, None, None).await;
        assert_eq!(told, Err(OutboxError::WrongState));
        assert_eq!(outbox.get(id).await.unwrap().state, state);
    }
    let told = outbox.recorded(failed, State::Pending).await;
    assert_eq!(told, Err(OutboxError::WrongState));
}

#[tokio::test]
async fn all_that_wait_or_failed_are_wanted_now_and_nothing_that_was_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = outbox(folder.path()).await;
    let waiting = uploading(&outbox).await;
    outbox.again(waiting, None, Some(1e12)).await.unwrap();
    let failed = uploading(&outbox).await;
    outbox.failed(failed, "x".to_owned()).await.unwrap();
    let dropped = uploading(&outbox).await;
    outbox.cancel(dropped).await.unwrap();
    let sent = uploading(&outbox).await;
    outbox.retry_all(None).await.unwrap();
    for (id, state) in [
        (waiting, State::Pending),
        (failed, State::Pending),
        (dropped, State::Cancelled),
        (sent, State::Uploading),
    ] {
        assert_eq!(outbox.get(id).await.unwrap().state, state);
    }
    let due = outbox.get(waiting).await.unwrap();
    assert_eq!((due.next_attempt_at, due.attempts), (None, 0));
    // By itself it can be brought back all the same.
    assert_eq!(outbox.retry(dropped).await.unwrap().state, State::Pending);
}

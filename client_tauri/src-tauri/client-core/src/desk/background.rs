//! Tasks that run beside everything.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;

use super::Desk;
use super::conductor::Message;
use super::handle::Shared;
use crate::coordinator::TakeId;
use crate::outbox::{Opened, Outbox, OutboxError, Retention, State, Status};
use crate::settings::Settings;
use crate::view::Problem;

/// As the outbox asks for.
const TENDED: Duration = Duration::from_secs(60);
/// Many takes change at once when uploads begin.
const COUNTED: Duration = Duration::from_millis(100);
/// A keychain is unlocked by the person at some time.
const UNLOCKED: Duration = Duration::from_secs(10);
/// A disk that takes nothing is tried less and less often: each time may cost what a copy of the file does.
const LONGEST_WITHOUT_ROOM: Duration = Duration::from_secs(300);
/// Chords left out one by one when others have them.
const CHORDS: usize = 16;

/// Name and version of this program.
pub(super) fn client(shared: &Shared) -> (String, String) {
    ("alfavoice-desktop".into(), shared.version.clone())
}

/// Deletes what is past its time, brings to the disk what is in memory, finds what nobody is busy with.
pub(super) async fn tend(shared: Arc<Shared>, after: Duration) {
    tokio::time::sleep(after).await;
    loop {
        // What is wrong is in the outbox's status.
        let recovered = shared.outbox.tend().await.unwrap_or_default();
        if !recovered.is_empty() {
            let found = Opened {
                recovered,
                salvaged: None,
            };
            let _ = shared.inbox.send(Message::Opened(found)).await;
        }
        tokio::time::sleep(TENDED).await;
    }
}

/// Counts takes whenever one changed.
pub(super) async fn count(shared: Arc<Shared>, after: Duration) {
    tokio::time::sleep(after).await;
    let mut changes = shared.outbox.changes();
    loop {
        changes.borrow_and_update();
        if let Ok(counts) = shared.outbox.counts().await
            && shared.inbox.send(Message::Counted(counts)).await.is_err()
        {
            return;
        }
        if changes.changed().await.is_err() {
            return;
        }
        tokio::time::sleep(COUNTED).await;
    }
}

/// Keeps what is over as long as the settings say, also after they changed.
pub(super) async fn keep(shared: Arc<Shared>, after: Duration) {
    tokio::time::sleep(after).await;
    let mut settings = shared.settings.subscribe();
    let mut status = shared.outbox.status();
    loop {
        let retention = Retention::of(&settings.borrow_and_update().privacy);
        status.borrow_and_update();
        // What cannot be written now is tried again when the outbox is another one.
        let told = shared.outbox.keep(retention).await;
        let same = |now: &Settings| Retention::of(&now.privacy) == retention;
        tokio::select! {
            changed = settings.wait_for(|now| !same(now)) => if changed.is_err() {
                return;
            },
            changed = status.changed(), if told.is_err() || !status.borrow().is_open => if changed.is_err() {
                return;
            },
        }
    }
}

/// Keeps the language for when no server can be asked.
pub(super) async fn remember(shared: Arc<Shared>, language: String) {
    let patch = json!({"dictation": {"language": language}});
    // What cannot be written now is tried again after the next look at the server.
    let _ = Desk::new(shared).change_settings(patch).await;
}

/// Opens the outbox; again and again while the keychain is locked or the disk takes nothing, at once if the person asks. Also when it was closed while
/// running, because a damaged file could not be mended.
pub(super) async fn open(shared: Arc<Shared>, after: Duration) {
    tokio::time::sleep(after).await;
    let mut status = shared.outbox.status();
    let mut is_told = false;
    let mut without_room = 0;
    while status.wait_for(|now| !now.is_open).await.is_ok() {
        match shared.outbox.open(None).await {
            Ok(opened) => {
                without_room = 0;
                let _ = shared.inbox.send(Message::Opened(opened)).await;
            }
            Err(OutboxError::Closed) => return,
            Err(OutboxError::Locked) => {
                // Its status was this from the beginning, so nothing else tells of it.
                if !std::mem::replace(&mut is_told, true) {
                    let problem = Message::Problem(outbox_problem(OutboxError::Locked));
                    let _ = shared.inbox.send(problem).await;
                }
                pause(&shared, UNLOCKED).await;
            }
            // Told by the status, as is what follows.
            Err(OutboxError::InUse) => pause(&shared, UNLOCKED).await,
            // Room is made on a disk without anybody telling us.
            Err(OutboxError::DiskFull | OutboxError::Failed(_)) => {
                pause(&shared, until_room(without_room)).await;
                without_room += 1;
            }
            // The person does something about it, and opens it then or asks for that.
            Err(_) => tokio::select! {
                () = shared.open_again.notified() => {}
                opened = is_open(&mut status) => if !opened {
                    return;
                },
            },
        }
    }
}

/// How long a disk is left alone that took nothing so many times before.
fn until_room(times: u32) -> Duration {
    let doubled = UNLOCKED.saturating_mul(1 << times.min(16));
    doubled.min(LONGEST_WITHOUT_ROOM)
}

async fn pause(shared: &Shared, most: Duration) {
    tokio::select! {
        () = tokio::time::sleep(most) => {}
        () = shared.open_again.notified() => {}
    }
}

/// `false`: it never will be.
async fn is_open(status: &mut watch::Receiver<Status>) -> bool {
    status.wait_for(|now| now.is_open).await.is_ok()
}

/// Binds the keys of the settings, without those that others have, and says which.
pub(super) async fn bind(shared: Arc<Shared>, after: Duration) {
    tokio::time::sleep(after).await;
    if shared.keys.is_none() {
        return;
    }
    let mut bindings = shared.settings.borrow().bindings(shared.platform);
    let desk = Desk::new(shared.clone());
    for _ in 0..CHORDS {
        let Err((problem, chord)) = desk.bind_chords(bindings.clone()).await else {
            tracing::info!(count = bindings.len(), "keys bound");
            return;
        };
        tracing::warn!(code = problem.code, "keys not bound");
        let _ = shared.inbox.send(Message::Problem(problem)).await;
        let before = bindings.len();
        if let Some(chord) = chord {
            bindings.retain(|binding| binding.chord != chord);
        }
        if bindings.is_empty() || bindings.len() == before {
            return;
        }
    }
}

/// A take whose task is gone is sent later.
pub(super) async fn leave(outbox: Outbox, take: TakeId) {
    // It may be over already.
    let _ = outbox.recorded(take, State::Pending).await;
}

/// A damaged file was found: what can be read of it is in a new one.
pub(super) fn salvaged() -> Problem {
    Problem::new("outbox.salvaged", "a damaged file was put aside").with_action("open_outbox")
}

/// The outbox's problem with what a button could do about it.
pub(super) fn outbox_problem(error: OutboxError) -> Problem {
    let action = match error {
        OutboxError::Locked
        | OutboxError::PassphraseNeeded
        | OutboxError::PassphraseUnset
        | OutboxError::WrongPassphrase => "unlock_outbox",
        OutboxError::DiskFull | OutboxError::NoRoom => "free_space",
        OutboxError::TooNew => "update",
        OutboxError::NoCipher
        | OutboxError::InUse
        | OutboxError::KeyLost
        | OutboxError::Damaged
        | OutboxError::UnknownTake
        | OutboxError::WrongState
        | OutboxError::AudioForgotten
        | OutboxError::Closed
        | OutboxError::Failed(_) => "open_outbox",
    };
    error.problem().with_action(action)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_tried_soon_and_then_every_few_minutes() {
        let pauses: Vec<u64> = (0..7).map(|times| until_room(times).as_secs()).collect();
        assert_eq!(pauses, [10, 20, 40, 80, 160, 300, 300]);
        assert_eq!(until_room(u32::MAX), LONGEST_WITHOUT_ROOM);
    }
}

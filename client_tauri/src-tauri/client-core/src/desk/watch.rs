//! Starts everything, and starts the conductor anew should it ever panic.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, Notify, broadcast, mpsc, watch};

use super::conductor::{Conductor, Message};
use super::handle::Shared;
use super::problems::broken;
use super::{Desk, Local, Parts, machine};
use crate::outbox::{Outbox, State};
use crate::routing::Reason;
use crate::view::{
    BackendEvent, Dictation, Kind, NoticeKind, OutboxState, OutboxView, Route, RouteView,
    ServerView, Snapshot,
};

/// What may wait for the conductor, which waits for nothing itself. Senders wait, keys and sound included.
const INBOX: usize = 512;
/// Events a screen may be behind; then it is told to read the snapshot.
const EVENTS: usize = 256;

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

pub(super) fn start(parts: Parts) -> std::io::Result<Desk> {
    let (inbox, messages) = mpsc::channel(INBOX);
    let inserting = machine::insertion(parts.insertion.clone(), inbox.clone())?;
    let noises = machine::noises(parts.sounds, parts.muting, inbox.clone())?;
    let keys = match parts.hotkeys {
        Some((port, events)) => Some(machine::keys(port, events, inbox.clone())?),
        None => None,
    };
    if let Some(network) = parts.network {
        machine::network(network, inbox.clone())?;
    }
    let settings = parts.settings.settings().clone();
    let snapshot = Snapshot {
        version: parts.version.clone(),
        kind: Kind::Desktop,
        platform: parts.platform,
        dictation: Dictation::default(),
        route: RouteView {
            active: Route::Outbox,
            pinned: settings.server.pinned,
            reason: Reason::Starting.code().into(),
        },
        server: ServerView::default(),
        sidecar: parts.local.borrow().view.clone(),
        outbox: OutboxView {
            state: OutboxState::Locked,
            waiting: 0,
            uploading: 0,
            failed: 0,
            problem: None,
        },
        last: None,
        first_start: settings.server.kind.is_none(),
    };
    let (events, first_events) = broadcast::channel(EVENTS);
    let shared = Arc::new(Shared {
        version: parts.version,
        platform: parts.platform,
        device: parts.device,
        keychain: parts.keychain,
        outbox: parts.outbox,
        microphone: parts.microphone,
        insertion: parts.insertion,
        limits: parts.limits,
        file: Arc::new(Mutex::new(parts.settings)),
        settings: watch::Sender::new(settings),
        snapshot: watch::Sender::new(snapshot),
        events,
        first_events: std::sync::Mutex::new(Some(first_events)),
        server: watch::Sender::new(None),
        open_again: Notify::new(),
        inbox,
        inserting,
        noises,
        keys,
    });
    if let Some(problem) = parts.problem {
        // The inbox is empty.
        let _ = shared.inbox.try_send(Message::Problem(problem));
    }
    tokio::spawn(supervise(shared.clone(), messages, parts.local));
    Ok(Desk::new(shared))
}

async fn supervise(
    shared: Arc<Shared>,
    messages: mpsc::Receiver<Message>,
    local: watch::Receiver<Local>,
) {
    // Behind a lock of its own so that it outlives a conductor that panics.
    let messages = Arc::new(Mutex::new(messages));
    let mut pause = FIRST_PAUSE;
    loop {
        let mut conductor = match Conductor::new(shared.clone(), local.clone()) {
            Ok(conductor) => conductor,
            Err(error) => {
                say_broken(&shared, &format!("threads: {:?}", error.kind()));
                return;
            }
        };
        let inbox = messages.clone();
        let run = tokio::spawn(async move { conductor.run(&mut *inbox.lock().await).await });
        match run.await {
            Err(error) if error.is_panic() => {}
            // It was asked to stop, or the runtime ends.
            Ok(()) | Err(_) => return,
        }
        // Until there is a conductor again, nothing goes anywhere.
        shared.snapshot.send_modify(|snapshot| {
            snapshot.dictation = Dictation::default();
            snapshot.route.active = Route::Outbox;
            snapshot.route.reason = Reason::Starting.code().into();
        });
        say_broken(&shared, "dictation");
        leave_to_the_outbox(&shared.outbox).await;
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Says that a part failed; what it held is said nowhere.
fn say_broken(shared: &Shared, what: &str) {
    let problem = broken(what);
    // No receiver: there is no screen yet.
    let _ = shared.events.send(BackendEvent::Notice {
        kind: NoticeKind::Problem,
        code: problem.code,
        message: problem.message,
        take: None,
    });
}

/// Takes whose tasks went down with the conductor are sent later.
async fn leave_to_the_outbox(outbox: &Outbox) {
    let takes = outbox.list().await.unwrap_or_default();
    for take in takes {
        if matches!(take.state, State::Recording | State::Live) {
            // It may have become something else meanwhile.
            let _ = outbox.recorded(take.id, State::Pending).await;
        }
    }
}

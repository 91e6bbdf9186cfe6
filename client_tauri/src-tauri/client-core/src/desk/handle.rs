//! What the shell holds.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{Mutex, Notify, broadcast, mpsc, oneshot, watch};

use super::conductor::Message;
use super::machine::{Insert, Keys, Manner, Noise, Told};
use super::problems::{broken, of_hotkeys, of_microphone};
use crate::account::{Device, Server};
use crate::coordinator::{Ask, Limits};
use crate::outbox::{Outbox, OutboxError};
use crate::ports::{Binding, Chord, HotkeyError, InputDevice, Insertion, Keychain, Microphone};
use crate::sensitive::Sensitive;
use crate::settings::{Settings, SettingsError, SettingsFile};
use crate::view::{BackendEvent, Platform, Problem, Route, Snapshot};

/// A portal asks the person; nobody is waited for longer than this.
const BINDING_PATIENCE: Duration = Duration::from_secs(90);
/// Anything else a port does for a screen.
const PATIENCE: Duration = Duration::from_secs(20);

/// What all parts of a desk have in common.
pub(super) struct Shared {
    pub version: String,
    pub platform: Platform,
    pub device: Device,
    pub keychain: Arc<dyn Keychain>,
    pub outbox: Outbox,
    pub microphone: Arc<dyn Microphone>,
    pub insertion: Arc<dyn Insertion>,
    pub limits: Limits,
    pub file: Arc<Mutex<SettingsFile>>,
    pub settings: watch::Sender<Settings>,
    pub snapshot: watch::Sender<Snapshot>,
    pub events: broadcast::Sender<BackendEvent>,
    /// Hears from the beginning on; who asks first gets it.
    pub first_events: std::sync::Mutex<Option<broadcast::Receiver<BackendEvent>>>,
    /// The chosen server, whatever its standing: whom screens talk to.
    pub server: watch::Sender<Option<Arc<Server>>>,
    /// Tries to open an outbox that is not open, now.
    pub open_again: Notify,
    pub inbox: mpsc::Sender<Message>,
    pub inserting: SyncSender<Insert>,
    pub noises: SyncSender<Noise>,
    pub keys: Option<SyncSender<Keys>>,
}

/// The handle of a desk; clones are the same one. [`Desk::stop`] ends it.
#[derive(Clone)]
pub struct Desk {
    shared: Arc<Shared>,
}

impl Desk {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    #[cfg(test)]
    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// What the screens show, now and after each change (at most 20 a second).
    #[must_use]
    pub fn snapshot(&self) -> watch::Receiver<Snapshot> {
        self.shared.snapshot.subscribe()
    }

    /// Everything told from now on but snapshots; who asks first also hears what was told since the start. A receiver that is
    /// too far behind loses the oldest.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<BackendEvent> {
        let first = self.shared.first_events.lock();
        let first = first
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
        first.unwrap_or_else(|| self.shared.events.subscribe())
    }

    /// Asks for something. Comes back at once; what comes of it is in the snapshot. `false`: the program hangs or ends.
    #[must_use]
    pub fn ask(&self, ask: Ask) -> bool {
        self.shared.inbox.try_send(Message::Ask(ask)).is_ok()
    }

    /// The outbox, for the screens' calls on it.
    #[must_use]
    pub fn outbox(&self) -> &Outbox {
        &self.shared.outbox
    }

    /// Opens the outbox, which it does by itself at the start: with a passphrase, or again after something was repaired.
    ///
    /// # Errors
    /// As [`Outbox::open`].
    pub async fn open_outbox(&self, passphrase: Option<Sensitive<String>>) -> Result<(), Problem> {
        let opened = self.shared.outbox.open(passphrase).await;
        let opened = opened.map_err(OutboxError::problem)?;
        self.send(Message::Opened(opened)).await
    }

    /// The server the screens talk to; `None` before one is chosen, or while the one on this computer is not there.
    #[must_use]
    pub fn server(&self) -> Option<Arc<Server>> {
        self.shared.server.borrow().clone()
    }

    /// Looks at the servers again and tries what waits, the opening of the outbox too: somebody signed in or out, or pressed "try
    /// again".
    pub async fn look_again(&self) {
        let _ = self.send(Message::NetworkChanged).await;
    }

    /// Forgets the last text, which could be shown and inserted again: whoever said it has signed out.
    ///
    /// # Errors
    /// The program hangs or ends.
    pub async fn forget_last(&self) -> Result<(), Problem> {
        self.send(Message::ForgetLast).await
    }

    /// The settings, now and after each change.
    #[must_use]
    pub fn settings(&self) -> watch::Receiver<Settings> {
        self.shared.settings.subscribe()
    }

    /// Changes settings by a JSON merge patch. Keys that cannot be bound, or a file that cannot be written, change nothing:
    /// former keys are bound again.
    ///
    /// # Errors
    /// `settings.*`, `hotkey.*`.
    pub async fn change_settings(&self, patch: Value) -> Result<Settings, Problem> {
        let mut file = self.shared.file.clone().lock_owned().await;
        let before = file.settings().bindings(self.shared.platform);
        let tried = file.tried(&patch).map_err(|error| of_settings(&error))?;
        let after = tried.bindings(self.shared.platform);
        if before != after {
            self.bind(after.clone()).await?;
        }
        let written = tokio::task::spawn_blocking(move || {
            let changed = file.change(&patch).cloned();
            drop(file);
            changed
        });
        match written.await {
            Ok(Ok(settings)) => {
                self.shared.settings.send_replace(settings.clone());
                self.send(Message::SettingsChanged).await?;
                Ok(settings)
            }
            failed => {
                if before != after {
                    // They were bound a moment ago; should that fail, the keys say so themselves.
                    let _ = self.bind(before).await;
                }
                Err(failed.map_or_else(
                    |_| broken("settings"),
                    |refused| {
                        refused.map_or_else(|error| of_settings(&error), |_| broken("settings"))
                    },
                ))
            }
        }
    }

    /// Fixes the route, or frees it.
    ///
    /// # Errors
    /// As [`Desk::change_settings`].
    pub async fn pin_route(&self, route: Option<Route>) -> Result<(), Problem> {
        let patch = json!({"server": {"pinned": route}});
        self.change_settings(patch).await.map(drop)
    }

    /// The microphones there are.
    ///
    /// # Errors
    /// `microphone.*`.
    pub async fn microphones(&self) -> Result<Vec<InputDevice>, Problem> {
        let microphone = self.shared.microphone.clone();
        let asked = tokio::task::spawn_blocking(move || microphone.devices());
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(devices)) => devices.map_err(|error| of_microphone(&error)),
            Ok(Err(_)) => Err(broken("microphones")),
            Err(_) => Err(timed_out()),
        }
    }

    /// Lets levels come as events although nobody dictates.
    pub async fn test_microphone(&self, on: bool) {
        let _ = self.send(Message::Monitor(on)).await;
    }

    /// Inserts into the window that has the focus by now.
    ///
    /// # Errors
    /// `insertion.*`.
    pub async fn test_insertion(&self, text: String) -> Result<(), Problem> {
        let manner = Manner::of(&self.shared.settings.borrow().insertion, None);
        let (told, answer) = oneshot::channel();
        self.insert(Insert::Focus {
            text,
            manner,
            told: Told::Caller(told),
        })?;
        answered(PATIENCE, answer).await?
    }

    /// Puts a text into the clipboard for good.
    ///
    /// # Errors
    /// `insertion.*`.
    pub async fn copy_text(&self, text: String) -> Result<(), Problem> {
        let (told, answer) = oneshot::channel();
        self.insert(Insert::Copy { text, told })?;
        answered(PATIENCE, answer).await?
    }

    fn insert(&self, job: Insert) -> Result<(), Problem> {
        let busy = |_| Problem::new("insertion.busy", "another text is being inserted");
        self.shared.inserting.try_send(job).map_err(busy)
    }

    /// Hears the next chord held; it comes as `hotkey_recorded`. Nothing is bound meanwhile.
    ///
    /// # Errors
    /// `hotkey.*`.
    pub async fn record_hotkey(&self) -> Result<(), Problem> {
        let (told, answer) = oneshot::channel();
        self.keys(Keys::Record { told })?;
        let recorded = answered(BINDING_PATIENCE, answer).await?;
        recorded.map_err(|error| of_hotkeys(&error))
    }

    /// Ends [`Desk::record_hotkey`] without a chord.
    ///
    /// # Errors
    /// `hotkey.*`.
    pub async fn stop_recording_hotkey(&self) -> Result<(), Problem> {
        self.keys(Keys::StopRecording)
    }

    async fn bind(&self, bindings: Vec<Binding>) -> Result<(), Problem> {
        self.bind_chords(bindings)
            .await
            .map_err(|(problem, _)| problem)
    }

    /// Binds; on an error also the chord that it is about, if it is about one.
    pub(super) async fn bind_chords(
        &self,
        bindings: Vec<Binding>,
    ) -> Result<(), (Problem, Option<Chord>)> {
        if self.shared.keys.is_none() {
            return Ok(());
        }
        let (told, answer) = oneshot::channel();
        let asked = self.keys(Keys::Bind { bindings, told });
        asked.map_err(|problem| (problem, None))?;
        let bound = answered(BINDING_PATIENCE, answer).await;
        bound.map_err(|problem| (problem, None))?.map_err(|error| {
            let problem = of_hotkeys(&error);
            match error {
                HotkeyError::Taken(chord) | HotkeyError::Unsupported(chord) => {
                    (problem, Some(chord))
                }
                _ => (problem, None),
            }
        })
    }

    fn keys(&self, job: Keys) -> Result<(), Problem> {
        let unavailable =
            || Problem::new("hotkey.unavailable", "global keys are not to be had here");
        let keys = self.shared.keys.as_ref().ok_or_else(unavailable)?;
        keys.try_send(job).map_err(|_| timed_out())
    }

    /// Ends everything in order: an open take is left to the outbox as pending, other programs have their sound back, the
    /// outbox is closed. Comes back when that is done, or after 10 s.
    pub async fn stop(&self) {
        let (told, answer) = oneshot::channel();
        if self.send(Message::Stop(told)).await.is_ok() {
            let _ = answered(Duration::from_secs(10), answer).await;
        }
    }

    async fn send(&self, message: Message) -> Result<(), Problem> {
        let sent = self.shared.inbox.send(message);
        match tokio::time::timeout(PATIENCE, sent).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(broken("desk")),
        }
    }
}

async fn answered<T>(patience: Duration, answer: oneshot::Receiver<T>) -> Result<T, Problem> {
    match tokio::time::timeout(patience, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) => Err(broken("a thread of the machine")),
        Err(_) => Err(timed_out()),
    }
}

fn timed_out() -> Problem {
    Problem::new("system.timed_out", "the system did not answer in time")
}

fn of_settings(error: &SettingsError) -> Problem {
    Problem::new(error.code(), error.to_string())
}

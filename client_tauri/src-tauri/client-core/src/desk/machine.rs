//! Threads for the ports: all of them block, none of them may hold up anything else.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::conductor::Message;
use super::problems::{broken, of_insertion};
use crate::composition::{Composed, letters_after};
use crate::coordinator::{Event, TakeId};
use crate::ports::{
    Binding, HotkeyError, HotkeyEvent, Hotkeys, Inserted, Insertion, InsertionError, Muting,
    Network, Pasting, Sound, Sounds, TargetWindow,
};
use crate::settings::InsertionSettings;
use crate::view::Problem;

/// Jobs that may wait for a thread of the machine. A person cannot make more in the time one takes.
const JOBS: usize = 8;

/// The sound that says "speak" is over after this; then other programs are muted, and it with them.
const CHIME: Duration = Duration::from_millis(250);

/// A cursor farther back than this stays at the end: nobody wants to watch it go there.
const MOST_STEPS: usize = 1000;

/// What the insertion thread does.
pub(super) enum Insert {
    /// A take's text, into its window; refused where that is not known, unless it is only copied.
    Take {
        take: TakeId,
        text: String,
        /// The same with its places, if it has any.
        places: Option<Composed>,
        target: Option<TargetWindow>,
        manner: Manner,
        /// Given up by then: the person has gone on, and would not expect it any more.
        until: Instant,
    },
    /// The last text, or a test.
    Focus {
        text: String,
        manner: Manner,
        told: Told,
    },
    /// Into the clipboard for good.
    Copy {
        text: String,
        told: oneshot::Sender<Result<(), Problem>>,
    },
}

/// How a text is put in, by the settings.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    pub pasting: Pasting,
    /// Whether the clipboard is as before afterwards; else it has the text.
    pub restore_clipboard: bool,
}

impl Manner {
    /// For a program of that name.
    pub fn of(settings: &InsertionSettings, app: Option<&str>) -> Self {
        Self {
            pasting: settings.pasting_into(app),
            restore_clipboard: settings.restore_clipboard,
        }
    }
}

/// Who is told what became of it.
pub(super) enum Told {
    Coordinator,
    Caller(oneshot::Sender<Result<(), Problem>>),
}

/// Starts the insertion thread; one insertion after the other.
pub(super) fn insertion(
    port: Arc<dyn Insertion>,
    inbox: mpsc::Sender<Message>,
) -> std::io::Result<SyncSender<Insert>> {
    let (sender, jobs) = sync_channel(JOBS);
    thread("insertion", move || {
        for job in jobs {
            let take = match &job {
                Insert::Take { take, .. } => Some(*take),
                Insert::Focus { .. } | Insert::Copy { .. } => None,
            };
            if survived(|| insert(&*port, &inbox, job)) {
                continue;
            }
            let result = Err(broken("insertion"));
            let event = match take {
                Some(take) => Event::Inserted(take, result),
                // A caller hears it from the end of its channel.
                None => Event::LastInserted(result),
            };
            let _ = inbox.blocking_send(Message::Event(event));
        }
    })?;
    Ok(sender)
}

fn insert(port: &dyn Insertion, inbox: &mpsc::Sender<Message>, job: Insert) {
    match job {
        Insert::Take {
            take,
            text,
            places,
            target,
            manner,
            until,
        } => {
            if Instant::now() >= until {
                let late = Problem::new("insertion.timed_out", "the text was not inserted");
                let told = Message::Event(Event::Inserted(take, Err(late)));
                let _ = inbox.blocking_send(told);
                return;
            }
            let result = if target.is_none() && manner.pasting != Pasting::ClipboardOnly {
                // Whatever has the focus by now may be anything, a password's field too.
                Err(of_insertion(&InsertionError::WindowGone))
            } else {
                let (text, cursor) = match places {
                    Some(composed) => filled(port, &composed),
                    None => (text, None),
                };
                put(port, &text, cursor, target.as_ref(), manner)
            };
            // Closed: the program ends.
            let _ = inbox.blocking_send(Message::Event(Event::Inserted(take, result)));
        }
        Insert::Focus { text, manner, told } => {
            let result = put(port, &text, None, None, manner);
            match told {
                Told::Coordinator => {
                    let _ = inbox.blocking_send(Message::Event(Event::LastInserted(result)));
                }
                Told::Caller(told) => drop(told.send(result)),
            }
        }
        Insert::Copy { text, told } => {
            let result = port.copy(&text).map_err(|error| of_insertion(&error));
            drop(told.send(result));
        }
    }
}

/// Puts a text in, then the cursor to its place (code points of the text before it), then the clipboard in order. When the text
/// is in, the rest is no reason to say that it is not.
fn put(
    port: &dyn Insertion,
    text: &str,
    cursor: Option<usize>,
    target: Option<&TargetWindow>,
    manner: Manner,
) -> Result<(), Problem> {
    let inserted = port
        .insert(text, target, manner.pasting)
        .map_err(|error| of_insertion(&error))?;
    if inserted == Inserted::Copied {
        // Whoever chose that pastes it; nobody else would know that they have to.
        return match manner.pasting {
            Pasting::ClipboardOnly => Ok(()),
            _ => Err(Problem::new(
                "insertion.copied",
                "the text is in the clipboard, to be pasted by hand",
            )),
        };
    }
    let letters = cursor.map_or(0, |cursor| letters_after(text, cursor));
    if (1..=MOST_STEPS).contains(&letters) {
        let _ = port.step_back(target, letters);
    }
    if !manner.restore_clipboard {
        let _ = port.copy(text);
    }
    Ok(())
}

/// A clipboard that cannot be read is an empty one: the rest of the text is worth more.
fn filled(port: &dyn Insertion, composed: &Composed) -> (String, Option<usize>) {
    let clipboard = if composed.wants_clipboard() {
        port.clipboard_text().ok().flatten()
    } else {
        None
    };
    composed.filled(clipboard.as_deref())
}

/// What the thread of sounds does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Noise {
    Play(Sound),
    /// Silences other programs as soon as the chime is over.
    Mute,
    /// As it was.
    Restore,
}

/// Starts the thread of sounds and muting. It gives other programs their sound back when it ends.
pub(super) fn noises(
    sounds: Arc<dyn Sounds>,
    muting: Arc<dyn Muting>,
    inbox: mpsc::Sender<Message>,
) -> std::io::Result<SyncSender<Noise>> {
    let (sender, jobs) = sync_channel(JOBS);
    thread("sounds", move || {
        let mut mute_at: Option<Instant> = None;
        let mut muted = false;
        loop {
            let wait = mute_at.map_or(Duration::from_secs(3600), |at| {
                at.saturating_duration_since(Instant::now())
            });
            match jobs.recv_timeout(wait) {
                Ok(Noise::Play(sound)) => {
                    survived(|| sounds.play(sound));
                }
                Ok(Noise::Mute) => mute_at = Some(Instant::now() + CHIME),
                Ok(Noise::Restore) => {
                    mute_at = None;
                    restore(&*muting, &mut muted, &inbox);
                }
                Err(RecvTimeoutError::Timeout) if mute_at.take().is_some() => {
                    // What is half done is undone as well.
                    muted = true;
                    if let Err(error) = muting.mute() {
                        tell(&inbox, Problem::new("sound.not_muted", error.to_string()));
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        restore(&*muting, &mut muted, &inbox);
    })?;
    Ok(sender)
}

fn restore(muting: &dyn Muting, muted: &mut bool, inbox: &mpsc::Sender<Message>) {
    if std::mem::take(muted)
        && let Err(error) = muting.restore()
    {
        tell(inbox, Problem::new("sound.not_restored", error.to_string()));
    }
}

fn tell(inbox: &mpsc::Sender<Message>, problem: Problem) {
    // Full: there are worse problems than this one.
    let _ = inbox.try_send(Message::Problem(problem));
}

/// What the thread of keys does.
pub(super) enum Keys {
    Bind {
        bindings: Vec<Binding>,
        told: oneshot::Sender<Result<(), HotkeyError>>,
    },
    Record {
        told: oneshot::Sender<Result<(), HotkeyError>>,
    },
    StopRecording,
}

/// Starts the threads of keys: one asks, one hears.
pub(super) fn keys(
    mut port: Box<dyn Hotkeys>,
    events: Receiver<HotkeyEvent>,
    inbox: mpsc::Sender<Message>,
) -> std::io::Result<SyncSender<Keys>> {
    let (sender, jobs) = sync_channel(JOBS);
    thread("keys", move || {
        for job in jobs {
            // A caller hears of a panic from the end of its channel.
            survived(|| match job {
                Keys::Bind { bindings, told } => drop(told.send(port.bind(&bindings))),
                Keys::Record { told } => drop(told.send(port.record())),
                Keys::StopRecording => port.stop_recording(),
            });
        }
    })?;
    thread("key-events", move || {
        for event in events {
            if inbox.blocking_send(Message::Key(event)).is_err() {
                break;
            }
        }
    })?;
    Ok(sender)
}

/// Starts the thread that hears of changes of the network.
pub(super) fn network(
    mut port: Box<dyn Network>,
    inbox: mpsc::Sender<Message>,
) -> std::io::Result<()> {
    let (sender, changes) = sync_channel(1);
    thread("network", move || {
        port.watch(sender);
        for () in changes {
            if inbox.blocking_send(Message::NetworkChanged).is_err() {
                break;
            }
        }
        // Held to the end: what watches may stop when it is dropped.
        drop(port);
    })
}

/// Whether it came back. A port that panics is a problem of one job, not of the thread and all jobs after it.
fn survived(job: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(job)).is_ok()
}

fn thread(name: &str, run: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    std::thread::Builder::new()
        .name(name.into())
        .spawn(run)
        .map(drop)
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;

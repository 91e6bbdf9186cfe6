//! Global keys through the desktop portal, which is how Wayland has them (`org.freedesktop.portal.GlobalShortcuts`).
//!
//! All chords are bound in one call, since each call may ask the person, in a fresh session each time; the former one
//! is closed once the new one is there, or a key would be told twice. The person may choose other keys than we propose:
//! the desktop tells only which shortcut it was.

use std::collections::HashMap;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use client_core::ports::{
    Action, Binding, Chord, Edge, HotkeyError, HotkeyEvent, HotkeyEvents, Hotkeys, Key, Modifier,
};
use zbus::blocking::MessageIterator;
use zbus::zvariant::{ObjectPath, OwnedObjectPath, Value};

use super::portal::{Options, Portal, PortalError};
use crate::chords::{bindable, only_heard};
use crate::outlet::Outlet;

const INTERFACE: &str = "GlobalShortcuts";
/// How often what did not fit into the channel is tried again.
const RETRY: Duration = Duration::from_millis(200);
/// Signals waiting for us.
const QUEUE: usize = 64;

impl From<PortalError> for HotkeyError {
    fn from(error: PortalError) -> Self {
        match error {
            PortalError::Absent => Self::Unavailable,
            PortalError::Refused => Self::Refused,
            PortalError::TimedOut => Self::TimedOut,
            PortalError::Bus(_) => Self::System(error.to_string()),
        }
    }
}

/// The session that counts and what its shortcuts do.
#[derive(Debug, Default)]
struct Bound {
    session: Option<OwnedObjectPath>,
    actions: HashMap<String, Action>,
}

/// Global keys of a Wayland desktop.
#[derive(Debug)]
pub struct PortalHotkeys {
    portal: Portal,
    bound: Arc<Mutex<Bound>>,
}

impl PortalHotkeys {
    /// Connects and listens.
    ///
    /// # Errors
    /// [`HotkeyError::Unavailable`] where the desktop has no such portal.
    pub fn open(events: HotkeyEvents) -> Result<Self, HotkeyError> {
        let portal = Portal::open()?;
        portal.version(INTERFACE)?;
        let bound = Arc::new(Mutex::new(Bound::default()));
        let signals = portal.signals(QUEUE)?;
        let heard = Arc::clone(&bound);
        std::thread::Builder::new()
            .name("portal-hotkeys".to_owned())
            .spawn(move || listen(signals, &heard, events))
            .map_err(|error| HotkeyError::System(error.kind().to_string()))?;
        Ok(Self { portal, bound })
    }
}

impl Hotkeys for PortalHotkeys {
    fn bind(&mut self, bindings: &[Binding]) -> Result<(), HotkeyError> {
        let wanted = shortcuts(bindings)?;
        let session = if wanted.is_empty() {
            None
        } else {
            Some(self.portal.session(INTERFACE)?)
        };
        if let Some(session) = &session {
            let asked = self.portal.request(INTERFACE, "BindShortcuts", |handle| {
                let list: Vec<(String, Options)> = wanted
                    .iter()
                    .map(|wanted| {
                        let options = Options::from([
                            ("description", Value::from(wanted.description)),
                            ("preferred_trigger", Value::from(wanted.trigger.clone())),
                        ]);
                        (wanted.id.clone(), options)
                    })
                    .collect();
                let options = Options::from([("handle_token", Value::from(handle))]);
                (session.clone(), list, "", options)
            });
            if let Err(error) = asked {
                self.portal.close(session);
                return Err(error.into());
            }
        }
        let fresh = Bound {
            session,
            actions: wanted.into_iter().map(|w| (w.id, w.action)).collect(),
        };
        let former = {
            let mut bound = self.bound.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *bound, fresh)
        };
        if let Some(former) = former.session {
            self.portal.close(&former);
        }
        Ok(())
    }

    /// A portal tells no keys: a window of ours has to hear them.
    fn record(&mut self) -> Result<(), HotkeyError> {
        Err(HotkeyError::Unavailable)
    }

    fn stop_recording(&mut self) {}

    fn modifiers_only(&self) -> bool {
        false
    }
}

impl Drop for PortalHotkeys {
    fn drop(&mut self) {
        let session = {
            let mut bound = self.bound.lock().unwrap_or_else(PoisonError::into_inner);
            bound.session.take()
        };
        if let Some(session) = session {
            self.portal.close(&session);
        }
        // Ends the listening thread.
        let _ = self.portal.bus.clone().close();
    }
}

struct Shortcut {
    id: String,
    action: Action,
    description: &'static str,
    trigger: String,
}

fn shortcuts(bindings: &[Binding]) -> Result<Vec<Shortcut>, HotkeyError> {
    let mut all = Vec::new();
    for binding in bindings {
        if binding.chord.key.is_some() && only_heard(binding) {
            // A bare Escape can only be taken from every program here, so it is left to them.
            continue;
        }
        let unsupported = || HotkeyError::Unsupported(binding.chord.clone());
        let trigger = trigger(&binding.chord).ok_or_else(unsupported)?;
        let (name, description) = match binding.action {
            Action::Dictate => ("dictate", "Dictate (hold to talk, tap to latch)"),
            Action::Cancel => ("cancel", "Cancel dictation"),
            Action::PasteLast => ("paste-last", "Insert the last text again"),
            Action::FixLastWord => ("fix-last-word", "Correct the last word"),
        };
        all.push(Shortcut {
            id: format!("{name}-{}", all.len()),
            action: binding.action,
            description,
            trigger,
        });
    }
    Ok(all)
}

/// A chord in the words of the XDG "Shortcuts Specification"; `None` for what it cannot say.
fn trigger(chord: &Chord) -> Option<String> {
    let Key(code) = chord.key.as_ref().filter(|_| bindable(chord))?;
    let keysym = match code.as_str() {
        "Space" => "space".to_owned(),
        "Enter" => "Return".to_owned(),
        "Backspace" => "BackSpace".to_owned(),
        "PageUp" => "Page_Up".to_owned(),
        "PageDown" => "Page_Down".to_owned(),
        "Escape" | "Tab" | "Insert" | "Delete" | "Home" | "End" | "Pause" => code.clone(),
        other => match (other.strip_prefix("Key"), other.strip_prefix("Digit")) {
            (Some(letter), _) => letter.to_lowercase(),
            (_, Some(digit)) => digit.to_owned(),
            _ if other.starts_with('F') => other.to_owned(),
            _ => return None,
        },
    };
    let mut words: Vec<&str> = chord
        .modifiers
        .iter()
        .map(|modifier| match modifier {
            Modifier::Control | Modifier::RightControl => "CTRL",
            Modifier::Alt | Modifier::RightAlt => "ALT",
            Modifier::Shift => "SHIFT",
            Modifier::Super => "LOGO",
        })
        .collect();
    words.push(&keysym);
    Some(words.join("+"))
}

fn listen(signals: MessageIterator, bound: &Mutex<Bound>, events: HotkeyEvents) {
    let mut outlet = Outlet::new(events);
    let (pass, passed) = sync_channel(QUEUE);
    let reader = std::thread::Builder::new()
        .name("portal-signals".to_owned())
        .spawn(move || {
            for signal in signals.map_while(Result::ok) {
                if pass.send(signal).is_err() {
                    return;
                }
            }
        });
    if reader.is_err() {
        return;
    }
    loop {
        let event = match passed.recv_timeout(RETRY) {
            Ok(signal) => told(&signal, bound),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                let error = HotkeyError::Unavailable;
                // Nobody listening is no loss any more.
                let _ = outlet.send([HotkeyEvent::Lost { error }]);
                return;
            }
        };
        if outlet.send(event).is_err() {
            return;
        }
    }
}

fn told(signal: &zbus::Message, bound: &Mutex<Bound>) -> Option<HotkeyEvent> {
    let header = signal.header();
    let (member, path) = (header.member()?.as_str(), header.path()?.as_str());
    let mut bound = bound.lock().unwrap_or_else(PoisonError::into_inner);
    let edge = match member {
        "Activated" => Edge::Pressed,
        "Deactivated" => Edge::Released,
        "Closed"
            if bound
                .session
                .as_ref()
                .is_some_and(|own| own.as_str() == path) =>
        {
            *bound = Bound::default();
            let error = HotkeyError::Refused;
            return Some(HotkeyEvent::Lost { error });
        }
        _ => return None,
    };
    let body = signal.body();
    let (session, id, _, _): (ObjectPath<'_>, &str, u64, HashMap<&str, Value<'_>>) =
        body.deserialize().ok()?;
    let own = bound.session.as_ref()?;
    if own.as_str() != session.as_str() {
        return None;
    }
    Some(HotkeyEvent::Chord {
        action: *bound.actions.get(id)?,
        edge,
        modifiers_only: false,
        at: Instant::now(),
    })
}

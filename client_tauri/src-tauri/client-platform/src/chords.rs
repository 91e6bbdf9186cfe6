//! Which chords are held, told from keys going down and up. Pure: X11's raw events and Windows' hook both feed it.
//!
//! A key counts once however often it is reported (auto-repeat, two devices for one keyboard). A chord with a key is
//! pressed when its key goes down while exactly its modifiers are held; one of modifiers only when the last of them
//! goes down and nothing else is. It is released with the first of its parts. `Escape` for [`Action::Cancel`] without
//! modifiers counts whatever else is held: somebody who holds the chord to talk may strike it.

use std::collections::BTreeSet;
use std::time::Instant;

use client_core::ports::{Action, Binding, Chord, Edge, HotkeyEvent, Key, Modifier};

use crate::keys;

/// A key as the keyboard reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Struck {
    /// One we have a name for.
    Place(&'static str),
    /// Any other, by the system's number.
    Unnamed(u32),
}

/// Whether this modifier may be the key with this `code`.
fn covers(modifier: Modifier, code: &str) -> bool {
    match modifier {
        Modifier::Control => matches!(code, "ControlLeft" | "ControlRight"),
        Modifier::RightControl => code == "ControlRight",
        Modifier::Alt => matches!(code, "AltLeft" | "AltRight"),
        Modifier::RightAlt => code == "AltRight",
        Modifier::Shift => matches!(code, "ShiftLeft" | "ShiftRight"),
        Modifier::Super => matches!(code, "MetaLeft" | "MetaRight"),
    }
}

/// The modifier a key is, without its side; `None` for other keys.
fn modifier_of(struck: Struck) -> Option<Modifier> {
    let Struck::Place(code) = struck else {
        return None;
    };
    [
        Modifier::Control,
        Modifier::Alt,
        Modifier::Shift,
        Modifier::Super,
    ]
    .into_iter()
    .find(|modifier| covers(*modifier, code))
}

/// Whether a chord can be bound anywhere at all: a known key, or modifiers that are no ordinary part of typing.
#[must_use]
pub fn bindable(chord: &Chord) -> bool {
    match &chord.key {
        Some(Key(code)) => {
            keys::MOUSE_BUTTONS.contains(&code.as_str())
                || keys::by_code(code)
                    .is_some_and(|place| modifier_of(Struck::Place(place.code)).is_none())
        }
        None => {
            chord.modifiers.len() >= 2
                || chord
                    .modifiers
                    .iter()
                    .any(|m| matches!(m, Modifier::RightControl | Modifier::RightAlt))
        }
    }
}

/// Whether a binding is only listened to, never taken from other programs.
#[must_use]
pub fn only_heard(binding: &Binding) -> bool {
    binding.chord.key.is_none()
        || (binding.action == Action::Cancel && binding.chord.modifiers.is_empty())
}

#[derive(Debug)]
struct Watched {
    binding: Binding,
    held: bool,
}

#[derive(Debug, Default)]
struct Recording {
    down: BTreeSet<Struck>,
    seen: BTreeSet<Struck>,
    key: Option<&'static str>,
}

/// The keys that are down and the chords they make.
#[derive(Debug, Default)]
pub struct ChordWatch {
    down: BTreeSet<Struck>,
    watched: Vec<Watched>,
    recording: Option<Recording>,
}

impl ChordWatch {
    /// Watches exactly these from now on; chords held until now are released.
    pub fn bind(&mut self, bindings: &[Binding], at: Instant) -> Vec<HotkeyEvent> {
        let events = self.let_go(at);
        self.watched = bindings
            .iter()
            .map(|binding| Watched {
                binding: binding.clone(),
                held: false,
            })
            .collect();
        events
    }

    /// Tells of no chord but the next one held, as [`HotkeyEvent::Recorded`]; chords held until now are released.
    pub fn record(&mut self, at: Instant) -> Vec<HotkeyEvent> {
        let events = self.let_go(at);
        self.recording = Some(Recording::default());
        events
    }

    /// Tells of the bound chords again.
    pub fn stop_recording(&mut self) {
        self.recording = None;
    }

    /// Whether the next chord is being recorded.
    #[must_use]
    pub fn recording(&self) -> bool {
        self.recording.is_some()
    }

    /// The keys that are down.
    pub fn down(&self) -> impl Iterator<Item = Struck> + '_ {
        self.down.iter().copied()
    }

    /// Whether this key is the one of a chord that is held and that other programs are not to see.
    #[must_use]
    pub fn takes(&self, struck: Struck) -> bool {
        self.watched.iter().any(|watched| {
            let key = watched.binding.chord.key.as_ref();
            watched.held
                && !only_heard(&watched.binding)
                && key.is_some_and(|Key(code)| struck_is(struck, code))
        })
    }

    /// A key went down, or was said to be down again.
    pub fn pressed(&mut self, struck: Struck, at: Instant) -> Vec<HotkeyEvent> {
        if !self.down.insert(struck) {
            return Vec::new();
        }
        if let Some(recording) = &mut self.recording {
            recording.press(struck);
            return Vec::new();
        }
        let mut events = Vec::new();
        if self
            .watched
            .iter()
            .any(|watched| watched.held && watched.binding.chord.key.is_none())
        {
            events.push(HotkeyEvent::OtherKey { at });
        }
        for watched in &mut self.watched {
            if !watched.held && completes(&watched.binding, struck, &self.down) {
                watched.held = true;
                events.push(watched.edge(Edge::Pressed, at));
            }
        }
        events
    }

    /// A key went up, or was said to be up again.
    pub fn released(&mut self, struck: Struck, at: Instant) -> Vec<HotkeyEvent> {
        if !self.down.remove(&struck) {
            return Vec::new();
        }
        if let Some(recording) = &mut self.recording {
            return match recording.release(struck) {
                Some(chord) => {
                    self.recording = None;
                    vec![HotkeyEvent::Recorded { chord }]
                }
                None => Vec::new(),
            };
        }
        let down = &self.down;
        let mut events = Vec::new();
        for watched in &mut self.watched {
            if watched.held && !still_held(&watched.binding.chord, down) {
                watched.held = false;
                events.push(watched.edge(Edge::Released, at));
            }
        }
        events
    }

    fn let_go(&mut self, at: Instant) -> Vec<HotkeyEvent> {
        let mut events = Vec::new();
        for watched in self.watched.iter_mut().filter(|watched| watched.held) {
            watched.held = false;
            events.push(watched.edge(Edge::Released, at));
        }
        events
    }
}

impl Watched {
    fn edge(&self, edge: Edge, at: Instant) -> HotkeyEvent {
        HotkeyEvent::Chord {
            action: self.binding.action,
            edge,
            modifiers_only: self.binding.chord.key.is_none(),
            at,
        }
    }
}

impl Recording {
    fn press(&mut self, struck: Struck) {
        self.down.insert(struck);
        self.seen.insert(struck);
        if let (Struck::Place(code), None, None) = (struck, modifier_of(struck), self.key) {
            self.key = Some(code);
        }
    }

    /// The chord once everything is up; starts over when it is none that can be bound.
    fn release(&mut self, struck: Struck) -> Option<Chord> {
        self.down.remove(&struck);
        if !self.down.is_empty() {
            return None;
        }
        let seen = std::mem::take(self).into_chord();
        bindable(&seen).then_some(seen)
    }

    fn into_chord(self) -> Chord {
        let alone = self.seen.len() == 1;
        let modifiers = self
            .seen
            .iter()
            .filter_map(|struck| match struck {
                Struck::Place("ControlRight") if alone => Some(Modifier::RightControl),
                Struck::Place("AltRight") if alone => Some(Modifier::RightAlt),
                other => modifier_of(*other),
            })
            .collect();
        Chord {
            modifiers,
            key: self.key.map(|code| Key(code.to_owned())),
        }
    }
}

/// Whether exactly these modifiers are among the keys that are down.
fn exactly(modifiers: &BTreeSet<Modifier>, down: &BTreeSet<Struck>) -> bool {
    let held: Vec<&str> = down
        .iter()
        .filter_map(|struck| match struck {
            Struck::Place(code) if modifier_of(*struck).is_some() => Some(*code),
            _ => None,
        })
        .collect();
    modifiers
        .iter()
        .all(|modifier| held.iter().any(|code| covers(*modifier, code)))
        && held
            .iter()
            .all(|code| modifiers.iter().any(|modifier| covers(*modifier, code)))
}

fn completes(binding: &Binding, struck: Struck, down: &BTreeSet<Struck>) -> bool {
    let chord = &binding.chord;
    match &chord.key {
        Some(Key(code)) => {
            struck_is(struck, code) && (only_heard(binding) || exactly(&chord.modifiers, down))
        }
        None => {
            modifier_of(struck).is_some()
                && down.iter().all(|struck| modifier_of(*struck).is_some())
                && exactly(&chord.modifiers, down)
        }
    }
}

fn still_held(chord: &Chord, down: &BTreeSet<Struck>) -> bool {
    let key = chord
        .key
        .as_ref()
        .is_none_or(|Key(code)| down.iter().any(|struck| struck_is(*struck, code)));
    key && chord.modifiers.iter().all(|modifier| {
        down.iter()
            .any(|struck| matches!(struck, Struck::Place(code) if covers(*modifier, code)))
    })
}

fn struck_is(struck: Struck, code: &str) -> bool {
    matches!(struck, Struck::Place(place) if place == code)
}

#[cfg(test)]
#[path = "chords_tests.rs"]
mod tests;

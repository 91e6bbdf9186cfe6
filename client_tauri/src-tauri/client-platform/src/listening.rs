//! What a hook tells of keys, made into chords; which keys other programs do not get to see. No call of the system in
//! here: Windows' hooks and macOS' event taps both feed it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use client_core::ports::{Binding, Edge, HotkeyError, HotkeyEvent};

use crate::chords::{ChordWatch, Struck};
use crate::outlet::{Gone, Outlet};

/// While keys are held they are compared with the keyboard this often: their release is not told when it happens on the
/// lock screen, in a question of User Account Control, or in a window of a program with more rights.
pub const COMPARE: Duration = Duration::from_millis(250);

/// The keys that are down, and what follows from it.
#[derive(Debug)]
pub struct Listener {
    watch: ChordWatch,
    outlet: Outlet,
    /// The virtual key each key that is down was told with, to ask for it again.
    virtual_keys: BTreeMap<Struck, u16>,
    /// Down, and kept from other programs.
    taken: BTreeSet<Struck>,
    last: Option<Instant>,
    menus_open: bool,
    modifiers_held: bool,
    gone: bool,
}

impl Listener {
    /// Tells chords to `outlet`.
    #[must_use]
    pub fn new(outlet: Outlet) -> Self {
        Self {
            watch: ChordWatch::default(),
            outlet,
            virtual_keys: BTreeMap::new(),
            taken: BTreeSet::new(),
            last: None,
            menus_open: false,
            modifiers_held: false,
            gone: false,
        }
    }

    /// Watches exactly these.
    pub fn bind(&mut self, bindings: &[Binding], at: Instant) {
        let events = self.watch.bind(bindings, at);
        self.tell(events);
    }

    /// Hears the next chord.
    pub fn record(&mut self, at: Instant) {
        let events = self.watch.record(at);
        self.tell(events);
    }

    /// Tells of the bound chords again.
    pub fn stop_recording(&mut self) {
        self.watch.stop_recording();
    }

    /// Whether the next chord is being recorded.
    #[must_use]
    pub fn recording(&self) -> bool {
        self.watch.recording()
    }

    /// A key went down. Whether other programs are not to see it.
    pub fn pressed(&mut self, struck: Struck, virtual_key: u16, at: Instant) -> bool {
        self.last = Some(at);
        self.virtual_keys.insert(struck, virtual_key);
        let events = self.watch.pressed(struck, at);
        // While a chord is being recorded nothing is taken, but a menu would be in the way.
        self.menus_open |= self.watch.recording() && opens_menu(struck);
        self.tell(events);
        if self.watch.takes(struck) && self.taken.insert(struck) {
            self.menus_open |= self.watch.down().any(opens_menu);
        }
        self.taken.contains(&struck)
    }

    /// A key went up. Whether other programs are not to see it, as they did not see it go down.
    pub fn released(&mut self, struck: Struck, at: Instant) -> bool {
        self.last = Some(at);
        self.virtual_keys.remove(&struck);
        let events = self.watch.released(struck, at);
        self.tell(events);
        self.taken.remove(&struck)
    }

    /// A click: one stroke, as its release may be lost without harm.
    pub fn clicked(&mut self, button: u32, at: Instant) {
        let struck = Struck::Unnamed(button);
        let events = self.watch.pressed(struck, at);
        self.tell(events);
        let events = self.watch.released(struck, at);
        self.tell(events);
    }

    /// Releases what is no longer held: `down` says whether a virtual key is, `here` whether the keyboard is this
    /// desktop's at all. The system counts keys that were taken as up, so it is not asked for those.
    pub fn compare(&mut self, down: impl Fn(u16) -> bool, here: bool, at: Instant) {
        let lost: Vec<Struck> = self
            .watch
            .down()
            .filter(|struck| {
                let up = self.virtual_keys.get(struck).is_none_or(|key| !down(*key));
                !here || (up && !self.taken.contains(struck))
            })
            .collect();
        for struck in lost {
            self.released(struck, at);
        }
        self.last = Some(at);
    }

    /// When [`Listener::compare`] has something to do.
    #[must_use]
    pub fn compare_at(&self) -> Option<Instant> {
        self.watch.down().next()?;
        self.last.map(|last| last + COMPARE)
    }

    /// Hands on what waited for room in the channel; whether some still does.
    pub fn hand_on(&mut self) -> bool {
        self.tell(Vec::new());
        self.outlet.waits()
    }

    /// Tells that keys work no more.
    pub fn lose(&mut self, error: HotkeyError) {
        self.tell(vec![HotkeyEvent::Lost { error }]);
    }

    /// Whether a menu would open when the keys that are down go up, since this was last asked.
    pub fn take_menus_open(&mut self) -> bool {
        std::mem::take(&mut self.menus_open)
    }

    /// Whether clicks matter now: a chord of modifiers is held, which a click makes something else.
    #[must_use]
    pub fn modifiers_held(&self) -> bool {
        self.modifiers_held
    }

    /// Whether anything is down.
    #[must_use]
    pub fn idle(&self) -> bool {
        self.watch.down().next().is_none()
    }

    /// Whether nobody listens any more.
    #[must_use]
    pub fn gone(&self) -> bool {
        self.gone
    }

    fn tell(&mut self, events: Vec<HotkeyEvent>) {
        for event in &events {
            if let HotkeyEvent::Chord {
                edge,
                modifiers_only: true,
                ..
            } = event
            {
                self.modifiers_held = *edge == Edge::Pressed;
                self.menus_open |= self.modifiers_held && self.watch.down().any(opens_menu);
            }
        }
        self.gone |= self.outlet.send(events) == Err(Gone);
    }
}

/// Whether Windows opens a menu when this key goes up alone.
fn opens_menu(struck: Struck) -> bool {
    matches!(
        struck,
        Struck::Place("MetaLeft" | "MetaRight" | "AltLeft" | "AltRight")
    )
}

#[cfg(test)]
#[path = "listening_tests.rs"]
mod tests;

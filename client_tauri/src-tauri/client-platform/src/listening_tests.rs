use std::sync::mpsc::{Receiver, sync_channel};

use client_core::ports::{Action, Chord, Key, Modifier};

use super::*;

struct Keys {
    listener: Listener,
    heard: Receiver<HotkeyEvent>,
    at: Instant,
}

const CONTROL: (Struck, u16) = (Struck::Place("ControlLeft"), 0xA2);
const SUPER: (Struck, u16) = (Struck::Place("MetaLeft"), 0x5B);
const D: (Struck, u16) = (Struck::Place("KeyD"), 0x44);

fn keys(modifiers: &[Modifier], key: Option<&str>) -> Keys {
    let (events, heard) = sync_channel(16);
    let mut listener = Listener::new(Outlet::new(events));
    let chord = Chord {
        modifiers: modifiers.iter().copied().collect(),
        key: key.map(|code| Key(code.to_owned())),
    };
    let binding = Binding {
        action: Action::Dictate,
        chord,
    };
    let at = Instant::now();
    listener.bind(&[binding], at);
    Keys {
        listener,
        heard,
        at,
    }
}

impl Keys {
    fn down(&mut self, key: (Struck, u16)) -> bool {
        self.listener.pressed(key.0, key.1, self.at)
    }

    fn up(&mut self, key: (Struck, u16)) -> bool {
        self.listener.released(key.0, self.at)
    }

    fn edges(&self) -> Vec<Edge> {
        self.heard
            .try_iter()
            .filter_map(|event| match event {
                HotkeyEvent::Chord { edge, .. } => Some(edge),
                _ => None,
            })
            .collect()
    }
}

#[test]
fn a_chord_of_modifiers_is_only_heard_and_keeps_the_start_menu_shut() {
    let mut keys = keys(&[Modifier::Control, Modifier::Super], None);
    assert!(!keys.down(CONTROL));
    assert!(!keys.listener.take_menus_open());
    assert!(!keys.down(SUPER));
    assert!(keys.listener.modifiers_held());
    assert!(keys.listener.take_menus_open());
    assert!(!keys.listener.take_menus_open());
    assert!(!keys.up(SUPER));
    assert!(!keys.listener.modifiers_held());
    assert_eq!(keys.edges(), [Edge::Pressed, Edge::Released]);
}

#[test]
fn the_key_of_a_chord_is_kept_from_others_with_its_repeats_until_it_is_up() {
    let mut keys = keys(&[Modifier::Control], Some("KeyD"));
    assert!(!keys.down(D));
    assert!(!keys.up(D));
    assert!(!keys.down(CONTROL));
    assert!(keys.down(D));
    assert!(keys.down(D));
    // The release of the modifier ends the chord, the key is still ours.
    assert!(!keys.up(CONTROL));
    assert!(keys.down(D));
    assert!(keys.up(D));
    assert!(!keys.down(D));
    assert_eq!(keys.edges(), [Edge::Pressed, Edge::Released]);
}

#[test]
fn what_was_released_on_the_lock_screen_is_released() {
    let mut keys = keys(&[Modifier::Control, Modifier::Super], None);
    keys.down(CONTROL);
    keys.down(SUPER);
    let at = keys.at;
    keys.listener.compare(|_| true, true, at);
    assert_eq!(keys.edges(), [Edge::Pressed]);
    keys.listener.compare(|key| key == CONTROL.1, true, at);
    assert_eq!(keys.edges(), [Edge::Released]);
    keys.listener.compare(|_| true, false, at);
    assert!(keys.listener.idle());
    assert_eq!(keys.listener.compare_at(), None);
}

#[test]
fn a_key_that_was_taken_counts_as_held_while_the_keyboard_is_here() {
    let mut keys = keys(&[], Some("KeyD"));
    assert!(keys.down(D));
    let at = keys.at;
    keys.listener.compare(|_| false, true, at);
    assert_eq!(keys.edges(), [Edge::Pressed]);
    keys.listener.compare(|_| false, false, at);
    assert_eq!(keys.edges(), [Edge::Released]);
    assert!(!keys.up(D));
}

#[test]
fn a_click_makes_a_chord_of_modifiers_something_else() {
    let mut keys = keys(&[Modifier::Control, Modifier::Super], None);
    keys.down(CONTROL);
    keys.down(SUPER);
    let at = keys.at;
    keys.listener.clicked(0x1_0001, at);
    assert!(
        keys.heard
            .try_iter()
            .any(|event| matches!(event, HotkeyEvent::OtherKey { .. }))
    );
}

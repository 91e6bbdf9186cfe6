use std::collections::BTreeSet;
use std::time::Instant;

use client_core::ports::{Action, Binding, Chord, Edge, HotkeyEvent, Key, Modifier};
use proptest::prelude::*;

use super::{ChordWatch, Struck, bindable};

fn chord(modifiers: &[Modifier], key: Option<&str>) -> Chord {
    Chord {
        modifiers: modifiers.iter().copied().collect(),
        key: key.map(|code| Key(code.to_owned())),
    }
}

fn watching(action: Action, chord: Chord) -> ChordWatch {
    let mut watch = ChordWatch::default();
    watch.bind(&[Binding { action, chord }], Instant::now());
    watch
}

/// `+Code` presses, `-Code` releases; what is told is shortened to `P`, `R`, `o`.
fn play(watch: &mut ChordWatch, keys: &str) -> String {
    let at = Instant::now();
    let mut told = String::new();
    for word in keys.split_whitespace() {
        let (way, code) = word.split_at(1);
        let struck = crate::keys::by_code(code).map_or_else(
            || {
                if code == "Mouse4" {
                    Struck::Place("Mouse4")
                } else {
                    Struck::Unnamed(7)
                }
            },
            |place| Struck::Place(place.code),
        );
        let events = if way == "+" {
            watch.pressed(struck, at)
        } else {
            watch.released(struck, at)
        };
        for event in events {
            told.push(match event {
                HotkeyEvent::Chord {
                    edge: Edge::Pressed,
                    ..
                } => 'P',
                HotkeyEvent::Chord {
                    edge: Edge::Released,
                    ..
                } => 'R',
                HotkeyEvent::OtherKey { .. } => 'o',
                HotkeyEvent::Recorded { .. } => 'c',
                HotkeyEvent::Lost { .. } => 'x',
            });
        }
    }
    told
}

#[test]
fn a_chord_of_modifiers_goes_down_with_the_last_and_up_with_the_first() {
    let mut watch = watching(
        Action::Dictate,
        chord(&[Modifier::Control, Modifier::Super], None),
    );
    assert_eq!(
        play(
            &mut watch,
            "+MetaLeft +ControlRight -MetaLeft -ControlRight"
        ),
        "PR"
    );
}

#[test]
fn a_key_said_twice_counts_once() {
    let mut watch = watching(Action::Dictate, chord(&[Modifier::Control], Some("KeyD")));
    let keys = "+ControlLeft +KeyD +KeyD +KeyD -KeyD -KeyD -ControlLeft -ControlLeft";
    assert_eq!(play(&mut watch, keys), "PR");
}

#[test]
fn another_key_during_a_chord_of_modifiers_is_told() {
    let mut watch = watching(
        Action::Dictate,
        chord(&[Modifier::Control, Modifier::Super], None),
    );
    assert_eq!(
        play(
            &mut watch,
            "+ControlLeft +MetaLeft +KeyS -KeyS -MetaLeft -ControlLeft"
        ),
        "PoR"
    );
}

#[test]
fn a_key_held_before_makes_no_chord_of_modifiers() {
    let mut watch = watching(
        Action::Dictate,
        chord(&[Modifier::Control, Modifier::Super], None),
    );
    assert_eq!(play(&mut watch, "+KeyS +ControlLeft +MetaLeft"), "");
}

#[test]
fn one_modifier_more_is_another_chord() {
    let mut watch = watching(Action::Dictate, chord(&[Modifier::Control], Some("KeyD")));
    assert_eq!(play(&mut watch, "+ControlLeft +ShiftLeft +KeyD -KeyD"), "");
}

#[test]
fn the_side_counts_where_it_is_named() {
    let mut watch = watching(Action::Dictate, chord(&[Modifier::RightControl], None));
    assert_eq!(
        play(
            &mut watch,
            "+ControlLeft -ControlLeft +ControlRight -ControlRight"
        ),
        "PR"
    );
}

#[test]
fn escape_is_heard_whatever_is_held() {
    let mut watch = watching(Action::Cancel, chord(&[], Some("Escape")));
    assert_eq!(
        play(&mut watch, "+ControlLeft +MetaLeft +Escape -Escape"),
        "PR"
    );
}

#[test]
fn a_side_button_of_the_mouse_is_a_key() {
    let mut watch = watching(Action::Dictate, chord(&[], Some("Mouse4")));
    assert_eq!(play(&mut watch, "+Mouse4 -Mouse4"), "PR");
}

#[test]
fn recording_tells_the_whole_chord_once_all_is_up() {
    let mut watch = watching(Action::Dictate, chord(&[Modifier::Control], Some("KeyD")));
    watch.record(Instant::now());
    assert_eq!(
        play(&mut watch, "+ControlLeft +KeyD -ControlLeft -KeyD"),
        "c"
    );
    assert!(!watch.recording());
    assert_eq!(play(&mut watch, "+ControlLeft +KeyD"), "P");
}

#[test]
fn recording_goes_on_after_what_cannot_be_bound() {
    let mut watch = ChordWatch::default();
    watch.record(Instant::now());
    assert_eq!(play(&mut watch, "+ControlLeft -ControlLeft"), "");
    let at = Instant::now();
    watch.pressed(Struck::Place("ControlRight"), at);
    let told = watch.released(Struck::Place("ControlRight"), at);
    let expected = chord(&[Modifier::RightControl], None);
    assert_eq!(told, vec![HotkeyEvent::Recorded { chord: expected }]);
}

#[test]
fn binding_anew_lets_a_held_chord_go() {
    let mut watch = watching(Action::Dictate, chord(&[Modifier::Control], Some("KeyD")));
    assert_eq!(play(&mut watch, "+ControlLeft +KeyD"), "P");
    assert_eq!(watch.bind(&[], Instant::now()).len(), 1);
}

#[test]
fn a_chord_needs_a_known_key_or_modifiers_that_are_no_typing() {
    assert!(bindable(&chord(&[], Some("F9"))));
    assert!(bindable(&chord(&[Modifier::RightAlt], None)));
    assert!(!bindable(&chord(&[Modifier::Shift], None)));
    assert!(!bindable(&chord(&[], Some("ShiftLeft"))));
    assert!(!bindable(&chord(&[Modifier::Control], Some("Nothing"))));
}

proptest! {
    #[test]
    fn presses_and_releases_of_a_chord_take_turns(steps in proptest::collection::vec((any::<bool>(), 0usize..6), 0..200)) {
        let names = ["ControlLeft", "ControlRight", "MetaLeft", "KeyD", "KeyS", "ShiftLeft"];
        let bindings = [
            Binding { action: Action::Dictate, chord: chord(&[Modifier::Control, Modifier::Super], None) },
            Binding { action: Action::PasteLast, chord: chord(&[Modifier::Control], Some("KeyD")) },
        ];
        let mut watch = ChordWatch::default();
        let at = Instant::now();
        watch.bind(&bindings, at);
        let mut held: BTreeSet<Action> = BTreeSet::new();
        for (down, which) in steps {
            let struck = Struck::Place(names[which]);
            let events = if down { watch.pressed(struck, at) } else { watch.released(struck, at) };
            for event in events {
                if let HotkeyEvent::Chord { action, edge, .. } = event {
                    match edge {
                        Edge::Pressed => prop_assert!(held.insert(action)),
                        Edge::Released => prop_assert!(held.remove(&action)),
                    }
                }
            }
        }
        for name in names {
            for event in watch.released(Struck::Place(name), at) {
                if let HotkeyEvent::Chord { action, .. } = event {
                    held.remove(&action);
                }
            }
        }
        prop_assert!(held.is_empty());
    }
}

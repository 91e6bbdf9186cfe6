//! Global keys on a real X server, struck by xdotool.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod screen;

use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use client_core::ports::{
    Action, Binding, Chord, Edge, HotkeyError, HotkeyEvent, Hotkeys, Key, Modifier,
};
use client_platform::x11::X11Hotkeys;
use screen::Screen;

fn binding(action: Action, modifiers: &[Modifier], key: Option<&str>) -> Binding {
    Binding {
        action,
        chord: Chord {
            modifiers: modifiers.iter().copied().collect(),
            key: key.map(|code| Key(code.to_owned())),
        },
    }
}

fn listen(screen: &Screen) -> (X11Hotkeys, Receiver<HotkeyEvent>) {
    let (events, heard) = sync_channel(64);
    (X11Hotkeys::open(Some(&screen.name), events).unwrap(), heard)
}

fn next(heard: &Receiver<HotkeyEvent>) -> HotkeyEvent {
    heard.recv_timeout(Duration::from_secs(20)).unwrap()
}

fn edge(event: &HotkeyEvent) -> (Action, Edge, bool) {
    match event {
        HotkeyEvent::Chord {
            action,
            edge,
            modifiers_only,
            ..
        } => (*action, *edge, *modifiers_only),
        other => panic!("{other:?}"),
    }
}

const DICTATE: Action = Action::Dictate;

#[test]
fn a_held_chord_is_one_press_and_one_release_on_every_layout() {
    let Some(screen) = Screen::start("us") else {
        return;
    };
    let (mut hotkeys, heard) = listen(&screen);
    let talk = [Modifier::Control, Modifier::Alt];
    hotkeys
        .bind(&[
            binding(DICTATE, &talk, Some("KeyD")),
            binding(Action::PasteLast, &talk, Some("F9")),
        ])
        .unwrap();
    for layout in ["us", "ru", "us,ru", "ru,us"] {
        screen.layout(layout);
        // The key of D by its number: on «ru» it types «в», and is the same key.
        screen.keys(&["keydown", "ctrl", "keydown", "alt", "keydown", "40"]);
        assert_eq!(
            edge(&next(&heard)),
            (DICTATE, Edge::Pressed, false),
            "{layout}"
        );
        // Longer than the delay after which a held key repeats.
        std::thread::sleep(Duration::from_millis(900));
        screen.keys(&["keyup", "40", "keyup", "alt", "keyup", "ctrl"]);
        assert_eq!(
            edge(&next(&heard)),
            (DICTATE, Edge::Released, false),
            "{layout}"
        );
        screen.keys(&["key", "ctrl+alt+F9"]);
        assert_eq!(
            edge(&next(&heard)),
            (Action::PasteLast, Edge::Pressed, false)
        );
        assert_eq!(
            edge(&next(&heard)),
            (Action::PasteLast, Edge::Released, false)
        );
    }
    assert!(heard.try_recv().is_err());
}

#[test]
fn keys_are_heard_though_the_layout_changes_while_they_are_bound() {
    let Some(screen) = Screen::start("us") else {
        return;
    };
    let talk = [
        binding(DICTATE, &[Modifier::Control, Modifier::Super], None),
        binding(
            Action::PasteLast,
            &[Modifier::Control, Modifier::Alt],
            Some("KeyV"),
        ),
    ];
    for layout in ["ru", "us", "us,ru", "ru,us"] {
        let (hotkeys, heard) = std::thread::scope(|scope| {
            let change = scope.spawn(|| screen.layout(layout));
            let (mut hotkeys, heard) = listen(&screen);
            // Once at least: the change may be over before anybody listens.
            loop {
                hotkeys.bind(&talk).unwrap();
                if change.is_finished() {
                    break;
                }
            }
            (hotkeys, heard)
        });
        screen.keys(&["keydown", "ctrl", "keydown", "super"]);
        assert_eq!(
            edge(&next(&heard)),
            (DICTATE, Edge::Pressed, true),
            "{layout}"
        );
        screen.keys(&["keyup", "super", "keyup", "ctrl"]);
        assert_eq!(
            edge(&next(&heard)),
            (DICTATE, Edge::Released, true),
            "{layout}"
        );
        // The key of V by its number.
        screen.keys(&[
            "keydown", "ctrl", "keydown", "alt", "key", "55", "keyup", "alt", "keyup", "ctrl",
        ]);
        assert_eq!(
            edge(&next(&heard)),
            (Action::PasteLast, Edge::Pressed, false),
            "{layout}"
        );
        drop(hotkeys);
    }
}

#[test]
fn modifiers_alone_are_a_chord_and_another_key_with_them_is_told() {
    let Some(screen) = Screen::start("us,ru") else {
        return;
    };
    let (mut hotkeys, heard) = listen(&screen);
    assert!(hotkeys.modifiers_only());
    let cancel = binding(Action::Cancel, &[], Some("Escape"));
    let talk = binding(DICTATE, &[Modifier::Control, Modifier::Super], None);
    hotkeys.bind(&[talk, cancel]).unwrap();
    screen.keys(&["keydown", "ctrl", "keydown", "super"]);
    assert_eq!(edge(&next(&heard)), (DICTATE, Edge::Pressed, true));
    screen.keys(&["key", "s"]);
    assert!(matches!(next(&heard), HotkeyEvent::OtherKey { .. }));
    screen.keys(&["keyup", "super", "keyup", "ctrl"]);
    assert_eq!(edge(&next(&heard)), (DICTATE, Edge::Released, true));
    screen.keys(&["key", "Escape"]);
    assert_eq!(edge(&next(&heard)), (Action::Cancel, Edge::Pressed, false));
    assert_eq!(edge(&next(&heard)), (Action::Cancel, Edge::Released, false));
    // Escape was only listened to: nobody has taken it.
    let (mut other, _) = listen(&screen);
    other
        .bind(&[binding(Action::PasteLast, &[], Some("Escape"))])
        .unwrap();
}

#[test]
fn a_taken_chord_is_said_and_the_former_ones_stay() {
    let Some(screen) = Screen::start("us") else {
        return;
    };
    let (mut ours, heard) = listen(&screen);
    let (mut theirs, _) = listen(&screen);
    let taken = binding(DICTATE, &[Modifier::Control], Some("F8"));
    theirs.bind(std::slice::from_ref(&taken)).unwrap();
    ours.bind(&[binding(Action::PasteLast, &[], Some("F7"))])
        .unwrap();
    let fresh = binding(DICTATE, &[Modifier::Control], Some("F6"));
    let refused = ours.bind(&[fresh.clone(), taken.clone()]);
    assert_eq!(refused, Err(HotkeyError::Taken(taken.chord)));
    // What was grabbed on the way to the failure is free again, what was bound before is not.
    theirs.bind(&[fresh]).unwrap();
    screen.keys(&["key", "F7"]);
    assert_eq!(
        edge(&next(&heard)),
        (Action::PasteLast, Edge::Pressed, false)
    );
}

#[test]
fn recording_hears_the_chord_and_binds_nothing_meanwhile() {
    let Some(screen) = Screen::start("us") else {
        return;
    };
    let (mut hotkeys, heard) = listen(&screen);
    let talk = binding(
        DICTATE,
        &[Modifier::Control, Modifier::Super],
        Some("Space"),
    );
    hotkeys.bind(std::slice::from_ref(&talk)).unwrap();
    hotkeys.record().unwrap();
    screen.keys(&["key", "ctrl+super+space"]);
    assert_eq!(
        next(&heard),
        HotkeyEvent::Recorded {
            chord: talk.chord.clone()
        }
    );
    screen.keys(&["key", "ctrl+super+space"]);
    assert_eq!(edge(&next(&heard)), (DICTATE, Edge::Pressed, false));
    assert_eq!(edge(&next(&heard)), (DICTATE, Edge::Released, false));
    hotkeys.record().unwrap();
    hotkeys.stop_recording();
    hotkeys.bind(&[binding(DICTATE, &[], Some("F5"))]).unwrap();
    screen.keys(&["key", "F5"]);
    assert_eq!(edge(&next(&heard)), (DICTATE, Edge::Pressed, false));
}

#[test]
fn a_side_button_of_the_mouse_is_bound_as_a_key() {
    let Some(screen) = Screen::start("us") else {
        return;
    };
    let (mut hotkeys, heard) = listen(&screen);
    hotkeys
        .bind(&[binding(DICTATE, &[], Some("Mouse4"))])
        .unwrap();
    screen.keys(&["mousedown", "8", "mouseup", "8"]);
    assert_eq!(edge(&next(&heard)), (DICTATE, Edge::Pressed, false));
    assert_eq!(edge(&next(&heard)), (DICTATE, Edge::Released, false));
}

#[test]
fn keys_are_lost_with_the_display_and_that_is_said() {
    let Some(mut screen) = Screen::start("us") else {
        return;
    };
    let (mut hotkeys, heard) = listen(&screen);
    screen.kill();
    let lost = HotkeyEvent::Lost {
        error: HotkeyError::Unavailable,
    };
    assert_eq!(next(&heard), lost);
    assert_eq!(hotkeys.bind(&[]), Err(HotkeyError::Unavailable));
}

#[test]
fn without_a_display_there_are_no_keys() {
    let (events, _heard) = sync_channel(1);
    let opened = X11Hotkeys::open(Some(":5999"), events);
    assert_eq!(opened.err(), Some(HotkeyError::Unavailable));
}

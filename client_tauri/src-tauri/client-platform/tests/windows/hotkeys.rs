//! Global keys through the hook.

use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use client_core::ports::{
    Action, Binding, Chord, Edge, HotkeyError, HotkeyEvent, Hotkeys, Key, Modifier,
};
use client_platform::windows::{HookHotkeys, WindowsInsertion};
use windows::Win32::UI::Input::KeyboardAndMouse::{
    INPUT, INPUT_0, INPUT_KEYBOARD, KEYBDINPUT, KEYEVENTF_KEYUP, SendInput, VIRTUAL_KEY,
    VK_LCONTROL, VK_LWIN,
};

use crate::desktop::{Person, until};
use crate::window::OtherProgram;

fn binding(action: Action, modifiers: &[Modifier], key: Option<&str>) -> Binding {
    Binding {
        action,
        chord: Chord {
            modifiers: modifiers.iter().copied().collect(),
            key: key.map(|code| Key(code.to_owned())),
        },
    }
}

struct Listening {
    person: Person,
    hotkeys: HookHotkeys,
    heard: Receiver<HotkeyEvent>,
    window: OtherProgram,
}

/// A window of another program has the focus.
fn listen(title: &str) -> Listening {
    let person = Person::sits_down();
    person.does("setxkbmap us");
    let insertion = WindowsInsertion::open().unwrap();
    let window = OtherProgram::start(title);
    window.target(&insertion);
    let (events, heard) = sync_channel(64);
    let hotkeys = HookHotkeys::open(events).unwrap();
    Listening {
        person,
        hotkeys,
        heard,
        window,
    }
}

impl Listening {
    fn next(&self) -> HotkeyEvent {
        self.heard
            .recv_timeout(Duration::from_secs(20))
            .unwrap_or_else(|_| panic!("nothing; the window has seen {:?}", self.window.keys()))
    }

    fn edge(&self) -> (Action, Edge, bool) {
        match self.next() {
            HotkeyEvent::Chord {
                action,
                edge,
                modifiers_only,
                ..
            } => (action, edge, modifiers_only),
            other => panic!("{other:?}"),
        }
    }

    /// Nothing was heard up to a key that is sure to be.
    fn silence(&mut self) {
        let marker = binding(Action::FixLastWord, &[Modifier::Shift], Some("F11"));
        self.hotkeys.bind(&[marker]).unwrap();
        self.person.does("key shift+F11");
        assert_eq!(self.edge(), (Action::FixLastWord, Edge::Pressed, false));
        assert_eq!(self.edge(), (Action::FixLastWord, Edge::Released, false));
    }
}

const DICTATE: Action = Action::Dictate;
const TALK: [Modifier; 2] = [Modifier::Control, Modifier::Super];

#[test]
fn ctrl_and_win_held_are_one_press_and_one_release_on_every_layout() {
    let mut desk = listen("held");
    assert!(desk.hotkeys.modifiers_only());
    desk.hotkeys.bind(&[binding(DICTATE, &TALK, None)]).unwrap();
    for layout in ["us", "ru", "us,ru"] {
        desk.person.does(&format!("setxkbmap {layout}"));
        desk.person.does("keydown Control_L keydown Super_L");
        assert_eq!(desk.edge(), (DICTATE, Edge::Pressed, true), "{layout}");
        // Longer than the delay after which a held key repeats.
        std::thread::sleep(Duration::from_millis(900));
        desk.person.does("keyup Super_L keyup Control_L");
        assert_eq!(desk.edge(), (DICTATE, Edge::Released, true), "{layout}");
    }
    // The system has seen a key go down while that of the Start menu was.
    let keys = desk.window.keys().join(" ");
    assert_eq!(keys.matches("+e8 -e8").count(), 3, "{keys}");
    assert!(keys.contains("+5b +e8 -e8 -5b"), "{keys}");
    desk.silence();
}

#[test]
fn another_key_with_them_is_told_and_escape_is_only_heard() {
    let mut desk = listen("other key");
    let cancel = binding(Action::Cancel, &[], Some("Escape"));
    desk.hotkeys
        .bind(&[binding(DICTATE, &TALK, None), cancel])
        .unwrap();
    desk.person.does("keydown Control_L keydown Super_L key s");
    assert_eq!(desk.edge(), (DICTATE, Edge::Pressed, true));
    assert!(matches!(desk.next(), HotkeyEvent::OtherKey { .. }));
    // A click makes them something else too; only while they are held the mouse is listened to.
    desk.person.does("mousemove 200 200 click 1");
    assert!(matches!(desk.next(), HotkeyEvent::OtherKey { .. }));
    desk.person.does("keyup Super_L keyup Control_L");
    assert_eq!(desk.edge(), (DICTATE, Edge::Released, true));
    desk.person.does("key Escape");
    assert_eq!(desk.edge(), (Action::Cancel, Edge::Pressed, false));
    assert_eq!(desk.edge(), (Action::Cancel, Edge::Released, false));
    until("Escape in the other program", || {
        desk.window.keys().contains(&"+1b".to_owned())
    });
}

#[test]
fn a_chord_with_a_key_is_kept_from_the_other_program_with_its_repeats() {
    let mut desk = listen("kept");
    let talk = [Modifier::Control, Modifier::Alt];
    desk.hotkeys
        .bind(&[binding(DICTATE, &talk, Some("KeyD"))])
        .unwrap();
    // With no Latin layout at all Wine does not know the places of keys.
    for layout in ["us", "us,ru", "de"] {
        desk.person.does(&format!("setxkbmap {layout}"));
        desk.person.does("keydown ctrl keydown alt keydown 40");
        assert_eq!(desk.edge(), (DICTATE, Edge::Pressed, false), "{layout}");
        std::thread::sleep(Duration::from_millis(900));
        desk.person.does("keyup 40 keyup alt keyup ctrl");
        assert_eq!(desk.edge(), (DICTATE, Edge::Released, false), "{layout}");
    }
    desk.silence();
    let keys = desk.window.keys();
    assert!(!keys.contains(&"+44".to_owned()), "{keys:?}");
    desk.person.does("setxkbmap us");
    desk.person.does("key 40");
    desk.window.comes_to("d");
}

#[test]
fn what_programs_strike_is_not_heard() {
    let mut desk = listen("injected");
    desk.hotkeys.bind(&[binding(DICTATE, &TALK, None)]).unwrap();
    strike(&[VK_LCONTROL, VK_LWIN]);
    desk.silence();
}

#[test]
fn a_chord_another_program_has_is_said_and_the_former_ones_stay() {
    let mut desk = listen("takes Ctrl+F8");
    let former = binding(Action::PasteLast, &[], Some("F7"));
    desk.hotkeys.bind(std::slice::from_ref(&former)).unwrap();
    let fresh = binding(DICTATE, &[Modifier::Control], Some("F6"));
    let taken = binding(DICTATE, &[Modifier::Control], Some("F8"));
    let refused = desk.hotkeys.bind(&[fresh.clone(), taken.clone()]);
    assert_eq!(refused, Err(HotkeyError::Taken(taken.chord)));
    desk.person.does("key F7");
    assert_eq!(desk.edge(), (Action::PasteLast, Edge::Pressed, false));
    assert_eq!(desk.edge(), (Action::PasteLast, Edge::Released, false));
    // What is bound is found out by others, and what was on the way to the failure is free.
    let (events, _heard) = sync_channel(1);
    let mut other = HookHotkeys::open(events).unwrap();
    assert_eq!(
        other.bind(std::slice::from_ref(&former)),
        Err(HotkeyError::Taken(former.chord))
    );
    other.bind(&[fresh]).unwrap();
    let unbindable = binding(DICTATE, &[Modifier::Super], None);
    let refused = desk.hotkeys.bind(std::slice::from_ref(&unbindable));
    assert_eq!(refused, Err(HotkeyError::Unsupported(unbindable.chord)));
}

#[test]
fn recording_hears_the_chord_and_binds_nothing_meanwhile() {
    let mut desk = listen("recording");
    let talk = binding(DICTATE, &TALK, None);
    desk.hotkeys.bind(std::slice::from_ref(&talk)).unwrap();
    desk.hotkeys.record().unwrap();
    desk.person
        .does("keydown Control_L keydown Super_L keyup Super_L keyup Control_L");
    assert_eq!(
        desk.next(),
        HotkeyEvent::Recorded {
            chord: talk.chord.clone()
        }
    );
    desk.person
        .does("keydown Control_L keydown Super_L keyup Super_L keyup Control_L");
    assert_eq!(desk.edge(), (DICTATE, Edge::Pressed, true));
    assert_eq!(desk.edge(), (DICTATE, Edge::Released, true));
    desk.hotkeys.record().unwrap();
    desk.hotkeys.stop_recording();
    desk.silence();
}

#[test]
fn a_side_button_of_the_mouse_is_bound_as_a_key() {
    let mut desk = listen("side button");
    desk.hotkeys
        .bind(&[binding(DICTATE, &[], Some("Mouse4"))])
        .unwrap();
    desk.person.does("mousemove 200 200 mousedown 8 mouseup 8");
    assert_eq!(desk.edge(), (DICTATE, Edge::Pressed, false));
    assert_eq!(desk.edge(), (DICTATE, Edge::Released, false));
}

fn strike(keys: &[VIRTUAL_KEY]) {
    let stroke = |key: VIRTUAL_KEY, up: bool| INPUT {
        r#type: INPUT_KEYBOARD,
        Anonymous: INPUT_0 {
            ki: KEYBDINPUT {
                wVk: key,
                dwFlags: if up {
                    KEYEVENTF_KEYUP
                } else {
                    Default::default()
                },
                ..KEYBDINPUT::default()
            },
        },
    };
    let strokes: Vec<INPUT> = keys
        .iter()
        .map(|key| stroke(*key, false))
        .chain(keys.iter().rev().map(|key| stroke(*key, true)))
        .collect();
    let size = i32::try_from(size_of::<INPUT>()).unwrap();
    assert_eq!(unsafe { SendInput(&strokes, size) } as usize, strokes.len());
}

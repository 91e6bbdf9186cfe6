//! Text into windows of other programs, and the clipboard given back.

use std::time::{Duration, Instant};

use client_core::ports::{Inserted, Insertion, InsertionError, Pasting, TargetWindow};
use client_platform::windows::WindowsInsertion;

use crate::clipboard::{self, PICTURE, TEXT, comes_back, picture, units};
use crate::desktop::Person;
use crate::window::OtherProgram;

const SAID: &str = "Съешь же ещё этих мягких французских булок, да выпей чаю — «всё»: 25,5 % & done.\nLine two 🎤👍🏽, ёлка.";

fn open() -> (Person, WindowsInsertion) {
    let person = Person::sits_down();
    person.does("setxkbmap us");
    (person, WindowsInsertion::open().unwrap())
}

#[test]
fn text_is_pasted_on_every_layout_and_the_clipboard_is_given_back_in_all_formats() {
    let (person, insertion) = open();
    let window = OtherProgram::start("field");
    let target = window.target(&insertion);
    assert!(
        target
            .app
            .as_deref()
            .is_some_and(|app| app.ends_with(".exe"))
    );
    let mut text = String::new();
    for layout in ["us", "ru", "us,ru"] {
        person.does(&format!("setxkbmap {layout}"));
        let former = [
            (TEXT, units(&format!("прежнее {layout} 👍"))),
            (
                clipboard::format("HTML Format"),
                b"Version:0.9 <b>html</b>".to_vec(),
            ),
            (clipboard::format("AlfaVoice test"), vec![7; 300_000]),
            (PICTURE, picture(200)),
        ];
        clipboard::copy(&former);
        // With no Latin layout at all Wine makes no Ctrl+V of its virtual keys, as Windows does.
        let way = if layout == "ru" {
            Pasting::ShiftInsert
        } else {
            Pasting::Automatic
        };
        let inserted = insertion.insert(SAID, Some(&target), way);
        assert_eq!(inserted, Ok(Inserted::Taken), "{layout}");
        text.push_str(SAID);
        window.comes_to(&text);
        comes_back(&former);
    }
    let keys = window.keys().join(" ");
    assert!(keys.contains("+11 +56 -56 -11"), "{keys}");
}

#[test]
fn every_way_to_paste_brings_the_text() {
    let (_person, insertion) = open();
    let window = OtherProgram::start("ways");
    let target = window.target(&insertion);
    let former = [(TEXT, units("before"))];
    clipboard::copy(&former);
    let taken = insertion.insert("один ", Some(&target), Pasting::ShiftInsert);
    assert_eq!(taken, Ok(Inserted::Taken));
    window.comes_to("один ");
    comes_back(&former);
    let taken = insertion.insert("два ", Some(&target), Pasting::ControlV);
    assert_eq!(taken, Ok(Inserted::Taken));
    window.comes_to("один два ");
    comes_back(&former);
}

#[test]
fn text_is_typed_letter_by_letter_and_the_clipboard_is_not_touched() {
    let (person, insertion) = open();
    let window = OtherProgram::start("typed");
    let target = window.target(&insertion);
    let former = [(TEXT, units("untouched"))];
    clipboard::copy(&former);
    let mut text = String::new();
    for layout in ["us", "ru", "us,ru"] {
        person.does(&format!("setxkbmap {layout}"));
        let inserted = insertion.insert(SAID, Some(&target), Pasting::Typed);
        assert_eq!(inserted, Ok(Inserted::Sent), "{layout}");
        text.push_str(SAID);
        window.comes_to(&text);
    }
    assert_eq!(
        insertion.clipboard_text().unwrap().as_deref(),
        Some("untouched")
    );
    comes_back(&former);
}

#[test]
fn long_text_arrives_whole_typed_or_pasted() {
    let (_person, insertion) = open();
    let window = OtherProgram::start("long");
    let target = window.target(&insertion);
    let typed = "Раз два три, четыре пять.\n".repeat(100);
    let begun = Instant::now();
    insertion
        .insert(&typed, Some(&target), Pasting::Typed)
        .unwrap();
    window.comes_to(&typed);
    println!(
        "typed {} letters in {:?}",
        typed.chars().count(),
        begun.elapsed()
    );
    let pasted = "Раз два три. ".repeat(2_000);
    let begun = Instant::now();
    let inserted = insertion.insert(&pasted, Some(&target), Pasting::ControlV);
    assert_eq!(inserted, Ok(Inserted::Taken));
    window.comes_to(&(typed + &pasted));
    println!(
        "pasted {} letters in {:?}",
        pasted.chars().count(),
        begun.elapsed()
    );
}

#[test]
fn the_window_where_dictation_began_gets_the_text() {
    let (_person, insertion) = open();
    let began = OtherProgram::start("began");
    let target = began.target(&insertion);
    let other = OtherProgram::start("other");
    other.target(&insertion);
    let inserted = insertion.insert(SAID, Some(&target), Pasting::Automatic);
    assert_eq!(inserted, Ok(Inserted::Taken));
    began.comes_to(SAID);
    assert_eq!(other.text(), "");
    assert_eq!(insertion.target().unwrap(), Some(target));
}

#[test]
fn what_somebody_copies_meanwhile_stays() {
    let (_person, insertion) = open();
    let window = OtherProgram::start("meanwhile");
    let target = window.target(&insertion);
    clipboard::copy(&[(TEXT, units("before"))]);
    insertion
        .insert("сказано", Some(&target), Pasting::Automatic)
        .unwrap();
    clipboard::copy(&[(TEXT, units("copied meanwhile"))]);
    // Longer than the former contents would have taken to come back.
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(clipboard::paste(TEXT), Some(units("copied meanwhile")));
}

#[test]
fn nobody_taking_the_text_is_said_and_it_is_marked_as_passing() {
    let (_person, insertion) = open();
    let window = OtherProgram::start_deaf("deaf");
    let target = window.target(&insertion);
    let former = [(TEXT, units("before"))];
    clipboard::copy(&former);
    let inserted = insertion.insert(SAID, Some(&target), Pasting::Automatic);
    assert_eq!(inserted, Err(InsertionError::NotTaken));
    let lent = clipboard::formats();
    for name in [
        "ExcludeClipboardContentFromMonitorProcessing",
        "CanIncludeInClipboardHistory",
        "CanUploadToCloudClipboard",
    ] {
        assert!(lent.contains(&clipboard::format(name)), "{name}");
    }
    assert_eq!(
        insertion.clipboard_text().unwrap().as_deref(),
        Some("before")
    );
    comes_back(&former);
}

#[test]
fn nothing_is_done_while_keys_are_held_or_the_window_is_gone() {
    let (person, insertion) = open();
    let window = OtherProgram::start("held");
    let target = window.target(&insertion);
    clipboard::copy(&[(TEXT, units("before"))]);
    person.does("keydown ctrl");
    let inserted = insertion.insert(SAID, Some(&target), Pasting::Automatic);
    assert_eq!(inserted, Err(InsertionError::KeysHeld));
    person.does("keyup ctrl");
    let gone = TargetWindow {
        id: target.id + 0x000F_FFF0,
        app: None,
    };
    let inserted = insertion.insert(SAID, Some(&gone), Pasting::Automatic);
    assert_eq!(inserted, Err(InsertionError::WindowGone));
    assert_eq!(clipboard::paste(TEXT), Some(units("before")));
    assert_eq!(window.text(), "");
}

#[test]
fn copying_is_for_good() {
    let (_person, insertion) = open();
    insertion.copy(SAID).unwrap();
    let lines = SAID.replace('\n', "\r\n");
    assert_eq!(clipboard::paste(TEXT), Some(units(&lines)));
    assert_eq!(insertion.clipboard_text().unwrap().as_deref(), Some(SAID));
    let copied = insertion.insert("once more", None, Pasting::ClipboardOnly);
    assert_eq!(copied, Ok(Inserted::Copied));
    drop(insertion);
    assert_eq!(clipboard::paste(TEXT), Some(units("once more")));
}

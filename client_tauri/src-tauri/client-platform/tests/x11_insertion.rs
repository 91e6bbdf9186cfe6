//! Text into windows of other programs on a real X server, and the clipboard given back.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod screen;

use std::sync::mpsc::Receiver;
use std::time::Duration;

use client_core::ports::{Inserted, Insertion, InsertionError, Pasting, TargetWindow};
use client_platform::x11::X11Insertion;
use screen::{Screen, until};

const SAID: &str =
    "Съешь же ещё этих мягких французских булок, да выпей чаю — «всё»: 25,5 % & done.";

struct TextWindow {
    target: TargetWindow,
    said: Receiver<String>,
}

impl TextWindow {
    fn open(screen: &mut Screen, insertion: &X11Insertion, title: &str, text: &str) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/screen/text_window.py");
        let said = screen.start_telling("/usr/bin/python3", &[script, title, text]);
        said.recv_timeout(Duration::from_secs(30))
            .expect("a GTK window");
        let mut target = None;
        until("the focus of the window", || {
            let name = screen.output("xdotool", &["getactivewindow", "getwindowname"]);
            target = insertion.target().unwrap();
            name.trim() == title && target.is_some()
        });
        Self {
            target: target.unwrap(),
            said,
        }
    }

    fn comes_to(&self, text: &str) {
        loop {
            let said = self
                .said
                .recv_timeout(Duration::from_secs(20))
                .unwrap_or_else(|_| panic!("never came to {} characters", text.len()));
            if serde_json::from_str::<String>(&said).unwrap() == text {
                return;
            }
        }
    }
}

fn open(layout: &str) -> Option<(Screen, X11Insertion)> {
    let screen = Screen::start(layout)?;
    let insertion = X11Insertion::open(Some(&screen.name)).unwrap();
    Some((screen, insertion))
}

fn comes_back(screen: &Screen, selection: &str, target: &str, content: &[u8]) {
    until("the former clipboard", || {
        screen.read(selection, target) == content
    });
}

#[test]
fn text_arrives_on_every_layout_and_the_clipboard_is_given_back() {
    let Some((mut screen, insertion)) = open("us") else {
        return;
    };
    let window = TextWindow::open(&mut screen, &insertion, "field", "");
    assert_eq!(window.target.app.as_deref(), Some("Text_window.py"));
    let mut text = String::new();
    for layout in ["us", "ru", "us,ru", "ru,us"] {
        screen.layout(layout);
        let (copied, marked) = (format!("прежнее {layout}"), format!("marked {layout}"));
        screen.own("clipboard", "UTF8_STRING", copied.as_bytes());
        screen.own("primary", "UTF8_STRING", marked.as_bytes());
        let inserted = insertion.insert(SAID, Some(&window.target), Pasting::Automatic);
        assert_eq!(inserted, Ok(Inserted::Taken), "{layout}");
        text.push_str(SAID);
        window.comes_to(&text);
        comes_back(&screen, "clipboard", "UTF8_STRING", copied.as_bytes());
        comes_back(&screen, "primary", "UTF8_STRING", marked.as_bytes());
    }
}

#[test]
fn the_window_where_dictation_began_gets_the_text_and_its_selection_is_replaced() {
    let Some((mut screen, insertion)) = open("us,ru") else {
        return;
    };
    let began = TextWindow::open(&mut screen, &insertion, "began", "to be replaced");
    let _other = TextWindow::open(&mut screen, &insertion, "other", "");
    assert_ne!(insertion.target().unwrap().as_ref(), Some(&began.target));
    let inserted = insertion.insert(SAID, Some(&began.target), Pasting::Automatic);
    assert_eq!(inserted, Ok(Inserted::Taken));
    began.comes_to(SAID);
    assert_eq!(insertion.target().unwrap().as_ref(), Some(&began.target));
}

#[test]
fn keys_are_not_struck_while_another_program_has_the_focus_whatever_the_window_manager_says() {
    let Some((mut screen, insertion)) = open("us") else {
        return;
    };
    let began = TextWindow::open(&mut screen, &insertion, "began", "as it was");
    let other = TextWindow::open(&mut screen, &insertion, "other", "");
    screen.own("clipboard", "UTF8_STRING", b"before");
    // As it is while a menu or a locked screen, which it does not manage, has the keys.
    screen.call_active(u32::try_from(began.target.id).unwrap());
    assert_eq!(insertion.target().unwrap().as_ref(), Some(&began.target));
    let inserted = insertion.insert(SAID, Some(&began.target), Pasting::Automatic);
    assert_eq!(inserted, Err(InsertionError::Unreachable));
    assert_eq!(screen.read("clipboard", "UTF8_STRING"), b"before");
    screen.call_active(u32::try_from(other.target.id).unwrap());
    let inserted = insertion.insert(SAID, Some(&other.target), Pasting::Automatic);
    assert_eq!(inserted, Ok(Inserted::Taken));
    other.comes_to(SAID);
}

#[test]
fn a_window_that_keys_held_meanwhile_bring_to_the_front_gets_nothing() {
    let Some((mut screen, insertion)) = open("us") else {
        return;
    };
    let began = TextWindow::open(&mut screen, &insertion, "began", "");
    let other = TextWindow::open(&mut screen, &insertion, "other", "");
    screen.keys(&["windowactivate", "--sync", &began.target.id.to_string()]);
    screen.keys(&["keydown", "alt"]);
    // As Alt+Tab does: the other window comes when the key is let go, or just before.
    let inserted = std::thread::scope(|scope| {
        let inserting =
            scope.spawn(|| insertion.insert(SAID, Some(&began.target), Pasting::Automatic));
        std::thread::sleep(Duration::from_millis(300));
        screen.keys(&[
            "windowactivate",
            &other.target.id.to_string(),
            "keyup",
            "alt",
        ]);
        inserting.join().unwrap()
    });
    assert_eq!(inserted, Ok(Inserted::Taken));
    began.comes_to(SAID);
    assert!(other.said.try_iter().all(|said| said == "\"\""));
}

#[test]
fn the_cursor_goes_back_to_its_place_in_the_text() {
    let Some((mut screen, insertion)) = open("ru") else {
        return;
    };
    let window = TextWindow::open(&mut screen, &insertion, "field", "");
    for text in ["Здравствуйте, ! Спасибо.", "Анна"] {
        let inserted = insertion.insert(text, Some(&window.target), Pasting::Automatic);
        assert_eq!(inserted, Ok(Inserted::Taken));
        assert_eq!(insertion.step_back(Some(&window.target), 10), Ok(()));
    }
    window.comes_to("Здравствуйте, Анна! Спасибо.");
}

#[test]
fn a_terminal_gets_the_text_too() {
    let Some((mut screen, insertion)) = open("ru") else {
        return;
    };
    screen.own("primary", "UTF8_STRING", b"marked before");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("typed");
    let length = SAID.len();
    let script = format!(
        "stty -icanon -echo; dd bs=1 count={length} of={} 2>/dev/null; sleep 60",
        file.display()
    );
    screen.start_program("xterm", &["-u8", "-e", "sh", "-c", &script]);
    let mut target = None;
    until("a terminal", || {
        target = insertion.target().unwrap();
        file.exists()
            && target
                .as_ref()
                .is_some_and(|t| t.app.as_deref() == Some("XTerm"))
    });
    let inserted = insertion.insert(SAID, target.as_ref(), Pasting::Automatic);
    assert_eq!(inserted, Ok(Inserted::Taken));
    until("the text in the terminal", || {
        std::fs::read(&file).is_ok_and(|typed| typed == SAID.as_bytes())
    });
    comes_back(&screen, "primary", "UTF8_STRING", b"marked before");
}

#[test]
fn long_text_and_long_former_contents_pass_in_portions() {
    let Some((mut screen, insertion)) = open("us") else {
        return;
    };
    let window = TextWindow::open(&mut screen, &insertion, "field", "");
    let former = "Привет! ".repeat(100_000);
    screen.own("clipboard", "UTF8_STRING", former.as_bytes());
    let long = "Раз два три. ".repeat(20_000);
    let inserted = insertion.insert(&long, Some(&window.target), Pasting::Automatic);
    assert_eq!(inserted, Ok(Inserted::Taken));
    window.comes_to(&long);
    comes_back(&screen, "clipboard", "UTF8_STRING", former.as_bytes());
}

#[test]
fn an_image_in_the_clipboard_is_given_back() {
    let Some((mut screen, insertion)) = open("us") else {
        return;
    };
    let window = TextWindow::open(&mut screen, &insertion, "field", "");
    let image: Vec<u8> = (0..300_000_u32).map(|n| (n % 251) as u8).collect();
    screen.own("clipboard", "image/png", &image);
    insertion
        .insert(SAID, Some(&window.target), Pasting::Automatic)
        .unwrap();
    window.comes_to(SAID);
    comes_back(&screen, "clipboard", "image/png", &image);
}

#[test]
fn what_somebody_copies_meanwhile_stays() {
    let Some((mut screen, insertion)) = open("us") else {
        return;
    };
    let window = TextWindow::open(&mut screen, &insertion, "field", "");
    screen.own("clipboard", "UTF8_STRING", b"before");
    screen.own("primary", "UTF8_STRING", b"before");
    insertion
        .insert(SAID, Some(&window.target), Pasting::Automatic)
        .unwrap();
    screen.own("clipboard", "UTF8_STRING", b"copied meanwhile");
    // PRIMARY comes back after it would have, had it been given back.
    comes_back(&screen, "primary", "UTF8_STRING", b"before");
    assert_eq!(screen.read("clipboard", "UTF8_STRING"), b"copied meanwhile");
}

#[test]
fn nobody_taking_the_text_is_said_and_it_is_marked_as_passing() {
    let Some((mut screen, insertion)) = open("us") else {
        return;
    };
    screen.own("clipboard", "UTF8_STRING", b"before");
    screen.start_program("xev", &[]);
    until("a window", || insertion.target().unwrap().is_some());
    let inserted = insertion.insert(SAID, None, Pasting::Automatic);
    assert_eq!(inserted, Err(InsertionError::NotTaken));
    let targets = String::from_utf8(screen.read("clipboard", "TARGETS")).unwrap();
    assert!(targets.contains("x-kde-passwordManagerHint"), "{targets}");
    assert_eq!(
        insertion.clipboard_text().unwrap().as_deref(),
        Some("before")
    );
    comes_back(&screen, "clipboard", "UTF8_STRING", b"before");
}

#[test]
fn nothing_is_done_while_keys_are_held_or_the_window_is_gone() {
    let Some((mut screen, insertion)) = open("us") else {
        return;
    };
    let window = TextWindow::open(&mut screen, &insertion, "field", "");
    screen.own("clipboard", "UTF8_STRING", b"before");
    screen.keys(&["keydown", "ctrl"]);
    let inserted = insertion.insert(SAID, Some(&window.target), Pasting::Automatic);
    assert_eq!(inserted, Err(InsertionError::KeysHeld));
    screen.keys(&["keyup", "ctrl"]);
    let gone = TargetWindow {
        id: window.target.id + 0x000F_FFFF,
        app: None,
    };
    let inserted = insertion.insert(SAID, Some(&gone), Pasting::Automatic);
    assert_eq!(inserted, Err(InsertionError::WindowGone));
    assert_eq!(screen.read("clipboard", "UTF8_STRING"), b"before");
}

#[test]
fn copying_is_for_good() {
    let Some((screen, insertion)) = open("us") else {
        return;
    };
    assert_eq!(insertion.clipboard_text().unwrap(), None);
    insertion.copy(SAID).unwrap();
    assert_eq!(screen.read("clipboard", "UTF8_STRING"), SAID.as_bytes());
    assert_eq!(insertion.clipboard_text().unwrap().as_deref(), Some(SAID));
    let copied = insertion.insert("once more", None, Pasting::ClipboardOnly);
    assert_eq!(copied, Ok(Inserted::Copied));
    assert_eq!(screen.read("clipboard", "UTF8_STRING"), b"once more");
}

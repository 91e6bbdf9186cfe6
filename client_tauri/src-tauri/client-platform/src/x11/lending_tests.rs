//! Lending on a real X server, where who asked does not wait.

use super::super::wake::pair;
use super::*;

#[path = "../../tests/screen/mod.rs"]
mod screen;

#[test]
fn nothing_is_struck_for_somebody_who_has_given_up() {
    let Some(screen) = screen::Screen::start("us") else {
        return;
    };
    screen.own("clipboard", "UTF8_STRING", b"before");
    let (_waker, wake) = pair().unwrap();
    let clipboard = Clipboard::open(Some(&screen.name), wake).unwrap();
    let mut lender = Lender::open(clipboard).unwrap();
    let now = Instant::now();
    for pasting in [Pasting::Automatic, Pasting::ClipboardOnly] {
        let inserted = lender.insert("too late", None, pasting, now);
        assert_eq!(inserted, Err(InsertionError::NotTaken));
    }
    let stepped = lender.step_back(None, 1, now);
    assert_eq!(stepped, Err(InsertionError::NotTaken));
    assert!(lender.loan.is_none());
    assert_eq!(screen.read("clipboard", "UTF8_STRING"), b"before");
}

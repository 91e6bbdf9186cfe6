//! What the tests share: one desktop, one at a time at it, and a hand that strikes keys as a person does.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Focus, clipboard and keys are one for all.
static DESK: Mutex<()> = Mutex::new(());

/// Somebody at the desktop.
pub struct Person {
    _alone: MutexGuard<'static, ()>,
}

impl Person {
    pub fn sits_down() -> Self {
        let person = Self {
            _alone: DESK.lock().unwrap_or_else(PoisonError::into_inner),
        };
        // Whoever sat here before may have left in a hurry.
        person.does("keyup Control_L keyup Super_L keyup Alt_L keyup Shift_L keyup 40");
        person
    }

    /// Has the hand outside do something: words of `xdotool`, or `setxkbmap` and its.
    pub fn does(&self, words: &str) {
        by_hand(words);
    }
}

/// The same from a place where it is known that somebody sits here.
pub fn by_hand(words: &str) {
    let address =
        std::env::var("ALFAVOICE_HANDS").expect("ALFAVOICE_HANDS: where the hand outside listens");
    let mut hand = TcpStream::connect(address).unwrap();
    hand.set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    writeln!(hand, "{words}").unwrap();
    let mut done = String::new();
    BufReader::new(hand).read_line(&mut done).unwrap();
    assert_eq!(done.trim(), "done", "{words}");
}

/// Waits for something that is sure to come, at most half a minute.
pub fn until(what: &str, mut happened: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !happened() {
        assert!(Instant::now() < deadline, "never came: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

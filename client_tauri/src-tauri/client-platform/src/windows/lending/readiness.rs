//! Waiting until a window has the focus and nobody holds a modifier.

use std::time::{Duration, Instant};

use ::windows::Win32::Foundation::HWND;
use client_core::ports::InsertionError;

use super::super::foreground;
use super::super::keyboard::modifiers_held;
use super::{Lender, in_time};

/// Windows brings a window to the front within this time.
const FRONT: Duration = Duration::from_secs(2);
/// How long somebody may hold modifiers.
const HELD: Duration = Duration::from_secs(3);
/// After the keys of Alt+Tab are let go another window has come to the front within this time.
const SWITCHED: Duration = Duration::from_millis(100);
/// It refuses while another program has just come to the front, so it is asked again.
const ASK: Duration = Duration::from_millis(250);
/// How often what has no event is looked at.
const LOOK: Duration = Duration::from_millis(10);

impl Lender {
    /// The window is in front and no modifier is held. Keys that were let go only now may have been those of Alt+Tab: then the window
    /// is brought to the front once more.
    pub(super) fn ready(&mut self, window: HWND, until: Instant) -> Result<(), InsertionError> {
        loop {
            self.front(window)?;
            if !self.keys_up()? {
                return Ok(());
            }
            self.pause(SWITCHED);
            in_time(until)?;
        }
    }

    fn front(&mut self, window: HWND) -> Result<(), InsertionError> {
        let deadline = Instant::now() + FRONT;
        let mut ask_at = Instant::now();
        while foreground::active() != Some(window) {
            if !foreground::exists(window) {
                return Err(InsertionError::WindowGone);
            }
            if Instant::now() >= deadline {
                return Err(InsertionError::Unreachable);
            }
            if Instant::now() >= ask_at {
                foreground::activate(window);
                ask_at = Instant::now() + ASK;
            }
            self.pause(LOOK);
        }
        Ok(())
    }

    /// Whether it had to be waited for.
    fn keys_up(&mut self) -> Result<bool, InsertionError> {
        let deadline = Instant::now() + HELD;
        let mut waited = false;
        while modifiers_held() {
            if Instant::now() >= deadline {
                return Err(InsertionError::KeysHeld);
            }
            self.pause(LOOK);
            waited = true;
        }
        Ok(waited)
    }
}

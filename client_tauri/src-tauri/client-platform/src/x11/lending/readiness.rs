//! Waiting until a window has the focus and nobody holds a modifier.

use std::time::{Duration, Instant};

use client_core::ports::InsertionError;
use x11rb::protocol::xproto::Window;

use super::super::display::DisplayError;
use super::super::pasting::modifiers_held;
use super::super::windows;
use super::{HELD, LOOK, Lender, in_time};

/// A window manager brings a window to the front within this time.
const FRONT: Duration = Duration::from_secs(1);
/// After the keys of Alt+Tab are let go another window has come to the front within this time.
const SWITCHED: Duration = Duration::from_millis(100);

impl Lender {
    /// The window is in front and no modifier is held. Keys that were let go only now may have been those of Alt+Tab: then the window
    /// is brought to the front once more.
    pub(super) fn ready(
        &mut self,
        target: Option<Window>,
        until: Instant,
    ) -> Result<(), InsertionError> {
        loop {
            self.front(target)?;
            if !self.keys_up()? {
                return Ok(());
            }
            self.pause(SWITCHED)?;
            in_time(until)?;
        }
    }

    fn front(&mut self, target: Option<Window>) -> Result<(), InsertionError> {
        let Some(target) = target else {
            return Ok(());
        };
        let atoms = self.clipboard.atoms;
        let deadline = Instant::now() + FRONT;
        let mut asked = false;
        loop {
            if !windows::exists(&self.clipboard.display, target)? {
                return Err(InsertionError::WindowGone);
            }
            if self.is_in_front(Some(target))? {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(InsertionError::Unreachable);
            }
            let display = &self.clipboard.display;
            if !asked && windows::active(display, &atoms)? != Some(target) {
                windows::activate(display, &atoms, target)?;
                asked = true;
            }
            self.pause(LOOK)?;
        }
    }

    pub(super) fn is_in_front(&self, target: Option<Window>) -> Result<bool, DisplayError> {
        let Some(target) = target else {
            return Ok(true);
        };
        let display = &self.clipboard.display;
        let active = windows::active(display, &self.clipboard.atoms)? == Some(target);
        // Another program's menu or a locked screen may have the focus without being a window of the window manager's.
        Ok(active && windows::has_focus(display, target)?)
    }

    /// Whether it had to be waited for.
    fn keys_up(&mut self) -> Result<bool, InsertionError> {
        let deadline = Instant::now() + HELD;
        let mut waited = false;
        while modifiers_held(&self.clipboard.display, &self.keyboard)? {
            if Instant::now() >= deadline {
                return Err(InsertionError::KeysHeld);
            }
            self.pause(LOOK)?;
            waited = true;
        }
        Ok(waited)
    }
}

//! Taking chords with a key from other programs, for every combination of the Lock keys.

use std::collections::BTreeMap;

use client_core::ports::{Binding, Chord, HotkeyError, Key, Modifier};
use x11rb::errors::ReplyError;
use x11rb::protocol::ErrorKind;
use x11rb::protocol::xproto::{ButtonIndex, ConnectionExt as _, EventMask, GrabMode, ModMask};
use x11rb::wrapper::ConnectionExt as _;

use super::display::{Display, DisplayError};
use super::keyboard::Keyboard;
use crate::chords::{Struck, bindable, only_heard};

/// Mouse buttons 4 to 7 of X are the wheel, so the side buttons are 8 and 9.
pub const SIDE_BUTTONS: [(&str, u8); 2] = [("Mouse4", 8), ("Mouse5", 9)];

/// The name of a button by its number; `None` for all but the side buttons.
pub fn side_button(detail: u32) -> Option<Struck> {
    SIDE_BUTTONS
        .iter()
        .find(|(_, button)| u32::from(*button) == detail)
        .map(|(name, _)| Struck::Place(name))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Spot {
    Key(u8, u16),
    Button(u8, u16),
}

/// What is grabbed now.
#[derive(Debug, Default)]
pub struct Grabs {
    held: BTreeMap<Spot, Chord>,
}

impl Grabs {
    /// Grabs exactly what these bindings need. What was grabbed before and still is wanted is never let go in between.
    ///
    /// # Errors
    /// [`HotkeyError::Taken`] or [`HotkeyError::Unsupported`], and then nothing has changed.
    pub fn take(
        &mut self,
        display: &Display,
        keyboard: &Keyboard,
        bindings: &[Binding],
    ) -> Result<(), HotkeyError> {
        let wanted = spots(keyboard, bindings)?;
        let mut fresh = Vec::new();
        for (spot, chord) in wanted
            .iter()
            .filter(|(spot, _)| !self.held.contains_key(spot))
        {
            match grab(display, *spot) {
                Ok(true) => fresh.push(*spot),
                other => {
                    for spot in fresh {
                        release(display, spot).map_err(system)?;
                    }
                    settle(display).map_err(system)?;
                    return match other {
                        Ok(_) => Err(HotkeyError::Taken(chord.clone())),
                        Err(error) => Err(system(error)),
                    };
                }
            }
        }
        for spot in self.held.keys().filter(|spot| !wanted.contains_key(spot)) {
            release(display, *spot).map_err(system)?;
        }
        settle(display).map_err(system)?;
        self.held = wanted;
        Ok(())
    }

    /// Lets everything go.
    ///
    /// # Errors
    /// When the display went away.
    pub fn release(&mut self, display: &Display) -> Result<(), DisplayError> {
        for spot in std::mem::take(&mut self.held).into_keys() {
            release(display, spot)?;
        }
        settle(display)
    }
}

/// Comes back once the server has done all it was asked.
fn settle(display: &Display) -> Result<(), DisplayError> {
    Ok(display.connection.sync()?)
}

fn system(error: DisplayError) -> HotkeyError {
    match error {
        DisplayError::Absent(_) | DisplayError::Gone(_) => HotkeyError::Unavailable,
        DisplayError::TimedOut => HotkeyError::TimedOut,
        other => HotkeyError::System(other.to_string()),
    }
}

fn spots(keyboard: &Keyboard, bindings: &[Binding]) -> Result<BTreeMap<Spot, Chord>, HotkeyError> {
    let mut spots = BTreeMap::new();
    for binding in bindings {
        let chord = &binding.chord;
        let unsupported = || HotkeyError::Unsupported(chord.clone());
        if !bindable(chord) {
            return Err(unsupported());
        }
        let Some(Key(code)) = &chord.key else {
            continue;
        };
        let button = SIDE_BUTTONS.iter().find(|(name, _)| name == code);
        let key = keyboard.key(code);
        if button.is_none() && key.is_none() {
            return Err(unsupported());
        }
        if only_heard(binding) {
            continue;
        }
        let modifiers = mask(keyboard, chord).ok_or_else(unsupported)?;
        for locks in keyboard.locks() {
            let spot = match (button, key) {
                (Some((_, button)), _) => Spot::Button(*button, modifiers | locks),
                (None, Some(key)) => Spot::Key(key, modifiers | locks),
                (None, None) => continue,
            };
            spots.insert(spot, chord.clone());
        }
    }
    Ok(spots)
}

/// The modifier bits of a chord; `None` when this keyboard cannot say one of its modifiers.
fn mask(keyboard: &Keyboard, chord: &Chord) -> Option<u16> {
    chord.modifiers.iter().try_fold(0, |mask, modifier| {
        let places: &[&str] = match modifier {
            Modifier::Control => &["ControlLeft", "ControlRight"],
            Modifier::RightControl => &["ControlRight"],
            Modifier::Alt => &["AltLeft", "AltRight"],
            Modifier::RightAlt => &["AltRight"],
            Modifier::Shift => &["ShiftLeft", "ShiftRight"],
            Modifier::Super => &["MetaLeft", "MetaRight"],
        };
        let bits = places
            .iter()
            .map(|place| keyboard.mask(place))
            .find(|m| *m != 0)?;
        Some(mask | bits)
    })
}

/// Whether it could be had: `false` when another program has it.
fn grab(display: &Display, spot: Spot) -> Result<bool, DisplayError> {
    let (connection, root) = (&display.connection, display.root);
    let asked = match spot {
        Spot::Key(key, modifiers) => connection.grab_key(
            true,
            root,
            ModMask::from(modifiers),
            key,
            GrabMode::ASYNC,
            GrabMode::ASYNC,
        )?,
        Spot::Button(button, modifiers) => connection.grab_button(
            false,
            root,
            EventMask::BUTTON_PRESS | EventMask::BUTTON_RELEASE,
            GrabMode::ASYNC,
            GrabMode::ASYNC,
            x11rb::NONE,
            x11rb::NONE,
            ButtonIndex::from(button),
            ModMask::from(modifiers),
        )?,
    };
    match asked.check() {
        Ok(()) => Ok(true),
        Err(ReplyError::X11Error(error)) if error.error_kind == ErrorKind::Access => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn release(display: &Display, spot: Spot) -> Result<(), DisplayError> {
    let (connection, root) = (&display.connection, display.root);
    match spot {
        Spot::Key(key, modifiers) => connection
            .ungrab_key(key, root, ModMask::from(modifiers))?
            .ignore_error(),
        Spot::Button(button, modifiers) => connection
            .ungrab_button(ButtonIndex::from(button), root, ModMask::from(modifiers))?
            .ignore_error(),
    }
    Ok(())
}

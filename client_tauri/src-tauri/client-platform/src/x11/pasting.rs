//! Striking the keys that paste, by their place, through XTEST.

use x11rb::connection::Connection;
use x11rb::protocol::xproto::{ConnectionExt as _, KEY_PRESS_EVENT, KEY_RELEASE_EVENT};
use x11rb::protocol::xtest::ConnectionExt as _;

use client_core::ports::Pasting;

use super::display::{Display, DisplayError};
use super::keyboard::{Keyboard, down};

/// The keys of a way to paste, in the order they go down.
///
/// Shift+Insert means paste on every layout. Ctrl+V needs a layout with Latin letters in one of its groups, so it is
/// there for programs that know nothing else. Typing Cyrillic key by key loses letters on X11 unless the layout has
/// them, so it is not done: what asks for it is pasted.
#[must_use]
pub fn chord(pasting: Pasting) -> &'static [&'static str] {
    match pasting {
        Pasting::Automatic | Pasting::ShiftInsert | Pasting::Typed => &["ShiftLeft", "Insert"],
        Pasting::ControlV => &["ControlLeft", "KeyV"],
        Pasting::ControlShiftV => &["ControlLeft", "ShiftLeft", "KeyV"],
        Pasting::ClipboardOnly => &[],
    }
}

/// Whether the person holds a modifier, which would make the keys another chord.
///
/// # Errors
/// When the display went away.
pub fn modifiers_held(display: &Display, keyboard: &Keyboard) -> Result<bool, DisplayError> {
    let keys = display.connection.query_keymap()?.reply()?.keys;
    let modifiers = keyboard.held_modifiers();
    Ok(down(&keys).any(|key| modifiers.contains(&key)))
}

/// Strikes the keys.
///
/// # Errors
/// [`DisplayError::Lacks`] when this keyboard has no such key or the server no XTEST.
pub fn strike(display: &Display, keyboard: &Keyboard, places: &[&str]) -> Result<(), DisplayError> {
    let keys: Option<Vec<u8>> = places.iter().map(|place| keyboard.key(place)).collect();
    let keys = keys.ok_or(DisplayError::Lacks("key to paste with"))?;
    let connection = &display.connection;
    let strokes = keys
        .iter()
        .map(|key| (KEY_PRESS_EVENT, *key))
        .chain(keys.iter().rev().map(|key| (KEY_RELEASE_EVENT, *key)));
    for (way, key) in strokes {
        connection
            .xtest_fake_input(way, key, x11rb::CURRENT_TIME, x11rb::NONE, 0, 0, 0)?
            .ignore_error();
    }
    connection.flush()?;
    Ok(())
}

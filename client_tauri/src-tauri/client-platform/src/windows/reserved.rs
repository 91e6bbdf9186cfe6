//! Chords in the system's own table of hotkeys: by it another program's are found out, and others find out ours.
//!
//! The table is not what hears a chord (it tells no release): the hook does. A chord that the table tells nevertheless
//! has passed the hook by, so Windows has taken the hook away.

use std::collections::BTreeMap;

use ::windows::Win32::Foundation::ERROR_HOTKEY_ALREADY_REGISTERED;
use ::windows::Win32::UI::Input::KeyboardAndMouse::{
    HOT_KEY_MODIFIERS, MOD_ALT, MOD_CONTROL, MOD_NOREPEAT, MOD_SHIFT, MOD_WIN, RegisterHotKey,
    UnregisterHotKey,
};
use client_core::ports::{Binding, Chord, HotkeyError, Key, Modifier};

use crate::chords::{bindable, only_heard};
use crate::keys;

/// Modifiers and virtual key.
type Spot = (u32, u16);

/// What this thread has reserved; free again when dropped (on the same thread).
#[derive(Debug, Default)]
pub struct Reserved {
    held: BTreeMap<Spot, i32>,
    last: i32,
}

impl Reserved {
    /// Reserves exactly what these bindings need; what stays is never free in between.
    ///
    /// # Errors
    /// [`HotkeyError::Taken`] or [`HotkeyError::Unsupported`], and then nothing has changed.
    pub fn take(&mut self, bindings: &[Binding]) -> Result<(), HotkeyError> {
        let wanted = spots(bindings)?;
        let mut fresh = BTreeMap::new();
        for (spot, chord) in &wanted {
            if self.held.contains_key(spot) {
                continue;
            }
            self.last += 1;
            match register(self.last, *spot) {
                Ok(true) => {
                    fresh.insert(*spot, self.last);
                }
                Ok(false) => {}
                Err(Taken) => {
                    fresh.into_values().for_each(unregister);
                    return Err(HotkeyError::Taken(chord.clone()));
                }
            }
        }
        self.held.retain(|spot, id| {
            let wanted = wanted.contains_key(spot);
            if !wanted {
                unregister(*id);
            }
            wanted
        });
        self.held.extend(fresh);
        Ok(())
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.held.values().copied().for_each(unregister);
    }
}

/// Another program has it.
struct Taken;

/// `Ok(false)`: the table cannot have it (a key it does not know), the hook can.
fn register(id: i32, (modifiers, key): Spot) -> Result<bool, Taken> {
    let modifiers = HOT_KEY_MODIFIERS(modifiers) | MOD_NOREPEAT;
    // SAFETY: no pointers; without a window the chord is told to this thread.
    match unsafe { RegisterHotKey(None, id, modifiers, key.into()) } {
        Ok(()) => Ok(true),
        Err(error) if error.code() == ERROR_HOTKEY_ALREADY_REGISTERED.to_hresult() => Err(Taken),
        Err(_) => Ok(false),
    }
}

fn unregister(id: i32) {
    // One that is not there any more is free as well.
    // SAFETY: no pointers.
    let _ = unsafe { UnregisterHotKey(None, id) };
}

fn spots(bindings: &[Binding]) -> Result<BTreeMap<Spot, Chord>, HotkeyError> {
    let mut spots = BTreeMap::new();
    for binding in bindings {
        let chord = &binding.chord;
        if !bindable(chord) {
            return Err(HotkeyError::Unsupported(chord.clone()));
        }
        let place = chord.key.as_ref().and_then(|Key(code)| keys::by_code(code));
        if let (Some(place), false, false) = (place, only_heard(binding), sided(chord)) {
            spots.insert((bits(chord), place.windows), chord.clone());
        }
    }
    Ok(spots)
}

fn bits(chord: &Chord) -> u32 {
    chord.modifiers.iter().fold(0, |bits, modifier| {
        bits | match modifier {
            Modifier::Control | Modifier::RightControl => MOD_CONTROL.0,
            Modifier::Alt | Modifier::RightAlt => MOD_ALT.0,
            Modifier::Shift => MOD_SHIFT.0,
            Modifier::Super => MOD_WIN.0,
        }
    })
}

/// Whether the chord holds a modifier of one side only, which the system's own table of hotkeys does not know.
fn sided(chord: &Chord) -> bool {
    chord
        .modifiers
        .iter()
        .any(|modifier| matches!(modifier, Modifier::RightControl | Modifier::RightAlt))
}

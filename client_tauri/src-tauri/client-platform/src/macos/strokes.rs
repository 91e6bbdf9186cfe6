//! Keys struck by this program.

use objc2_core_graphics::{
    CGEvent, CGEventFlags, CGEventSource, CGEventSourceStateID, CGEventTapLocation,
};

/// `kVK_ANSI_V`, `kVK_Return`: by place, as menus read them on Cyrillic layouts too.
const V: u16 = 0x09;
const RETURN: u16 = 0x24;
/// An event carries no more UTF-16 units than this.
const UNITS: usize = 20;

/// The system made no event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused;

/// Strikes Command+V, with Shift if that is asked for.
///
/// # Errors
/// [`Refused`].
pub fn paste(shifted: bool) -> Result<(), Refused> {
    let mut flags = CGEventFlags::MaskCommand;
    if shifted {
        flags |= CGEventFlags::MaskShift;
    }
    strike(V, flags)
}

/// Types a text in pieces, between which `goes_on` is asked; whether all of it was typed.
///
/// # Errors
/// [`Refused`].
pub fn type_out(text: &str, mut goes_on: impl FnMut() -> bool) -> Result<bool, Refused> {
    for (number, line) in text.replace("\r\n", "\n").split('\n').enumerate() {
        if number > 0 {
            strike(RETURN, CGEventFlags(0))?;
        }
        let mut piece: Vec<u16> = Vec::with_capacity(UNITS);
        for letter in line.chars() {
            if piece.len() + letter.len_utf16() > UNITS {
                type_piece(&piece)?;
                piece.clear();
                if !goes_on() {
                    return Ok(false);
                }
            }
            piece.extend(letter.encode_utf16(&mut [0; 2]).iter());
        }
        type_piece(&piece)?;
    }
    Ok(true)
}

fn type_piece(units: &[u16]) -> Result<(), Refused> {
    if units.is_empty() {
        return Ok(());
    }
    for down in [true, false] {
        let event = event(0, down)?;
        let length = units.len().try_into().map_err(|_| Refused)?;
        // SAFETY: the units live through the call, which copies as many as is said.
        unsafe { CGEvent::keyboard_set_unicode_string(Some(&event), length, units.as_ptr()) };
        CGEvent::set_flags(Some(&event), CGEventFlags(0));
        CGEvent::post(CGEventTapLocation::HIDEventTap, Some(&event));
    }
    Ok(())
}

fn strike(key: u16, flags: CGEventFlags) -> Result<(), Refused> {
    for down in [true, false] {
        let event = event(key, down)?;
        CGEvent::set_flags(Some(&event), flags);
        CGEvent::post(CGEventTapLocation::HIDEventTap, Some(&event));
    }
    Ok(())
}

fn event(key: u16, down: bool) -> Result<objc2_core_foundation::CFRetained<CGEvent>, Refused> {
    // A state of its own: what the person holds is not mixed in.
    let source = CGEventSource::new(CGEventSourceStateID::Private);
    CGEvent::new_keyboard_event(source.as_deref(), key, down).ok_or(Refused)
}

/// Whether the person holds a modifier, which would make other keys another chord.
#[must_use]
pub fn modifiers_held() -> bool {
    let flags = CGEventSource::flags_state(CGEventSourceStateID::HIDSystemState);
    flags.intersects(
        CGEventFlags::MaskShift
            | CGEventFlags::MaskControl
            | CGEventFlags::MaskAlternate
            | CGEventFlags::MaskCommand,
    )
}

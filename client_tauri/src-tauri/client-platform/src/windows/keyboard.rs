//! Which place a key of Windows is, and which keys are down.

use ::windows::Win32::UI::Input::KeyboardAndMouse::GetAsyncKeyState;

use crate::chords::Struck;
use crate::keys::{self, Place};

/// `VK_SHIFT`, `VK_CONTROL`, `VK_MENU`, `VK_LWIN`, `VK_RWIN`: either side of each modifier.
const MODIFIERS: [u16; 5] = [0x10, 0x11, 0x12, 0x5B, 0x5C];
/// Bit of a scan code that marks the left Ctrl that layouts with `AltGr` add to the right Alt: nobody struck it.
const ADDED_CONTROL: u32 = 0x200;

/// Scan codes of keys beyond the oldest keyboards: the code after `E0`, and Linux' number of the same key (Microsoft's
/// "Keyboard Scan Code Specification", `input-event-codes.h`).
const EXTENDED: [(u32, u16); 20] = [
    (0x1D, 97),
    (0x35, 98),
    (0x37, 99),
    (0x38, 100),
    (0x45, 69),
    (0x47, 102),
    (0x48, 103),
    (0x49, 104),
    (0x4B, 105),
    (0x4D, 106),
    (0x4F, 107),
    (0x50, 108),
    (0x51, 109),
    (0x52, 110),
    (0x53, 111),
    (0x5B, 125),
    (0x5C, 126),
    (0x5D, 127),
    (0x36, 54),
    (0x46, 119),
];
/// The first and the last of `F13` … `F20`, and Linux' number of the first.
const LATE: (u32, u32, u16) = (0x64, 0x6B, 183);
/// Up to here the numbers of Linux are the scan codes.
const SAME: u32 = 88;
/// `Pause` has the code of `NumLock`, unextended.
const PAUSE: (u32, u16) = (0x45, 119);

/// A key as the hook tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// The virtual key, by the layout; modifiers with their side.
    pub virtual_key: u16,
    /// The scan code, by the place.
    pub scan: u32,
    /// Whether the scan code came after `E0`.
    pub extended: bool,
}

impl Told {
    /// What was struck; `None` for what nobody struck.
    ///
    /// Modifiers go by their virtual key, which has the side in it; all others by their place. A program that sends no
    /// scan code is taken at its virtual key.
    #[must_use]
    pub fn struck(self) -> Option<Struck> {
        let by_key = keys::by_windows(self.virtual_key);
        if by_key.is_some_and(|place| place.code == "ControlLeft") && self.scan & ADDED_CONTROL != 0
        {
            return None;
        }
        let place = match by_key {
            Some(place) if (0xA0..=0xA5).contains(&place.windows) => Some(place),
            _ => self.by_scan().or(by_key),
        };
        Some(
            place.map_or(Struck::Unnamed(self.virtual_key.into()), |place| {
                Struck::Place(place.code)
            }),
        )
    }

    fn by_scan(self) -> Option<&'static Place> {
        let number = if self.extended {
            EXTENDED
                .iter()
                .find(|(scan, _)| *scan == self.scan)
                .map(|(_, number)| *number)
        } else if self.scan == PAUSE.0 {
            Some(PAUSE.1)
        } else if (LATE.0..=LATE.1).contains(&self.scan) {
            u16::try_from(self.scan - LATE.0).ok().map(|n| LATE.2 + n)
        } else if (1..=SAME).contains(&self.scan) {
            u16::try_from(self.scan).ok()
        } else {
            None
        };
        keys::PLACES
            .iter()
            .find(|place| Some(place.evdev) == number)
    }
}

/// Whether the system says that this virtual key is down.
#[must_use]
pub fn down(virtual_key: u16) -> bool {
    // SAFETY: no pointers; any number is answered.
    let state = unsafe { GetAsyncKeyState(i32::from(virtual_key)) };
    state < 0
}

/// Whether the person holds a modifier, which would make other keys another chord.
#[must_use]
pub fn modifiers_held() -> bool {
    MODIFIERS.into_iter().any(down)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn struck(virtual_key: u16, scan: u32, extended: bool) -> Option<Struck> {
        Told {
            virtual_key,
            scan,
            extended,
        }
        .struck()
    }

    #[test]
    fn a_key_is_its_place_whatever_the_layout_calls_it() {
        // The key right of Tab: Q on a US keyboard, A on a French one.
        assert_eq!(struck(0x51, 0x10, false), Some(Struck::Place("KeyQ")));
        assert_eq!(struck(0x41, 0x10, false), Some(Struck::Place("KeyQ")));
        assert_eq!(struck(0x2D, 0x52, true), Some(Struck::Place("Insert")));
        assert_eq!(struck(0x2D, 0x52, false), Some(Struck::Place("Numpad0")));
        assert_eq!(struck(0x7E, 0x66, false), Some(Struck::Place("F15")));
        assert_eq!(struck(0x13, 0x45, false), Some(Struck::Place("Pause")));
        assert_eq!(struck(0x90, 0x45, true), Some(Struck::Place("NumLock")));
    }

    #[test]
    fn modifiers_have_their_side_and_an_added_one_is_none() {
        assert_eq!(struck(0xA1, 0x36, true), Some(Struck::Place("ShiftRight")));
        assert_eq!(struck(0xA5, 0x38, true), Some(Struck::Place("AltRight")));
        assert_eq!(
            struck(0xA2, 0x1D, false),
            Some(Struck::Place("ControlLeft"))
        );
        assert_eq!(struck(0xA2, 0x21D, false), None);
        assert_eq!(struck(0x5B, 0x5B, true), Some(Struck::Place("MetaLeft")));
    }

    #[test]
    fn without_a_scan_code_the_virtual_key_counts_and_the_rest_is_unnamed() {
        assert_eq!(struck(0x20, 0, false), Some(Struck::Place("Space")));
        assert_eq!(struck(0xB3, 0, false), Some(Struck::Unnamed(0xB3)));
    }
}

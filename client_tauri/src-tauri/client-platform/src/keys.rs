//! Keys by their place: one table from the names of W3C UI Events `code` to what each system calls that place.
//!
//! Sources: W3C "UI Events KeyboardEvent code Values"; XKB's key names (xkeyboard-config `keycodes/evdev`), Linux'
//! `input-event-codes.h`, Microsoft's "Virtual-Key Codes", Apple's `HIToolbox/Events.h`.

/// One place of a keyboard in the words of each system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// W3C `code`.
    pub code: &'static str,
    /// XKB's name of the key: up to four characters.
    pub xkb: &'static str,
    /// Linux' number; an X keycode is this and 8 with the usual rules.
    pub evdev: u16,
    /// Windows' virtual key on a US keyboard.
    pub windows: u16,
    /// macOS' virtual key; `0xFF` where there is none.
    pub macos: u16,
}

const NONE: u16 = 0xFF;

const fn place(
    code: &'static str,
    xkb: &'static str,
    evdev: u16,
    windows: u16,
    macos: u16,
) -> Place {
    Place {
        code,
        xkb,
        evdev,
        windows,
        macos,
    }
}

/// Every key that can be bound, and the modifiers.
pub const PLACES: &[Place] = &[
    place("Escape", "ESC", 1, 0x1B, 0x35),
    place("Digit1", "AE01", 2, 0x31, 0x12),
    place("Digit2", "AE02", 3, 0x32, 0x13),
    place("Digit3", "AE03", 4, 0x33, 0x14),
    place("Digit4", "AE04", 5, 0x34, 0x15),
    place("Digit5", "AE05", 6, 0x35, 0x17),
    place("Digit6", "AE06", 7, 0x36, 0x16),
    place("Digit7", "AE07", 8, 0x37, 0x1A),
    place("Digit8", "AE08", 9, 0x38, 0x1C),
    place("Digit9", "AE09", 10, 0x39, 0x19),
    place("Digit0", "AE10", 11, 0x30, 0x1D),
    place("Minus", "AE11", 12, 0xBD, 0x1B),
    place("Equal", "AE12", 13, 0xBB, 0x18),
    place("Backspace", "BKSP", 14, 0x08, 0x33),
    place("Tab", "TAB", 15, 0x09, 0x30),
    place("KeyQ", "AD01", 16, 0x51, 0x0C),
    place("KeyW", "AD02", 17, 0x57, 0x0D),
    place("KeyE", "AD03", 18, 0x45, 0x0E),
    place("KeyR", "AD04", 19, 0x52, 0x0F),
    place("KeyT", "AD05", 20, 0x54, 0x11),
    place("KeyY", "AD06", 21, 0x59, 0x10),
    place("KeyU", "AD07", 22, 0x55, 0x20),
    place("KeyI", "AD08", 23, 0x49, 0x22),
    place("KeyO", "AD09", 24, 0x4F, 0x1F),
    place("KeyP", "AD10", 25, 0x50, 0x23),
    place("BracketLeft", "AD11", 26, 0xDB, 0x21),
    place("BracketRight", "AD12", 27, 0xDD, 0x1E),
    place("Enter", "RTRN", 28, 0x0D, 0x24),
    place("ControlLeft", "LCTL", 29, 0xA2, 0x3B),
    place("KeyA", "AC01", 30, 0x41, 0x00),
    place("KeyS", "AC02", 31, 0x53, 0x01),
    place("KeyD", "AC03", 32, 0x44, 0x02),
    place("KeyF", "AC04", 33, 0x46, 0x03),
    place("KeyG", "AC05", 34, 0x47, 0x05),
    place("KeyH", "AC06", 35, 0x48, 0x04),
    place("KeyJ", "AC07", 36, 0x4A, 0x26),
    place("KeyK", "AC08", 37, 0x4B, 0x28),
    place("KeyL", "AC09", 38, 0x4C, 0x25),
    place("Semicolon", "AC10", 39, 0xBA, 0x29),
    place("Quote", "AC11", 40, 0xDE, 0x27),
    place("Backquote", "TLDE", 41, 0xC0, 0x32),
    place("ShiftLeft", "LFSH", 42, 0xA0, 0x38),
    place("Backslash", "BKSL", 43, 0xDC, 0x2A),
    place("KeyZ", "AB01", 44, 0x5A, 0x06),
    place("KeyX", "AB02", 45, 0x58, 0x07),
    place("KeyC", "AB03", 46, 0x43, 0x08),
    place("KeyV", "AB04", 47, 0x56, 0x09),
    place("KeyB", "AB05", 48, 0x42, 0x0B),
    place("KeyN", "AB06", 49, 0x4E, 0x2D),
    place("KeyM", "AB07", 50, 0x4D, 0x2E),
    place("Comma", "AB08", 51, 0xBC, 0x2B),
    place("Period", "AB09", 52, 0xBE, 0x2F),
    place("Slash", "AB10", 53, 0xBF, 0x2C),
    place("ShiftRight", "RTSH", 54, 0xA1, 0x3C),
    place("NumpadMultiply", "KPMU", 55, 0x6A, 0x43),
    place("AltLeft", "LALT", 56, 0xA4, 0x3A),
    place("Space", "SPCE", 57, 0x20, 0x31),
    place("CapsLock", "CAPS", 58, 0x14, 0x39),
    place("F1", "FK01", 59, 0x70, 0x7A),
    place("F2", "FK02", 60, 0x71, 0x78),
    place("F3", "FK03", 61, 0x72, 0x63),
    place("F4", "FK04", 62, 0x73, 0x76),
    place("F5", "FK05", 63, 0x74, 0x60),
    place("F6", "FK06", 64, 0x75, 0x61),
    place("F7", "FK07", 65, 0x76, 0x62),
    place("F8", "FK08", 66, 0x77, 0x64),
    place("F9", "FK09", 67, 0x78, 0x65),
    place("F10", "FK10", 68, 0x79, 0x6D),
    place("NumLock", "NMLK", 69, 0x90, 0x47),
    place("ScrollLock", "SCLK", 70, 0x91, NONE),
    place("Numpad7", "KP7", 71, 0x67, 0x59),
    place("Numpad8", "KP8", 72, 0x68, 0x5B),
    place("Numpad9", "KP9", 73, 0x69, 0x5C),
    place("NumpadSubtract", "KPSU", 74, 0x6D, 0x4E),
    place("Numpad4", "KP4", 75, 0x64, 0x56),
    place("Numpad5", "KP5", 76, 0x65, 0x57),
    place("Numpad6", "KP6", 77, 0x66, 0x58),
    place("NumpadAdd", "KPAD", 78, 0x6B, 0x45),
    place("Numpad1", "KP1", 79, 0x61, 0x53),
    place("Numpad2", "KP2", 80, 0x62, 0x54),
    place("Numpad3", "KP3", 81, 0x63, 0x55),
    place("Numpad0", "KP0", 82, 0x60, 0x52),
    place("NumpadDecimal", "KPDL", 83, 0x6E, 0x41),
    place("IntlBackslash", "LSGT", 86, 0xE2, 0x0A),
    place("F11", "FK11", 87, 0x7A, 0x67),
    place("F12", "FK12", 88, 0x7B, 0x6F),
    place("ControlRight", "RCTL", 97, 0xA3, 0x3E),
    place("NumpadDivide", "KPDV", 98, 0x6F, 0x4B),
    place("PrintScreen", "PRSC", 99, 0x2C, NONE),
    place("AltRight", "RALT", 100, 0xA5, 0x3D),
    place("Home", "HOME", 102, 0x24, 0x73),
    place("ArrowUp", "UP", 103, 0x26, 0x7E),
    place("PageUp", "PGUP", 104, 0x21, 0x74),
    place("ArrowLeft", "LEFT", 105, 0x25, 0x7B),
    place("ArrowRight", "RGHT", 106, 0x27, 0x7C),
    place("End", "END", 107, 0x23, 0x77),
    place("ArrowDown", "DOWN", 108, 0x28, 0x7D),
    place("PageDown", "PGDN", 109, 0x22, 0x79),
    place("Insert", "INS", 110, 0x2D, 0x72),
    place("Delete", "DELE", 111, 0x2E, 0x75),
    place("Pause", "PAUS", 119, 0x13, NONE),
    place("MetaLeft", "LWIN", 125, 0x5B, 0x37),
    place("MetaRight", "RWIN", 126, 0x5C, 0x36),
    place("ContextMenu", "COMP", 127, 0x5D, 0x6E),
    place("F13", "FK13", 183, 0x7C, 0x69),
    place("F14", "FK14", 184, 0x7D, 0x6B),
    place("F15", "FK15", 185, 0x7E, 0x71),
    place("F16", "FK16", 186, 0x7F, 0x6A),
    place("F17", "FK17", 187, 0x80, 0x40),
    place("F18", "FK18", 188, 0x81, 0x4F),
    place("F19", "FK19", 189, 0x82, 0x50),
    place("F20", "FK20", 190, 0x83, 0x5A),
];

/// The side buttons of a mouse, as keys.
pub const MOUSE_BUTTONS: [&str; 2] = ["Mouse4", "Mouse5"];

/// The place with this `code`.
#[must_use]
pub fn by_code(code: &str) -> Option<&'static Place> {
    PLACES.iter().find(|place| place.code == code)
}

/// The place XKB calls `name`.
#[must_use]
pub fn by_xkb(name: &str) -> Option<&'static Place> {
    PLACES.iter().find(|place| place.xkb == name)
}

/// The place of Windows' virtual key, with the sided numbers of the modifiers.
#[must_use]
pub fn by_windows(virtual_key: u16) -> Option<&'static Place> {
    PLACES.iter().find(|place| place.windows == virtual_key)
}

/// The place of macOS' virtual key, which goes by the place already.
#[must_use]
pub fn by_macos(virtual_key: u16) -> Option<&'static Place> {
    PLACES
        .iter()
        .find(|place| place.macos == virtual_key && virtual_key != NONE)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_place_has_one_name_in_each_system() {
        let codes: BTreeSet<_> = PLACES.iter().map(|place| place.code).collect();
        let xkb: BTreeSet<_> = PLACES.iter().map(|place| place.xkb).collect();
        let evdev: BTreeSet<_> = PLACES.iter().map(|place| place.evdev).collect();
        let windows: BTreeSet<_> = PLACES.iter().map(|place| place.windows).collect();
        let macos: Vec<_> = PLACES
            .iter()
            .map(|place| place.macos)
            .filter(|key| *key != NONE)
            .collect();
        for names in [codes.len(), xkb.len(), evdev.len(), windows.len()] {
            assert_eq!(names, PLACES.len());
        }
        assert_eq!(macos.iter().collect::<BTreeSet<_>>().len(), macos.len());
        assert!(PLACES.iter().all(|place| place.xkb.len() <= 4));
    }
}

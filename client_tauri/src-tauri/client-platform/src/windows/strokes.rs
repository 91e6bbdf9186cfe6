//! Keys struck by this program.

use ::windows::Win32::UI::Input::KeyboardAndMouse::{
    INPUT, INPUT_0, INPUT_KEYBOARD, INPUT_MOUSE, KEYBD_EVENT_FLAGS, KEYBDINPUT,
    KEYEVENTF_EXTENDEDKEY, KEYEVENTF_KEYUP, KEYEVENTF_UNICODE, MAPVK_VK_TO_VSC, MOUSEINPUT,
    MapVirtualKeyW, SendInput, VIRTUAL_KEY, VK_CONTROL, VK_INSERT, VK_LEFT, VK_RETURN, VK_SHIFT,
    VK_V,
};
use client_core::ports::Pasting;

/// Written into everything this program strikes: "Alfa".
const MARK: usize = 0x416C_6661;
/// A virtual key Microsoft's table calls unassigned: programs do nothing with it.
const NOTHING: VIRTUAL_KEY = VIRTUAL_KEY(0xE8);

/// The system took no strokes: another program blocks them, or the window is one this program may not reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blocked;

/// The keys of a way to paste, in the order they go down; none for ways without keys.
#[must_use]
pub const fn chord(pasting: Pasting, terminal: bool) -> &'static [VIRTUAL_KEY] {
    match pasting {
        // Shells read Ctrl+V as a key of their own; Shift+Insert pastes in every terminal.
        Pasting::Automatic if terminal => &[VK_SHIFT, VK_INSERT],
        Pasting::Automatic | Pasting::ControlV => &[VK_CONTROL, VK_V],
        Pasting::ShiftInsert => &[VK_SHIFT, VK_INSERT],
        Pasting::ControlShiftV => &[VK_CONTROL, VK_SHIFT, VK_V],
        Pasting::Typed | Pasting::ClipboardOnly => &[],
    }
}

/// Strikes a chord: all down in this order, all up in the other.
///
/// # Errors
/// [`Blocked`].
pub fn strike(keys: &[VIRTUAL_KEY]) -> Result<(), Blocked> {
    let strokes: Vec<INPUT> = keys
        .iter()
        .map(|key| stroke(*key, KEYBD_EVENT_FLAGS(0)))
        .chain(keys.iter().rev().map(|key| stroke(*key, KEYEVENTF_KEYUP)))
        .collect();
    send(&strokes)
}

/// Strikes a key that means nothing. Windows opens the Start menu when its key goes up, and a window its menu when Alt
/// does, unless another key was struck meanwhile.
///
/// # Errors
/// [`Blocked`].
pub fn strike_nothing() -> Result<(), Blocked> {
    strike(&[NOTHING])
}

/// Windows lets a program bring a window to the front only if the last input was its own; this is one that does nothing.
///
/// # Errors
/// [`Blocked`].
pub fn nudge() -> Result<(), Blocked> {
    send(&[INPUT {
        r#type: INPUT_MOUSE,
        Anonymous: INPUT_0 {
            mi: MOUSEINPUT {
                dwExtraInfo: MARK,
                ..MOUSEINPUT::default()
            },
        },
    }])
}

/// The strokes of a text: each UTF-16 unit as the letter itself, whatever the layout; ends of lines as Enter.
#[must_use]
pub fn typed(text: &str) -> Vec<INPUT> {
    let mut strokes = Vec::new();
    for letter in text.replace("\r\n", "\n").chars() {
        if letter == '\n' || letter == '\r' {
            strokes.push(stroke(VK_RETURN, KEYBD_EVENT_FLAGS(0)));
            strokes.push(stroke(VK_RETURN, KEYEVENTF_KEYUP));
            continue;
        }
        let mut units = [0; 2];
        for unit in letter.encode_utf16(&mut units) {
            strokes.push(unicode(*unit, KEYBD_EVENT_FLAGS(0)));
            strokes.push(unicode(*unit, KEYEVENTF_KEYUP));
        }
    }
    strokes
}

/// The strokes that take the text cursor so many letters back.
#[must_use]
pub fn steps_back(letters: usize) -> Vec<INPUT> {
    let step = [
        stroke(VK_LEFT, KEYBD_EVENT_FLAGS(0)),
        stroke(VK_LEFT, KEYEVENTF_KEYUP),
    ];
    step.repeat(letters)
}

/// Hands strokes to the system, in one go: nobody's keys come in between.
///
/// # Errors
/// [`Blocked`].
pub fn send(strokes: &[INPUT]) -> Result<(), Blocked> {
    let size = i32::try_from(size_of::<INPUT>()).map_err(|_| Blocked)?;
    // SAFETY: the slice lives through the call, and `size` is the size of its elements.
    let taken = unsafe { SendInput(strokes, size) };
    if usize::try_from(taken) == Ok(strokes.len()) {
        Ok(())
    } else {
        Err(Blocked)
    }
}

fn unicode(unit: u16, way: KEYBD_EVENT_FLAGS) -> INPUT {
    keyboard(VIRTUAL_KEY(0), unit, KEYEVENTF_UNICODE | way)
}

fn stroke(key: VIRTUAL_KEY, way: KEYBD_EVENT_FLAGS) -> INPUT {
    // SAFETY: no pointers; an unknown key has the code 0.
    let scan = unsafe { MapVirtualKeyW(u32::from(key.0), MAPVK_VK_TO_VSC) };
    // The keys of these names on the number pad have the same codes otherwise.
    let extended = if matches!(key, VK_INSERT | VK_LEFT) {
        KEYEVENTF_EXTENDEDKEY
    } else {
        KEYBD_EVENT_FLAGS(0)
    };
    keyboard(key, u16::try_from(scan).unwrap_or(0), way | extended)
}

const fn keyboard(key: VIRTUAL_KEY, scan: u16, flags: KEYBD_EVENT_FLAGS) -> INPUT {
    INPUT {
        r#type: INPUT_KEYBOARD,
        Anonymous: INPUT_0 {
            ki: KEYBDINPUT {
                wVk: key,
                wScan: scan,
                dwFlags: flags,
                time: 0,
                dwExtraInfo: MARK,
            },
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(strokes: &[INPUT]) -> Vec<(u16, u16, u32)> {
        strokes
            .iter()
            // SAFETY: all of these are strokes of keys.
            .map(|input| unsafe { input.Anonymous.ki })
            .map(|key| (key.wVk.0, key.wScan, key.dwFlags.0))
            .collect()
    }

    #[test]
    fn letters_are_typed_as_they_are_and_lines_end_with_enter() {
        let letters: Vec<_> = told(&typed("я🎤"))
            .into_iter()
            .map(|(_, unit, flags)| (unit, flags))
            .collect();
        let (down, up) = (4, 4 | 2);
        assert_eq!(
            letters,
            [
                (0x44F, down),
                (0x44F, up),
                (0xD83C, down),
                (0xD83C, up),
                (0xDFA4, down),
                (0xDFA4, up)
            ]
        );
        let lines: Vec<_> = told(&typed("a\r\n\nb"))
            .into_iter()
            .filter(|(_, _, flags)| flags & 2 == 0)
            .map(|(key, unit, _)| if key == 0 { unit } else { key })
            .collect();
        assert_eq!(lines, [0x61, VK_RETURN.0, VK_RETURN.0, 0x62]);
    }

    #[test]
    fn terminals_are_pasted_into_by_shift_insert() {
        assert_eq!(chord(Pasting::Automatic, true), [VK_SHIFT, VK_INSERT]);
        assert_eq!(chord(Pasting::Automatic, false), [VK_CONTROL, VK_V]);
        assert_eq!(chord(Pasting::ControlV, true), [VK_CONTROL, VK_V]);
    }
}

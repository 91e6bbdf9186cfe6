//! The low-level hooks. Windows calls them on the thread that set them, while it waits for messages, and takes a hook
//! away that is slow: so a hook does no more than to note a key and come back.

use std::cell::RefCell;
use std::time::Instant;

use ::windows::Win32::Foundation::{LPARAM, LRESULT, WPARAM};
use ::windows::Win32::UI::WindowsAndMessaging::{
    CallNextHookEx, HHOOK, KBDLLHOOKSTRUCT, LLKHF_EXTENDED, LLKHF_INJECTED, LLMHF_INJECTED,
    MSLLHOOKSTRUCT, SetWindowsHookExW, UnhookWindowsHookEx, WH_KEYBOARD_LL, WH_MOUSE_LL,
    WINDOWS_HOOK_ID, WM_KEYDOWN, WM_LBUTTONDOWN, WM_MBUTTONDOWN, WM_RBUTTONDOWN, WM_SYSKEYDOWN,
    WM_XBUTTONDOWN, WM_XBUTTONUP,
};
use ::windows::core::Result;

use super::keyboard::Told;
use super::waiting::rouse;
use crate::chords::Struck;
use crate::keys::MOUSE_BUTTONS;
use crate::listening::Listener;

/// `VK_XBUTTON1`; the other side button is the next.
const SIDE_BUTTON: u16 = 0x05;
/// Clicks are numbered from here, apart from the keys.
const CLICKS: u32 = 0x1_0000;

thread_local! {
    /// The listener of the thread that set the hooks: they are called with no word of whose they are.
    static LISTENER: RefCell<Option<Listener>> = const { RefCell::new(None) };
}

/// Makes `listener` the one that hooks of this thread tell.
pub fn listen(listener: Listener) {
    LISTENER.set(Some(listener));
}

/// Does something with this thread's listener; `None` if it has none.
pub fn with<T>(work: impl FnOnce(&mut Listener) -> T) -> Option<T> {
    LISTENER.with_borrow_mut(|listener| listener.as_mut().map(work))
}

/// A hook that is set; taken away when dropped.
#[derive(Debug)]
pub struct Hook(HHOOK);

impl Hook {
    /// Hears all keys of this desktop.
    ///
    /// # Errors
    /// When the system does not allow it.
    pub fn keyboard() -> Result<Self> {
        Self::set(WH_KEYBOARD_LL, keyboard)
    }

    /// Hears the buttons of the mouse.
    ///
    /// # Errors
    /// When the system does not allow it.
    pub fn mouse() -> Result<Self> {
        Self::set(WH_MOUSE_LL, mouse)
    }

    fn set(
        kind: WINDOWS_HOOK_ID,
        procedure: unsafe extern "system" fn(i32, WPARAM, LPARAM) -> LRESULT,
    ) -> Result<Self> {
        // SAFETY: the procedure has the signature that hooks of this kind have, and lives as long as the program.
        // Hooks of low level are called in this process, so no module is named.
        unsafe { SetWindowsHookExW(kind, Some(procedure), None, 0) }.map(Self)
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        // One that Windows took away already is gone as well.
        // SAFETY: the handle was given by `SetWindowsHookExW` and is used no more.
        let _ = unsafe { UnhookWindowsHookEx(self.0) };
    }
}

/// Whether other programs are not to see it. A call from within one of ours (the system may call a hook while this
/// thread strikes a key) finds the listener in use, and is none of anybody's business.
fn heard(work: impl FnOnce(&mut Listener) -> bool) -> bool {
    let keep = LISTENER.with(|listener| {
        listener
            .try_borrow_mut()
            .is_ok_and(|mut listener| listener.as_mut().is_some_and(work))
    });
    rouse();
    keep
}

fn passed(code: i32, message: WPARAM, told: LPARAM, keep: bool) -> LRESULT {
    if keep {
        return LRESULT(1);
    }
    // SAFETY: hands on what the system called with.
    unsafe { CallNextHookEx(None, code, message, told) }
}

unsafe extern "system" fn keyboard(code: i32, message: WPARAM, told: LPARAM) -> LRESULT {
    if code < 0 {
        return passed(code, message, told, false);
    }
    // SAFETY: a keyboard hook called with a code of 0 or more is given this structure, valid during the call.
    let key = unsafe { &*(told.0 as *const KBDLLHOOKSTRUCT) };
    // What programs strike is not what the person holds: this program's own paste, text expanders, macros.
    let keep = !key.flags.contains(LLKHF_INJECTED) && keep_key(key, message);
    passed(code, message, told, keep)
}

fn keep_key(key: &KBDLLHOOKSTRUCT, message: WPARAM) -> bool {
    let told = Told {
        virtual_key: u16::try_from(key.vkCode).unwrap_or(0),
        scan: key.scanCode,
        extended: key.flags.contains(LLKHF_EXTENDED),
    };
    let Some(struck) = told.struck() else {
        return false;
    };
    let down = [WM_KEYDOWN, WM_SYSKEYDOWN].contains(&message_of(message));
    heard(|listener| {
        if down {
            listener.pressed(struck, told.virtual_key, Instant::now())
        } else {
            listener.released(struck, Instant::now())
        }
    })
}

unsafe extern "system" fn mouse(code: i32, message: WPARAM, told: LPARAM) -> LRESULT {
    if code < 0 {
        return passed(code, message, told, false);
    }
    // SAFETY: a mouse hook called with a code of 0 or more is given this structure, valid during the call.
    let event = unsafe { &*(told.0 as *const MSLLHOOKSTRUCT) };
    let keep = event.flags & LLMHF_INJECTED == 0 && keep_button(event, message_of(message));
    passed(code, message, told, keep)
}

fn keep_button(event: &MSLLHOOKSTRUCT, message: u32) -> bool {
    match message {
        WM_XBUTTONDOWN | WM_XBUTTONUP => {
            let Some((struck, virtual_key)) = side_button(event.mouseData >> 16) else {
                return false;
            };
            heard(|listener| {
                if message == WM_XBUTTONDOWN {
                    listener.pressed(struck, virtual_key, Instant::now())
                } else {
                    listener.released(struck, Instant::now())
                }
            })
        }
        WM_LBUTTONDOWN | WM_RBUTTONDOWN | WM_MBUTTONDOWN => heard(|listener| {
            listener.clicked(CLICKS + message, Instant::now());
            false
        }),
        _ => false,
    }
}

/// The side button of this number (from 1), and its virtual key.
fn side_button(number: u32) -> Option<(Struck, u16)> {
    let index = number.checked_sub(1)?;
    let name = MOUSE_BUTTONS.get(usize::try_from(index).ok()?)?;
    Some((
        Struck::Place(name),
        SIDE_BUTTON + u16::try_from(index).ok()?,
    ))
}

/// Messages are 32 bits of the word that carries them.
fn message_of(word: WPARAM) -> u32 {
    u32::try_from(word.0).unwrap_or(0)
}

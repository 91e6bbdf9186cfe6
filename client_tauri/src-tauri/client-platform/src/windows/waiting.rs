//! Waiting in a thread with messages: for one to come, for another thread to wake it, or for a time.

use std::time::Instant;

use ::windows::Win32::Foundation::{LPARAM, WPARAM};
use ::windows::Win32::System::Threading::GetCurrentThreadId;
use ::windows::Win32::UI::WindowsAndMessaging::{
    DispatchMessageW, MSG, MWMO_INPUTAVAILABLE, MsgWaitForMultipleObjectsEx, PM_NOREMOVE,
    PM_REMOVE, PeekMessageW, PostThreadMessageW, QS_ALLINPUT, WM_APP,
};

/// `INFINITE` of Windows.
const FOREVER: u32 = u32::MAX;

/// Wakes a thread that waits here.
#[derive(Debug, Clone, Copy)]
pub struct Waker(u32);

impl Waker {
    /// One for the thread that asks for it, which can be woken from now on.
    #[must_use]
    pub fn of_this_thread() -> Self {
        let mut message = MSG::default();
        // SAFETY: `message` lives through the call, whose effect is that the thread has a queue.
        let _ = unsafe { PeekMessageW(&raw mut message, None, 0, 0, PM_NOREMOVE) };
        // SAFETY: takes nothing.
        Self(unsafe { GetCurrentThreadId() })
    }

    /// Wakes it, if it is there still.
    pub fn wake(self) {
        // A thread that has ended needs no waking: who asked it something sees its channel closed.
        // SAFETY: no pointers.
        let _ = unsafe { PostThreadMessageW(self.0, WM_APP, WPARAM(0), LPARAM(0)) };
    }
}

/// Lets [`wait`] of this thread come back, for a hook that has noted something.
pub fn rouse() {
    // SAFETY: takes nothing.
    Waker(unsafe { GetCurrentThreadId() }).wake();
}

/// Waits until a message comes or `deadline` is over, and handles all messages that are there. Hooks and window
/// procedures of this thread run in here. Returns the numbers of the messages that were for no window.
#[must_use]
pub fn wait(deadline: Option<Instant>) -> Vec<u32> {
    let timeout = deadline.map_or(FOREVER, |deadline| {
        let left = deadline.saturating_duration_since(Instant::now());
        u32::try_from(left.as_micros().div_ceil(1000)).unwrap_or(FOREVER - 1)
    });
    // SAFETY: there are no handles to wait for.
    let _ = unsafe { MsgWaitForMultipleObjectsEx(None, timeout, QS_ALLINPUT, MWMO_INPUTAVAILABLE) };
    let mut told = Vec::new();
    let mut message = MSG::default();
    // SAFETY: `message` lives through the calls; windows of this thread are its own.
    while unsafe { PeekMessageW(&raw mut message, None, 0, 0, PM_REMOVE) }.as_bool() {
        if message.hwnd.is_invalid() {
            told.push(message.message);
        } else {
            // SAFETY: it is the message that was just taken.
            unsafe { DispatchMessageW(&raw const message) };
        }
    }
    told
}

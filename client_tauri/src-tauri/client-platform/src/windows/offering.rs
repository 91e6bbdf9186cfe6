//! A window nobody sees, which owns the clipboard while a text is lent to it. Each reader of a promised text makes the
//! system ask that window for it: a receipt.

use std::cell::RefCell;
use std::sync::Once;
use std::time::Instant;

use ::windows::Win32::Foundation::{HWND, LPARAM, LRESULT, WPARAM};
use ::windows::Win32::System::DataExchange::GetOpenClipboardWindow;
use ::windows::Win32::System::LibraryLoader::GetModuleHandleW;
use ::windows::Win32::UI::WindowsAndMessaging::{
    CreateWindowExW, DefWindowProcW, DestroyWindow, HWND_MESSAGE, RegisterClassExW,
    WINDOW_EX_STYLE, WINDOW_STYLE, WM_DESTROYCLIPBOARD, WM_RENDERALLFORMATS, WM_RENDERFORMAT,
    WNDCLASSEXW,
};
use ::windows::core::{PCWSTR, Result, w};

use super::clipboard::{Opened, TEXT, owner, render};
use super::foreground::process_of;

const CLASS: PCWSTR = w!("AlfaVoiceClipboard");

/// Somebody asked for the promised text.
#[derive(Debug, Clone, Copy)]
pub struct Read {
    /// When.
    pub at: Instant,
    /// By which process, if it has said so.
    pub process: Option<u32>,
}

#[derive(Debug, Default)]
struct Offer {
    /// Nothing unless a promise of this window's stands.
    text: Option<String>,
    reads: Vec<Read>,
}

thread_local! {
    /// What the window of this thread offers: window procedures are called with no word of whose they are.
    static OFFER: RefCell<Offer> = RefCell::default();
}

/// The window; destroyed when dropped.
#[derive(Debug)]
pub struct Window(HWND);

impl Window {
    /// One of this thread, which has to wait for messages.
    ///
    /// # Errors
    /// When the system gives none.
    pub fn open() -> Result<Self> {
        static REGISTERED: Once = Once::new();
        // SAFETY: takes the name of no module: this program's own.
        let module = unsafe { GetModuleHandleW(None) }?.into();
        REGISTERED.call_once(|| {
            let class = WNDCLASSEXW {
                cbSize: u32::try_from(size_of::<WNDCLASSEXW>()).unwrap_or(0),
                lpfnWndProc: Some(procedure),
                hInstance: module,
                lpszClassName: CLASS,
                ..WNDCLASSEXW::default()
            };
            // SAFETY: the structure lives through the call; a class that is not there is seen when its window is made.
            unsafe { RegisterClassExW(&raw const class) };
        });
        // SAFETY: the class' procedure expects no parameter; a message window is never shown.
        let window = unsafe {
            CreateWindowExW(
                WINDOW_EX_STYLE(0),
                CLASS,
                None,
                WINDOW_STYLE(0),
                0,
                0,
                0,
                0,
                Some(HWND_MESSAGE),
                None,
                Some(module),
                None,
            )
        }?;
        Ok(Self(window))
    }

    /// Its handle.
    #[must_use]
    pub fn handle(&self) -> HWND {
        self.0
    }

    /// Whether the clipboard is its own.
    #[must_use]
    pub fn owns(&self) -> bool {
        owner() == Some(self.0)
    }

    /// What is handed to readers from now on.
    pub fn offer(&self, text: &str) {
        OFFER.with_borrow_mut(|offer| {
            offer.text = Some(text.to_owned());
            offer.reads.clear();
        });
    }

    /// Nothing is promised any more.
    pub fn withdraw(&self) {
        OFFER.with_borrow_mut(|offer| offer.text = None);
    }

    /// Who has read since this was last asked.
    #[must_use]
    pub fn reads(&self) -> Vec<Read> {
        OFFER.with_borrow_mut(|offer| std::mem::take(&mut offer.reads))
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        // SAFETY: it is this thread's own and is used no more.
        let _ = unsafe { DestroyWindow(self.0) };
    }
}

fn hand_over() {
    if let Some(text) = OFFER.with_borrow(|offer| offer.text.clone()) {
        // A reader that gets nothing finds an empty clipboard; there is nobody to tell.
        let _ = render(&text);
    }
}

unsafe extern "system" fn procedure(
    window: HWND,
    message: u32,
    wide: WPARAM,
    long: LPARAM,
) -> LRESULT {
    match message {
        WM_RENDERFORMAT if wide.0 == TEXT as usize => {
            // SAFETY: takes nothing. A reader may open the clipboard for no window of its own.
            let reader = unsafe { GetOpenClipboardWindow() }.ok();
            let read = Read {
                at: Instant::now(),
                process: reader.and_then(process_of),
            };
            hand_over();
            OFFER.with_borrow_mut(|offer| offer.reads.push(read));
            LRESULT(0)
        }
        // The window goes while its promise stands.
        WM_RENDERALLFORMATS => {
            let promised = OFFER.with_borrow(|offer| offer.text.is_some());
            if promised
                && let Ok(_open) = Opened::by(window)
                && owner() == Some(window)
            {
                hand_over();
            }
            LRESULT(0)
        }
        WM_DESTROYCLIPBOARD => LRESULT(0),
        // SAFETY: hands on what the system called with.
        _ => unsafe { DefWindowProcW(window, message, wide, long) },
    }
}

//! A window of another program, with a text field in it: this program again, started for that.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use client_core::ports::{Insertion, TargetWindow};
use client_platform::windows::WindowsInsertion;
use windows::Win32::Foundation::{HWND, LPARAM, LRESULT, RECT, WPARAM};
use windows::Win32::System::LibraryLoader::GetModuleHandleW;
use windows::Win32::UI::Input::KeyboardAndMouse::{
    HOT_KEY_MODIFIERS, MOD_CONTROL, RegisterHotKey, SetFocus, VK_F8,
};
use windows::Win32::UI::WindowsAndMessaging::{
    CreateWindowExW, DefWindowProcW, DispatchMessageW, ES_AUTOVSCROLL, ES_MULTILINE, GetClientRect,
    GetMessageW, MSG, RegisterClassW, SMTO_ABORTIFHUNG, SW_SHOW, SendMessageTimeoutW, SendMessageW,
    SetForegroundWindow, ShowWindow, TranslateMessage, WINDOW_EX_STYLE, WINDOW_STYLE, WM_CLOSE,
    WM_GETTEXT, WM_KEYDOWN, WM_KEYUP, WM_SETFOCUS, WM_SYSKEYDOWN, WM_SYSKEYUP, WNDCLASSW, WS_CHILD,
    WS_OVERLAPPEDWINDOW, WS_VISIBLE,
};
use windows::core::{HSTRING, w};

use crate::desktop::{by_hand, until};

/// `EM_SETLIMITTEXT`.
const EM_SETLIMITTEXT: u32 = 0xC5;
const TITLE: &str = "ALFAVOICE_TEST_WINDOW";
const FIELD: &str = "ALFAVOICE_TEST_FIELD";

/// The other program; ended when dropped.
pub struct OtherProgram {
    child: Child,
    said: Receiver<String>,
    pub window: usize,
    field: usize,
}

impl OtherProgram {
    /// Starts it, and waits until its window has the focus.
    pub fn start(title: &str) -> Self {
        Self::start_with(title, true)
    }

    /// One whose window takes no text.
    pub fn start_deaf(title: &str) -> Self {
        Self::start_with(title, false)
    }

    fn start_with(title: &str, field: bool) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--ignored",
                "--exact",
                "window::as_another_program",
                "--nocapture",
            ])
            .env(TITLE, title)
            .env(FIELD, if field { "1" } else { "0" })
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (say, said) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if say.send(line).is_err() {
                    return;
                }
            }
        });
        let mut program = Self {
            child,
            said,
            window: 0,
            field: 0,
        };
        program.window = program.says("window ").parse().unwrap();
        program.field = program.says("field ").parse().unwrap();
        // A window manager gives no new window the focus while somebody strikes keys: they choose it themselves.
        let name = title.split(' ').next().unwrap();
        by_hand(&format!(
            "search --sync --onlyvisible --name ^{name} windowactivate --sync"
        ));
        program
    }

    /// What it says next that begins with this.
    pub fn says(&self, beginning: &str) -> String {
        loop {
            let line = self
                .said
                .recv_timeout(Duration::from_secs(30))
                .unwrap_or_else(|_| panic!("never said: {beginning}"));
            if let Some((_, rest)) = line.split_once(beginning) {
                return rest.trim().to_owned();
            }
        }
    }

    /// The keys it has seen since somebody last asked, in order (`+5b -5b`).
    pub fn keys(&self) -> Vec<String> {
        self.said
            .try_iter()
            .filter_map(|line| line.strip_prefix("key ").map(str::to_owned))
            .collect()
    }

    /// It as the insertion knows it, once it has the focus.
    pub fn target(&self, insertion: &WindowsInsertion) -> TargetWindow {
        let mut target = None;
        until("the focus of the window", || {
            target = insertion.target().unwrap();
            target
                .as_ref()
                .is_some_and(|target| target.id == self.window as u64)
        });
        target.unwrap()
    }

    /// The text in its field.
    pub fn text(&self) -> String {
        let mut units = vec![0_u16; 1_000_000];
        let mut length = 0;
        let window = HWND(self.field as *mut _);
        unsafe {
            SendMessageTimeoutW(
                window,
                WM_GETTEXT,
                WPARAM(units.len()),
                LPARAM(units.as_mut_ptr() as isize),
                SMTO_ABORTIFHUNG,
                5_000,
                Some(&raw mut length),
            )
        };
        // Half of a letter may have been typed.
        String::from_utf16_lossy(&units[..length]).replace("\r\n", "\n")
    }

    pub fn comes_to(&self, text: &str) {
        until(&format!("{} characters", text.chars().count()), || {
            self.text() == text
        });
    }
}

impl Drop for OtherProgram {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
#[ignore = "started by the tests as another program"]
fn as_another_program() {
    let (Ok(title), Ok(field)) = (std::env::var(TITLE), std::env::var(FIELD)) else {
        return;
    };
    unsafe { show(&HSTRING::from(title), field == "1") };
}

unsafe fn show(title: &HSTRING, field: bool) {
    let module = unsafe { GetModuleHandleW(None) }.unwrap().into();
    let class = WNDCLASSW {
        lpfnWndProc: Some(procedure),
        hInstance: module,
        lpszClassName: w!("AlfaVoiceTest"),
        ..WNDCLASSW::default()
    };
    unsafe {
        RegisterClassW(&raw const class);
        let window = CreateWindowExW(
            WINDOW_EX_STYLE(0),
            class.lpszClassName,
            title,
            WS_OVERLAPPEDWINDOW,
            50,
            50,
            500,
            300,
            None,
            None,
            Some(module),
            None,
        )
        .unwrap();
        let mut edit = HWND::default();
        if field {
            let mut inner = RECT::default();
            GetClientRect(window, &raw mut inner).unwrap();
            let style = ES_MULTILINE | ES_AUTOVSCROLL;
            edit = CreateWindowExW(
                WINDOW_EX_STYLE(0),
                w!("EDIT"),
                None,
                WS_CHILD | WS_VISIBLE | WINDOW_STYLE(u32::try_from(style).unwrap()),
                0,
                0,
                inner.right,
                inner.bottom,
                Some(window),
                None,
                Some(module),
                None,
            )
            .unwrap();
            SendMessageW(edit, EM_SETLIMITTEXT, Some(WPARAM(0)), None);
        }
        let _ = ShowWindow(window, SW_SHOW);
        let _ = SetForegroundWindow(window);
        if field {
            SetFocus(Some(edit)).unwrap();
        }
        if title.to_string() == "takes Ctrl+F8" {
            let modifiers = HOT_KEY_MODIFIERS(MOD_CONTROL.0);
            RegisterHotKey(Some(window), 1, modifiers, VK_F8.0.into()).unwrap();
        }
        println!("\nwindow {}", window.0.addr());
        println!("field {}", edit.0.addr());
        let mut message = MSG::default();
        while GetMessageW(&raw mut message, None, 0, 0).as_bool() {
            let way = match message.message {
                WM_KEYDOWN | WM_SYSKEYDOWN => Some('+'),
                WM_KEYUP | WM_SYSKEYUP => Some('-'),
                _ => None,
            };
            if let Some(way) = way {
                println!("key {way}{:02x}", message.wParam.0);
            }
            let _ = TranslateMessage(&raw const message);
            DispatchMessageW(&raw const message);
        }
    }
}

unsafe extern "system" fn procedure(
    window: HWND,
    message: u32,
    wide: WPARAM,
    long: LPARAM,
) -> LRESULT {
    match message {
        WM_CLOSE => std::process::exit(0),
        WM_SETFOCUS => unsafe {
            let field = windows::Win32::UI::WindowsAndMessaging::GetWindow(
                window,
                windows::Win32::UI::WindowsAndMessaging::GW_CHILD,
            );
            if let Ok(field) = field {
                let _ = SetFocus(Some(field));
            }
            LRESULT(0)
        },
        _ => unsafe { DefWindowProcW(window, message, wide, long) },
    }
}

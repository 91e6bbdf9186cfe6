//! The window the person works in: which it is, whose it is, and bringing it back to the front.

use ::windows::Win32::Foundation::{CloseHandle, ERROR_ACCESS_DENIED, HANDLE, HWND};
use ::windows::Win32::Security::{
    GetSidSubAuthority, GetSidSubAuthorityCount, GetTokenInformation, TOKEN_MANDATORY_LABEL,
    TOKEN_QUERY, TokenIntegrityLevel,
};
use ::windows::Win32::System::Threading::{
    GetCurrentProcessId, OpenProcess, OpenProcessToken, PROCESS_NAME_WIN32,
    PROCESS_QUERY_LIMITED_INFORMATION, QueryFullProcessImageNameW,
};
use ::windows::Win32::UI::WindowsAndMessaging::{
    FindWindowExW, GetClassNameW, GetForegroundWindow, GetWindowThreadProcessId, IsIconic,
    IsWindow, SW_RESTORE, SetForegroundWindow, ShowWindow,
};
use ::windows::core::{PWSTR, w};

use super::strokes::nudge;

/// The longest path Windows has.
const LONGEST: usize = 32_768;
/// Windows that run a shell, by the class of the window or by the program.
const TERMINALS: [&str; 14] = [
    "consolewindowclass",
    "cascadia_hosting_window_class",
    "virtualconsoleclass",
    "mintty",
    "putty",
    "kitty",
    "alacritty.exe",
    "conhost.exe",
    "hyper.exe",
    "kitty.exe",
    "mobaxterm.exe",
    "putty.exe",
    "wezterm-gui.exe",
    "windowsterminal.exe",
];

/// The window that has the focus.
#[must_use]
pub fn active() -> Option<HWND> {
    // SAFETY: takes nothing.
    let window = unsafe { GetForegroundWindow() };
    (!window.is_invalid()).then_some(window)
}

/// Whether the window is still there.
#[must_use]
pub fn exists(window: HWND) -> bool {
    // SAFETY: any handle is answered.
    unsafe { IsWindow(Some(window)) }.as_bool()
}

/// Asks for the window to be brought to the front.
pub fn activate(window: HWND) {
    // SAFETY: any handle is answered; whether it worked is seen by who is in front.
    unsafe {
        if IsIconic(window).as_bool() {
            let _ = ShowWindow(window, SW_RESTORE);
        }
    }
    // Where no stroke gets through the system may refuse, which is seen as well.
    let _ = nudge();
    // SAFETY: as above.
    let _ = unsafe { SetForegroundWindow(window) };
}

/// The process a window belongs to.
#[must_use]
pub fn process_of(window: HWND) -> Option<u32> {
    let mut process = 0;
    // SAFETY: `process` lives through the call; any handle is answered.
    let thread = unsafe { GetWindowThreadProcessId(window, Some(&raw mut process)) };
    (thread != 0 && process != 0).then_some(process)
}

/// The process whose window it is for the person: programs from the Store are shown in a window of the system's.
#[must_use]
pub fn program_of(window: HWND) -> Option<u32> {
    // SAFETY: the name of the class ends with a zero; any handle is answered.
    let inner =
        unsafe { FindWindowExW(Some(window), None, w!("Windows.UI.Core.CoreWindow"), None) };
    process_of(inner.unwrap_or(window))
}

/// The name of the program's file (`notepad.exe`).
#[must_use]
pub fn program(process: u32) -> Option<String> {
    let process = Handle::of_process(process).ok()?;
    let mut path = vec![0_u16; LONGEST];
    let mut length = u32::try_from(path.len()).ok()?;
    // SAFETY: the buffer is as long as `length` says.
    unsafe {
        QueryFullProcessImageNameW(
            process.0,
            PROCESS_NAME_WIN32,
            PWSTR(path.as_mut_ptr()),
            &raw mut length,
        )
    }
    .ok()?;
    let path = String::from_utf16_lossy(path.get(..usize::try_from(length).ok()?)?);
    let name = path.rsplit('\\').next().filter(|name| !name.is_empty())?;
    Some(name.to_owned())
}

/// Whether the window runs a shell.
#[must_use]
pub fn is_terminal(window: HWND) -> bool {
    let mut class = [0_u16; 128];
    // SAFETY: the buffer lives through the call.
    let length = unsafe { GetClassNameW(window, &mut class) };
    let class = String::from_utf16_lossy(&class[..usize::try_from(length).unwrap_or(0)]);
    let program = process_of(window).and_then(program);
    [Some(class), program]
        .into_iter()
        .flatten()
        .any(|name| TERMINALS.contains(&name.to_lowercase().as_str()))
}

/// Whether Windows keeps this program from striking keys in the windows of that one: it runs with more rights ("User
/// Interface Privilege Isolation"). Nothing tells of the strokes that are dropped then, so it is found out before.
#[must_use]
pub fn beyond_reach(process: u32) -> bool {
    // SAFETY: takes nothing.
    let own = integrity(unsafe { GetCurrentProcessId() });
    match (own, integrity(process)) {
        (Ok(own), Ok(other)) => other > own,
        (_, Err(Hidden::Refused)) => true,
        _ => false,
    }
}

enum Hidden {
    /// The process lets this one know nothing of it.
    Refused,
    /// It is gone, or the system failed.
    Unknown,
}

impl From<::windows::core::Error> for Hidden {
    fn from(error: ::windows::core::Error) -> Self {
        if error.code() == ERROR_ACCESS_DENIED.to_hresult() {
            Self::Refused
        } else {
            Self::Unknown
        }
    }
}

/// How far the system trusts a process: the last part of its integrity level (Microsoft, "Mandatory Integrity Control").
fn integrity(process: u32) -> Result<u32, Hidden> {
    let process = Handle::of_process(process)?;
    let mut token = HANDLE::default();
    // SAFETY: the process is open and `token` lives through the call; closed by `Handle`.
    unsafe { OpenProcessToken(process.0, TOKEN_QUERY, &raw mut token) }?;
    let token = Handle(token);
    // The structure with the SID it points to; SIDs are 68 bytes at most. Words keep it aligned.
    let mut label = [0_u64; 16];
    let mut length = 0;
    // SAFETY: the buffer is as long as is said.
    unsafe {
        GetTokenInformation(
            token.0,
            TokenIntegrityLevel,
            Some(label.as_mut_ptr().cast()),
            u32::try_from(size_of_val(&label)).unwrap_or(0),
            &raw mut length,
        )
    }?;
    // SAFETY: the system has filled the buffer with this structure, and the SID it points to lies in it.
    unsafe {
        let sid = (*label.as_ptr().cast::<TOKEN_MANDATORY_LABEL>()).Label.Sid;
        let many = *GetSidSubAuthorityCount(sid);
        let last = many.checked_sub(1).ok_or(Hidden::Unknown)?;
        Ok(*GetSidSubAuthority(sid, last.into()))
    }
}

/// Something the system has open for us; closed when dropped.
struct Handle(HANDLE);

impl Handle {
    fn of_process(process: u32) -> ::windows::core::Result<Self> {
        // SAFETY: no pointers.
        unsafe { OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, false, process) }.map(Self)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: it is open and used no more.
        let _ = unsafe { CloseHandle(self.0) };
    }
}

//! The clipboard as another program uses it.

use windows::Win32::Foundation::{HANDLE, HGLOBAL, HWND};
use windows::Win32::System::DataExchange::{
    CloseClipboard, EmptyClipboard, EnumClipboardFormats, GetClipboardData, OpenClipboard,
    RegisterClipboardFormatW, SetClipboardData,
};
use windows::Win32::System::Memory::{
    GMEM_MOVEABLE, GlobalAlloc, GlobalLock, GlobalSize, GlobalUnlock,
};
use windows::Win32::UI::WindowsAndMessaging::{
    CreateWindowExW, DestroyWindow, HWND_MESSAGE, WINDOW_EX_STYLE, WINDOW_STYLE,
};
use windows::core::{HSTRING, w};

use crate::desktop::until;

pub const TEXT: u32 = 13;
/// `CF_DIB`.
pub const PICTURE: u32 = 8;

pub fn format(name: &str) -> u32 {
    unsafe { RegisterClipboardFormatW(&HSTRING::from(name)) }
}

pub fn units(text: &str) -> Vec<u8> {
    text.encode_utf16()
        .chain([0])
        .flat_map(u16::to_le_bytes)
        .collect()
}

/// A picture of that many rows, 64 dots wide, 32 bits a dot.
pub fn picture(rows: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(40_u32.to_le_bytes());
    bytes.extend(64_i32.to_le_bytes());
    bytes.extend(i32::from(rows).to_le_bytes());
    bytes.extend(1_u16.to_le_bytes());
    bytes.extend(32_u16.to_le_bytes());
    bytes.extend([0; 24]);
    bytes.extend((0..u32::from(rows) * 64 * 4).map(|n| (n % 251) as u8));
    bytes
}

/// Copies something, as another program does.
pub fn copy(contents: &[(u32, Vec<u8>)]) {
    unsafe {
        let window = CreateWindowExW(
            WINDOW_EX_STYLE(0),
            w!("STATIC"),
            None,
            WINDOW_STYLE(0),
            0,
            0,
            0,
            0,
            Some(HWND_MESSAGE),
            None,
            None,
            None,
        )
        .unwrap();
        open(Some(window));
        EmptyClipboard().unwrap();
        for (format, bytes) in contents {
            let block = GlobalAlloc(GMEM_MOVEABLE, bytes.len()).unwrap();
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), GlobalLock(block).cast(), bytes.len());
            let _ = GlobalUnlock(block);
            SetClipboardData(*format, Some(HANDLE(block.0))).unwrap();
        }
        CloseClipboard().unwrap();
        DestroyWindow(window).unwrap();
    }
}

/// What is in it of that format.
pub fn paste(format: u32) -> Option<Vec<u8>> {
    unsafe {
        open(None);
        let bytes = GetClipboardData(format).ok().map(|handle| {
            let block = HGLOBAL(handle.0);
            let start = GlobalLock(block).cast::<u8>();
            let bytes = std::slice::from_raw_parts(start, GlobalSize(block)).to_vec();
            let _ = GlobalUnlock(block);
            bytes
        });
        CloseClipboard().unwrap();
        bytes
    }
}

/// The formats that are in it.
pub fn formats() -> Vec<u32> {
    let mut all = Vec::new();
    unsafe {
        open(None);
        let mut last = EnumClipboardFormats(0);
        while last != 0 {
            all.push(last);
            last = EnumClipboardFormats(last);
        }
        CloseClipboard().unwrap();
    }
    all
}

/// All of this is in it again.
pub fn comes_back(contents: &[(u32, Vec<u8>)]) {
    for (format, bytes) in contents {
        until(&format!("the former format {format}"), || {
            // The system may round a block up.
            paste(*format).is_some_and(|found| found.starts_with(bytes))
        });
    }
}

fn open(window: Option<HWND>) {
    until("the clipboard", || unsafe { OpenClipboard(window) }.is_ok());
}

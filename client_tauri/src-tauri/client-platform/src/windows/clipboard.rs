//! The clipboard while this program has it open: what is in it, kept and put back in all its formats.

use std::time::{Duration, Instant};

use ::windows::Win32::Foundation::{GlobalFree, HANDLE, HGLOBAL, HWND};
use ::windows::Win32::Graphics::Gdi::{
    DeleteEnhMetaFile, GetEnhMetaFileBits, HENHMETAFILE, SetEnhMetaFileBits,
};
use ::windows::Win32::System::DataExchange::{
    CloseClipboard, EmptyClipboard, EnumClipboardFormats, GetClipboardData,
    GetClipboardFormatNameW, GetClipboardOwner, IsClipboardFormatAvailable, OpenClipboard,
    RegisterClipboardFormatW, SetClipboardData,
};
use ::windows::Win32::System::Memory::{
    GMEM_MOVEABLE, GlobalAlloc, GlobalLock, GlobalSize, GlobalUnlock,
};
use ::windows::core::{HSTRING, Owned, PCWSTR, w};

use super::waiting::wait;

/// `CF_UNICODETEXT`.
pub const TEXT: u32 = 13;
/// `CF_ENHMETAFILE`.
const METAFILE: u32 = 14;
/// `CF_BITMAP`, `CF_METAFILEPICT`, `CF_PALETTE`, `CF_OWNERDISPLAY` and the display formats: handles of other kinds than
/// memory. The system makes the first three again from the formats that come with them.
const HANDLES: [u32; 7] = [2, 3, 9, 0x80, 0x82, 0x83, 0x8E];
/// `CF_PRIVATEFIRST` … `CF_GDIOBJLAST`: handles only their owner understands.
const PRIVATE: std::ops::RangeInclusive<u32> = 0x200..=0x3FF;
/// References of OLE to an object within the program that copied; they mean nothing once it has lost the clipboard.
const OBJECTS: [&str; 2] = ["DataObject", "Ole Private Data"];
/// Another program has the clipboard open for moments only.
const PATIENCE: Duration = Duration::from_secs(1);
/// How soon it is tried again.
const LOOK: Duration = Duration::from_millis(10);
/// Programs make up their formats when they are asked; what is not there by then is left out.
const ALL: Duration = Duration::from_millis(1500);
/// No more than this is kept.
const KEPT: usize = 128 * 1024 * 1024;

/// Another program has the clipboard open, or the system refused it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy;

/// What was in the clipboard, by format; empty if nothing was.
#[derive(Debug, Default)]
pub struct Contents(Vec<(u32, Vec<u8>)>);

impl Contents {
    /// Whether nothing was in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text in it.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let (_, bytes) = self.0.iter().find(|(format, _)| *format == TEXT)?;
        Some(text_of(bytes))
    }
}

/// The clipboard, open; closed when dropped.
#[derive(Debug)]
pub struct Opened(());

impl Opened {
    /// Opens it in the name of that window of this thread.
    ///
    /// # Errors
    /// [`Busy`] when another program keeps it open for a second.
    pub fn by(window: HWND) -> Result<Self, Busy> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            // SAFETY: no pointers; the window is this thread's.
            if unsafe { OpenClipboard(Some(window)) }.is_ok() {
                return Ok(Self(()));
            }
            if Instant::now() >= deadline {
                return Err(Busy);
            }
            // Who has it open may be waiting for an answer of this very thread.
            let _ = wait(Some((Instant::now() + LOOK).min(deadline)));
        }
    }

    /// Everything in it that can be put back.
    #[must_use]
    pub fn keep(&self) -> Contents {
        let deadline = Instant::now() + ALL;
        let mut kept = Vec::new();
        let mut size = 0;
        for format in formats().into_iter().filter(|format| keepable(*format)) {
            if Instant::now() >= deadline {
                break;
            }
            let Some(bytes) = self.read(format) else {
                continue;
            };
            if size + bytes.len() <= KEPT {
                size += bytes.len();
                kept.push((format, bytes));
            }
        }
        Contents(kept)
    }

    /// Empties it, which makes the window that opened it its owner.
    ///
    /// # Errors
    /// [`Busy`].
    pub fn empty(&self) -> Result<(), Busy> {
        // SAFETY: it is open, and the window that opened it takes `WM_DESTROYCLIPBOARD`.
        unsafe { EmptyClipboard() }.map_err(|_| Busy)
    }

    /// Promises a text: the owner is asked for it when somebody reads it.
    ///
    /// # Errors
    /// [`Busy`].
    pub fn promise(&self) -> Result<(), Busy> {
        // What is given back is the handle that was given, none: it does not tell a failure.
        // SAFETY: it is open; no handle means a promise.
        let _ = unsafe { SetClipboardData(TEXT, None) };
        // SAFETY: no pointers.
        unsafe { IsClipboardFormatAvailable(TEXT) }.map_err(|_| Busy)
    }

    /// Puts a text into it.
    ///
    /// # Errors
    /// [`Busy`].
    pub fn put_text(&self, text: &str) -> Result<(), Busy> {
        put(TEXT, &units(text))
    }

    /// Marks what is in it as passing: neither clipboard managers nor the system's history or cloud are to keep it
    /// (Microsoft, "Clipboard Formats: Cloud Clipboard and Clipboard History Formats").
    ///
    /// # Errors
    /// [`Busy`].
    pub fn mark_passing(&self) -> Result<(), Busy> {
        let no = 0_u32.to_le_bytes();
        for name in [
            w!("ExcludeClipboardContentFromMonitorProcessing"),
            w!("CanIncludeInClipboardHistory"),
            w!("CanUploadToCloudClipboard"),
        ] {
            put(registered(name), &no)?;
        }
        Ok(())
    }

    /// Puts back what was kept.
    ///
    /// # Errors
    /// [`Busy`].
    pub fn put_back(&self, contents: &Contents) -> Result<(), Busy> {
        for (format, bytes) in &contents.0 {
            put(*format, bytes)?;
        }
        Ok(())
    }

    /// The text in it.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        self.read(TEXT).map(|bytes| text_of(&bytes))
    }

    fn read(&self, format: u32) -> Option<Vec<u8>> {
        // SAFETY: it is open; what is given stays the clipboard's, and is only read before it is closed.
        let handle = unsafe { GetClipboardData(format) }.ok()?;
        if format == METAFILE {
            metafile(HENHMETAFILE(handle.0))
        } else {
            memory(HGLOBAL(handle.0))
        }
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        // It was opened, so closing it cannot fail.
        // SAFETY: no pointers.
        let _ = unsafe { CloseClipboard() };
    }
}

/// The window that owns the clipboard.
#[must_use]
pub fn owner() -> Option<HWND> {
    // SAFETY: takes nothing.
    unsafe { GetClipboardOwner() }.ok()
}

/// Hands a text to the clipboard; for the answer to `WM_RENDERFORMAT`, during which it is open.
///
/// # Errors
/// [`Busy`].
pub fn render(text: &str) -> Result<(), Busy> {
    put(TEXT, &units(text))
}

fn formats() -> Vec<u32> {
    let mut all = Vec::new();
    let mut last = 0;
    loop {
        // SAFETY: no pointers.
        last = unsafe { EnumClipboardFormats(last) };
        if last == 0 {
            return all;
        }
        all.push(last);
    }
}

fn keepable(format: u32) -> bool {
    if HANDLES.contains(&format) || PRIVATE.contains(&format) {
        return false;
    }
    let mut name = [0_u16; 64];
    // SAFETY: the buffer lives through the call. Formats without a name have a length of 0.
    let length = unsafe { GetClipboardFormatNameW(format, &mut name) };
    let name = String::from_utf16_lossy(&name[..usize::try_from(length).unwrap_or(0)]);
    !OBJECTS.contains(&name.as_str())
}

fn registered(name: PCWSTR) -> u32 {
    // SAFETY: the name ends with a zero.
    unsafe { RegisterClipboardFormatW(name) }
}

fn memory(block: HGLOBAL) -> Option<Vec<u8>> {
    // SAFETY: a handle of memory given by the clipboard.
    let size = unsafe { GlobalSize(block) };
    // SAFETY: as above; unlocked below.
    let start = unsafe { GlobalLock(block) };
    if start.is_null() {
        return None;
    }
    // SAFETY: the block is `size` bytes long and stays where it is while it is locked.
    let bytes = unsafe { std::slice::from_raw_parts(start.cast::<u8>(), size) }.to_vec();
    // The call "fails" when the last lock is gone.
    // SAFETY: it was locked above.
    let _ = unsafe { GlobalUnlock(block) };
    Some(bytes)
}

fn metafile(handle: HENHMETAFILE) -> Option<Vec<u8>> {
    // SAFETY: a metafile given by the clipboard; without a buffer its size is told.
    let size = unsafe { GetEnhMetaFileBits(handle, None) };
    let mut bytes = vec![0; usize::try_from(size).ok()?];
    // SAFETY: the buffer has the size that was told.
    let copied = unsafe { GetEnhMetaFileBits(handle, Some(&mut bytes)) };
    (copied == size && size > 0).then_some(bytes)
}

fn put(format: u32, bytes: &[u8]) -> Result<(), Busy> {
    if format == METAFILE {
        // SAFETY: the bytes live through the call.
        let picture = unsafe { SetEnhMetaFileBits(bytes) };
        // SAFETY: the clipboard is open; the picture becomes the clipboard's, unless that fails.
        if unsafe { SetClipboardData(format, Some(HANDLE(picture.0))) }.is_err() {
            // SAFETY: it stayed ours and is used no more.
            let _ = unsafe { DeleteEnhMetaFile(Some(picture)) };
            return Err(Busy);
        }
        return Ok(());
    }
    let block = allocate(bytes)?;
    // SAFETY: the clipboard is open; the memory becomes the clipboard's, unless that fails.
    if unsafe { SetClipboardData(format, Some(HANDLE(block.0))) }.is_err() {
        // SAFETY: it stayed ours and is used no more.
        let _ = unsafe { GlobalFree(Some(block)) };
        return Err(Busy);
    }
    Ok(())
}

fn allocate(bytes: &[u8]) -> Result<HGLOBAL, Busy> {
    // A block of no bytes cannot be locked.
    // SAFETY: no pointers; freed on failure by `Owned`.
    let block = unsafe { GlobalAlloc(GMEM_MOVEABLE, bytes.len().max(1)) }.map_err(|_| Busy)?;
    // SAFETY: it was allocated just now and nobody else has it.
    let block = unsafe { Owned::new(block) };
    // SAFETY: as above; unlocked below.
    let start = unsafe { GlobalLock(*block) };
    if start.is_null() {
        return Err(Busy);
    }
    // SAFETY: the block is at least as long as `bytes`, and apart from it.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), start.cast::<u8>(), bytes.len()) };
    // SAFETY: it was locked above.
    let _ = unsafe { GlobalUnlock(*block) };
    let given = *block;
    std::mem::forget(block);
    Ok(given)
}

/// Text as the clipboard has it: UTF-16 with a zero at its end, lines ended with CR and LF.
fn units(text: &str) -> Vec<u8> {
    let lines = text
        .replace("\r\n", "\n")
        .replace('\n', "\r\n")
        .replace('\0', "");
    HSTRING::from(lines)
        .iter()
        .chain(&[0])
        .flat_map(|unit| unit.to_le_bytes())
        .collect()
}

fn text_of(bytes: &[u8]) -> String {
    let units: Vec<u16> = bytes
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .take_while(|unit| *unit != 0)
        .collect();
    String::from_utf16_lossy(&units).replace("\r\n", "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_as_windows_ends_them_and_come_back_as_they_were() {
        let text = "Раз,\nдва 🎤";
        let bytes = units(text);
        assert_eq!(&bytes[bytes.len() - 2..], [0, 0]);
        assert!(bytes.windows(4).any(|pair| pair == [13, 0, 10, 0]));
        assert_eq!(text_of(&bytes), text);
        assert_eq!(units("a\r\nb"), units("a\nb"));
        assert_eq!(text_of(&units("a\0b")), "ab");
    }

    #[test]
    fn handles_only_their_owner_understands_are_not_kept() {
        assert!(keepable(TEXT));
        assert!(keepable(8));
        assert!(!keepable(2));
        assert!(!keepable(0x300));
    }
}

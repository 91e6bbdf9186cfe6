//! How much more the disk takes.

use std::path::Path;

/// Bytes that may still be written in that folder, as far as the system tells.
#[cfg(unix)]
pub(super) fn free_bytes(folder: &Path) -> Option<u64> {
    let told = rustix::fs::statvfs(folder).ok()?;
    // Some file systems of the network do not count.
    (told.f_blocks > 0).then(|| told.f_bavail.saturating_mul(told.f_frsize))
}

/// Bytes that may still be written in that folder, as far as the system tells.
#[cfg(windows)]
pub(super) fn free_bytes(folder: &Path) -> Option<u64> {
    use std::os::windows::ffi::OsStrExt;
    use std::ptr::null_mut;
    use windows_sys::Win32::Storage::FileSystem::GetDiskFreeSpaceExW;

    let name: Vec<u16> = folder.as_os_str().encode_wide().chain([0]).collect();
    let mut free = 0_u64;
    // SAFETY: the name ends with a zero and lives until after the call, as does the number; the others may be left out.
    #[allow(unsafe_code)]
    let told = unsafe { GetDiskFreeSpaceExW(name.as_ptr(), &raw mut free, null_mut(), null_mut()) };
    (told != 0).then_some(free)
}

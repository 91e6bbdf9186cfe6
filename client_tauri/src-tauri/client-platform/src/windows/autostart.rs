//! Start at login by the person's own `Run` key of the registry.

use ::windows::Win32::Foundation::{ERROR_FILE_NOT_FOUND, ERROR_SUCCESS, WIN32_ERROR};
use ::windows::Win32::System::Registry::{
    HKEY_CURRENT_USER, REG_SZ, RRF_RT_REG_BINARY, RRF_RT_REG_SZ, RegDeleteKeyValueW, RegGetValueW,
    RegSetKeyValueW,
};
use ::windows::core::{HSTRING, PCWSTR, w};
use client_core::ports::{Autostart, AutostartError};
use std::path::PathBuf;

const RUN: PCWSTR = w!("Software\\Microsoft\\Windows\\CurrentVersion\\Run");
/// What the Task Manager's page "Startup" has to say of the entries of `Run`.
const APPROVED: PCWSTR =
    w!("Software\\Microsoft\\Windows\\CurrentVersion\\Explorer\\StartupApproved\\Run");

/// The entry of this program.
#[derive(Debug, Clone)]
pub struct RunAutostart {
    name: HSTRING,
    program: PathBuf,
}

impl RunAutostart {
    /// `program` is started with `--hidden`.
    #[must_use]
    pub fn new(program: PathBuf) -> Self {
        Self::named("AlfaVoice", program)
    }

    /// The same under a name of one's own.
    #[must_use]
    pub fn named(name: &str, program: PathBuf) -> Self {
        Self {
            name: HSTRING::from(name),
            program,
        }
    }

    /// Whether the person has switched the entry off in the Task Manager: the first byte is odd then.
    fn switched_off(&self) -> bool {
        let mut state = [0_u8; 64];
        let mut length = 64;
        // SAFETY: the buffer is as long as `length` says; the names end with zeros.
        let read = unsafe {
            RegGetValueW(
                HKEY_CURRENT_USER,
                APPROVED,
                &self.name,
                RRF_RT_REG_BINARY,
                None,
                Some(state.as_mut_ptr().cast()),
                Some(&raw mut length),
            )
        };
        read == ERROR_SUCCESS && length > 0 && state[0] % 2 == 1
    }

    fn forget(&self, key: PCWSTR) -> Result<(), AutostartError> {
        // SAFETY: the names end with zeros.
        let done = unsafe { RegDeleteKeyValueW(HKEY_CURRENT_USER, key, &self.name) };
        if done == ERROR_FILE_NOT_FOUND {
            return Ok(());
        }
        outcome(done)
    }
}

impl Autostart for RunAutostart {
    fn enabled(&self) -> Result<bool, AutostartError> {
        // SAFETY: no buffer is asked to be filled; the names end with zeros.
        let there = unsafe {
            RegGetValueW(
                HKEY_CURRENT_USER,
                RUN,
                &self.name,
                RRF_RT_REG_SZ,
                None,
                None,
                None,
            )
        };
        if there == ERROR_FILE_NOT_FOUND {
            return Ok(false);
        }
        outcome(there)?;
        Ok(!self.switched_off())
    }

    fn set(&self, enabled: bool) -> Result<(), AutostartError> {
        if !enabled {
            return self.forget(RUN);
        }
        let program = self.program.to_str().ok_or(AutostartError::Unavailable)?;
        // Names of files have no quotes in them here.
        let line = HSTRING::from(format!("\"{program}\" --hidden"));
        let units = line.len() + 1;
        let bytes = u32::try_from(units * 2).map_err(|_| AutostartError::Unavailable)?;
        // SAFETY: the text is as long as is said, its zero included; the names end with zeros.
        let done = unsafe {
            RegSetKeyValueW(
                HKEY_CURRENT_USER,
                RUN,
                &self.name,
                REG_SZ.0,
                Some(line.as_ptr().cast()),
                bytes,
            )
        };
        outcome(done)?;
        self.forget(APPROVED)
    }
}

fn outcome(code: WIN32_ERROR) -> Result<(), AutostartError> {
    code.ok()
        .map_err(|error| AutostartError::System(error.message()))
}

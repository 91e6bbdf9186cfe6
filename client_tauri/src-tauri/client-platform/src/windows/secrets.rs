//! The Credential Manager: generic credentials of this person on this computer, encrypted by Windows for them.
//!
//! A credential is named `name@alfavoice`, as keyring libraries of other languages name them.

use ::windows::Win32::Foundation::{ERROR_NO_SUCH_LOGON_SESSION, ERROR_NOT_FOUND};
use ::windows::Win32::Security::Credentials::{
    CRED_MAX_CREDENTIAL_BLOB_SIZE, CRED_PERSIST_LOCAL_MACHINE, CRED_TYPE_GENERIC, CREDENTIALW,
    CredDeleteW, CredFree, CredReadW, CredWriteW,
};
use ::windows::core::{Error, HSTRING, PWSTR};
use client_core::ports::{Keychain, KeychainError};

/// Secrets longer than Windows takes are kept in so many pieces at most.
const PIECES: usize = 16;

/// The keychain of Windows.
#[derive(Debug, Clone)]
pub struct CredentialManager {
    service: String,
}

impl CredentialManager {
    /// Secrets of `service` (`alfavoice`).
    #[must_use]
    pub fn new(service: &str) -> Self {
        Self {
            service: service.to_owned(),
        }
    }

    /// Whether secrets can be kept at all: not for accounts without a profile, as services have them.
    #[must_use]
    pub fn there(&self) -> bool {
        self.read("probe").is_ok()
    }

    /// The name of a piece; the first is named as the secret itself.
    fn target(&self, name: &str, piece: usize) -> HSTRING {
        let service = &self.service;
        HSTRING::from(match piece {
            0 => format!("{name}@{service}"),
            more => format!("{name} {more}@{service}"),
        })
    }

    fn pieces(&self, name: &str) -> Result<usize, KeychainError> {
        Ok(read(&self.target(name, 0))?.map_or(0, |kept| kept.pieces))
    }
}

/// A piece as it is kept.
struct Kept {
    bytes: Vec<u8>,
    /// Of how many the secret is made; said by the comment of the first.
    pieces: usize,
}

impl Keychain for CredentialManager {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, KeychainError> {
        let Some(Kept { mut bytes, pieces }) = read(&self.target(name, 0))? else {
            return Ok(None);
        };
        for piece in 1..pieces {
            let more = read(&self.target(name, piece))?.ok_or(KeychainError::Failed)?;
            bytes.extend_from_slice(&more.bytes);
        }
        Ok(Some(bytes))
    }

    fn write(&self, name: &str, secret: &[u8]) -> Result<(), KeychainError> {
        let longest = usize::try_from(CRED_MAX_CREDENTIAL_BLOB_SIZE).unwrap_or(usize::MAX);
        let pieces = secret.len().div_ceil(longest).max(1);
        if pieces > PIECES {
            return Err(KeychainError::Failed);
        }
        let before = self.pieces(name)?;
        // The first goes last: until then the former secret is there, as a whole if it had one piece.
        for piece in (0..pieces).rev() {
            let part = &secret[piece * longest..secret.len().min((piece + 1) * longest)];
            write(&self.target(name, piece), name, part, pieces)?;
        }
        for piece in pieces..before {
            forget(&self.target(name, piece))?;
        }
        Ok(())
    }

    fn forget(&self, name: &str) -> Result<(), KeychainError> {
        for piece in (0..self.pieces(name)?).rev() {
            forget(&self.target(name, piece))?;
        }
        Ok(())
    }
}

fn failure(error: &Error) -> KeychainError {
    if error.code() == ERROR_NO_SUCH_LOGON_SESSION.to_hresult() {
        KeychainError::Unavailable
    } else {
        KeychainError::Failed
    }
}

fn missing(error: &Error) -> bool {
    error.code() == ERROR_NOT_FOUND.to_hresult()
}

fn read(target: &HSTRING) -> Result<Option<Kept>, KeychainError> {
    let mut found: *mut CREDENTIALW = std::ptr::null_mut();
    // SAFETY: the name ends with a zero and `found` lives through the call.
    if let Err(error) = unsafe { CredReadW(target, CRED_TYPE_GENERIC, None, &raw mut found) } {
        return if missing(&error) {
            Ok(None)
        } else {
            Err(failure(&error))
        };
    }
    // SAFETY: on success it points to a credential that is ours until it is freed, with a blob of the size it says (a
    // blob of no bytes may have no address); the comment ends with a zero, if there is one.
    let kept = unsafe {
        let credential = &*found;
        let size = usize::try_from(credential.CredentialBlobSize).unwrap_or(0);
        let bytes = if size == 0 {
            Vec::new()
        } else {
            let blob = std::slice::from_raw_parts_mut(credential.CredentialBlob, size);
            let bytes = blob.to_vec();
            blob.fill(0);
            bytes
        };
        let comment = if credential.Comment.is_null() {
            None
        } else {
            credential.Comment.to_string().ok()
        };
        let pieces = comment.and_then(|many| many.parse().ok()).unwrap_or(1);
        Kept { bytes, pieces }
    };
    // SAFETY: it was given by `CredReadW` and is used no more.
    unsafe { CredFree(found.cast()) };
    Ok(Some(kept))
}

fn write(target: &HSTRING, name: &str, secret: &[u8], pieces: usize) -> Result<(), KeychainError> {
    let user = HSTRING::from(name);
    let comment = HSTRING::from(pieces.to_string());
    let credential = CREDENTIALW {
        Type: CRED_TYPE_GENERIC,
        TargetName: PWSTR(target.as_ptr().cast_mut()),
        Comment: PWSTR(comment.as_ptr().cast_mut()),
        CredentialBlobSize: u32::try_from(secret.len()).map_err(|_| KeychainError::Failed)?,
        CredentialBlob: secret.as_ptr().cast_mut(),
        Persist: CRED_PERSIST_LOCAL_MACHINE,
        UserName: PWSTR(user.as_ptr().cast_mut()),
        ..CREDENTIALW::default()
    };
    // SAFETY: everything it points to lives through the call, which only reads it.
    unsafe { CredWriteW(&raw const credential, 0) }.map_err(|error| failure(&error))
}

fn forget(target: &HSTRING) -> Result<(), KeychainError> {
    // SAFETY: the name ends with a zero.
    match unsafe { CredDeleteW(target, CRED_TYPE_GENERIC, None) } {
        Err(error) if !missing(&error) => Err(failure(&error)),
        _ => Ok(()),
    }
}

//! The keychain of the login: generic passwords with the service `alfavoice` and the name as the account.

use std::sync::mpsc::sync_channel;
use std::time::Duration;

use client_core::ports::{Keychain, KeychainError};
use security_framework::base::Error;
use security_framework::passwords::{
    delete_generic_password, get_generic_password, set_generic_password,
};

/// `errSecItemNotFound`.
const NOT_FOUND: i32 = -25300;
/// `errSecAuthFailed`, `errSecInteractionNotAllowed`, `errSecUserCanceled`.
const LOCKED: [i32; 3] = [-25293, -25308, -128];
/// `errSecNotAvailable`, `errSecNoSuchKeychain`, `errSecNoDefaultKeychain`.
const ABSENT: [i32; 3] = [-25291, -25294, -25307];
/// How long the person may take to enter the password of the keychain.
const ALL: Duration = Duration::from_secs(80);

/// The keychain of macOS.
#[derive(Debug, Clone)]
pub struct LoginKeychain {
    service: String,
}

impl LoginKeychain {
    /// Secrets of `service` (`alfavoice`).
    #[must_use]
    pub fn new(service: &str) -> Self {
        Self {
            service: service.to_owned(),
        }
    }
}

impl Keychain for LoginKeychain {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, KeychainError> {
        let (service, name) = (self.service.clone(), name.to_owned());
        in_time(move || found(get_generic_password(&service, &name)))
    }

    fn write(&self, name: &str, secret: &[u8]) -> Result<(), KeychainError> {
        let (service, name) = (self.service.clone(), name.to_owned());
        let secret = secret.to_vec();
        in_time(move || {
            set_generic_password(&service, &name, &secret).map_err(|error| failure(&error))
        })
    }

    fn forget(&self, name: &str) -> Result<(), KeychainError> {
        let (service, name) = (self.service.clone(), name.to_owned());
        in_time(move || found(delete_generic_password(&service, &name)).map(|_| ()))
    }
}

fn found<T>(result: Result<T, Error>) -> Result<Option<T>, KeychainError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.code() == NOT_FOUND => Ok(None),
        Err(error) => Err(failure(&error)),
    }
}

fn failure(error: &Error) -> KeychainError {
    let code = error.code();
    if LOCKED.contains(&code) {
        KeychainError::Locked
    } else if ABSENT.contains(&code) {
        KeychainError::Unavailable
    } else {
        KeychainError::Failed
    }
}

/// Runs on a thread of its own: the keychain may wait for a person.
fn in_time<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, KeychainError> + Send + 'static,
) -> Result<T, KeychainError> {
    let (answer, answered) = sync_channel(1);
    std::thread::Builder::new()
        .name("keychain".to_owned())
        .spawn(move || {
            // Who asked may have given up waiting.
            let _ = answer.send(work());
        })
        .map_err(|_| KeychainError::Failed)?;
    answered
        .recv_timeout(ALL)
        .unwrap_or(Err(KeychainError::Locked))
}

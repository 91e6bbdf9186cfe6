//! How the program ends while the outbox's threads still write, should nobody have closed it.
//!
//! SQLCipher frees its keys and OpenSSL all it has in handlers of `exit`, while other threads go on: one that encrypts at that
//! moment crashes the program in its last moment. So OpenSSL is asked to leave its memory to the system, and a handler of
//! ours, which runs before SQLCipher's, waits for what is being written and lets nothing begin any more.

use std::sync::{Once, RwLock, RwLockReadGuard, TryLockError};
use std::time::{Duration, Instant};

/// Held by whoever uses SQLite; taken for good at the end.
static GATE: RwLock<()> = RwLock::new(());
static ONCE: Once = Once::new();
/// A disk that hangs does not keep the program from ending.
const PATIENCE: Duration = Duration::from_secs(3);
const LOOK: Duration = Duration::from_millis(1);

/// To be held while SQLite is used on a thread of the outbox. Never comes back when the program ends.
pub(super) fn using_the_cipher() -> RwLockReadGuard<'static, ()> {
    // Poisoned: a job panicked; the gate has nothing to be broken.
    GATE.read()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

extern "C" fn close_the_gate() {
    let until = Instant::now() + PATIENCE;
    loop {
        match GATE.try_write() {
            Ok(guard) => return std::mem::forget(guard),
            Err(TryLockError::Poisoned(guard)) => return std::mem::forget(guard),
            Err(TryLockError::WouldBlock) if Instant::now() >= until => return,
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOOK),
        }
    }
}

/// To be called before SQLite is used at all.
pub(super) fn before_the_cipher() {
    // macOS has a cipher of its own, which frees nothing.
    #[cfg(not(target_os = "macos"))]
    {
        /// `OPENSSL_INIT_NO_ATEXIT` of openssl/crypto.h.
        const NO_ATEXIT: u64 = 0x0008_0000;
        #[allow(unsafe_code)]
        unsafe extern "C" {
            fn OPENSSL_init_crypto(
                options: u64,
                settings: *const std::ffi::c_void,
            ) -> std::ffi::c_int;
        }
        // SAFETY: the library SQLCipher is linked to has this function since 1.1.0, from any thread and any number of times;
        // no settings are allowed. What it answers does not matter: without it the program is as it was.
        #[allow(unsafe_code)]
        unsafe {
            OPENSSL_init_crypto(NO_ATEXIT, std::ptr::null());
        }
    }
}

/// To be called when SQLite has been used: handlers run in the opposite order, and this one has to run before SQLCipher's.
pub(super) fn after_the_cipher() {
    ONCE.call_once(|| {
        #[allow(unsafe_code)]
        unsafe extern "C" {
            fn atexit(handler: extern "C" fn()) -> std::ffi::c_int;
        }
        // SAFETY: standard C; the function lives as long as the program and does not panic. A list that is full leaves the
        // program as it was.
        #[allow(unsafe_code)]
        unsafe {
            atexit(close_the_gate);
        }
    });
}

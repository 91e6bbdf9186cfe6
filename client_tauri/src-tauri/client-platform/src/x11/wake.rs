//! Waking a thread that waits for the display.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::event::{EventfdFlags, eventfd};

/// The waiting side.
#[derive(Debug)]
pub struct Wake(Arc<OwnedFd>);

/// The waking side; any number of them.
#[derive(Debug, Clone)]
pub struct Waker(Arc<OwnedFd>);

/// A pair of both.
///
/// # Errors
/// When the system has no file descriptor left.
pub fn pair() -> std::io::Result<(Waker, Wake)> {
    let counter = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
    Ok((Waker(Arc::clone(&counter)), Wake(counter)))
}

impl Waker {
    /// Wakes the waiting side, now or as soon as it waits.
    pub fn wake(&self) {
        // A counter that is full wakes as well as one more would.
        let _ = rustix::io::write(&*self.0, &1_u64.to_ne_bytes());
    }
}

impl Wake {
    /// Forgets the wake-ups so far.
    pub fn settle(&self) {
        let _ = rustix::io::read(&*self.0, &mut [0_u8; 8]);
    }
}

impl AsFd for Wake {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

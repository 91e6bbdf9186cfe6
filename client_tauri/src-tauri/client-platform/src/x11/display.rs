//! One connection to the X server and what goes wrong with it.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use x11rb::connection::Connection;
use x11rb::errors::{ConnectError, ConnectionError, ReplyError, ReplyOrIdError};
use x11rb::protocol::Event;
use x11rb::protocol::xproto::Window;
use x11rb::rust_connection::RustConnection;

use super::wake::Wake;

/// Why the display did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum DisplayError {
    /// There is no display, or it lets nobody in.
    #[error("the display cannot be opened")]
    Absent(#[from] ConnectError),
    /// The display went away.
    #[error("the display went away")]
    Gone(#[source] ConnectionError),
    /// The display refused a request.
    #[error("the display answered with an error: {0}")]
    Refused(#[source] ReplyError),
    /// An extension every X server has had for years is not there.
    #[error("the display has no {0}")]
    Lacks(&'static str),
    /// The display did not answer in time.
    #[error("the display did not answer in time")]
    TimedOut,
    /// The operating system failed.
    #[error(transparent)]
    System(#[from] std::io::Error),
}

impl From<ConnectionError> for DisplayError {
    fn from(error: ConnectionError) -> Self {
        Self::Gone(error)
    }
}

impl From<ReplyError> for DisplayError {
    fn from(error: ReplyError) -> Self {
        match error {
            ReplyError::ConnectionError(error) => Self::Gone(error),
            refused @ ReplyError::X11Error(_) => Self::Refused(refused),
        }
    }
}

impl From<ReplyOrIdError> for DisplayError {
    fn from(error: ReplyOrIdError) -> Self {
        match error {
            ReplyOrIdError::IdsExhausted => Self::Lacks("window numbers left"),
            ReplyOrIdError::ConnectionError(error) => Self::Gone(error),
            ReplyOrIdError::X11Error(error) => Self::Refused(ReplyError::X11Error(error)),
        }
    }
}

/// A connection and the screen we are on.
#[derive(Debug)]
pub struct Display {
    /// The connection.
    pub connection: RustConnection,
    /// The root window of the screen.
    pub root: Window,
}

/// What [`Display::wait`] came back with.
#[derive(Debug)]
pub enum Waited {
    /// The display says something.
    Event(Event),
    /// Somebody called [`super::wake::Waker::wake`].
    Woken,
    /// It is time.
    Deadline,
}

impl Display {
    /// Connects to the display of that name (`None`: `$DISPLAY`).
    ///
    /// # Errors
    /// [`DisplayError::Absent`] where there is none.
    pub fn open(name: Option<&str>) -> Result<Self, DisplayError> {
        let (connection, screen) = x11rb::connect(name)?;
        let root = connection
            .setup()
            .roots
            .get(screen)
            .ok_or(DisplayError::Lacks("screen"))?
            .root;
        Ok(Self { connection, root })
    }

    /// Waits for the next event, a wake-up or the deadline, whichever is first (`None`: none of time).
    ///
    /// # Errors
    /// [`DisplayError::Gone`] once the display is.
    pub fn wait(&self, wake: &Wake, deadline: Option<Instant>) -> Result<Waited, DisplayError> {
        loop {
            self.connection.flush()?;
            if let Some(event) = self.connection.poll_for_event()? {
                return Ok(Waited::Event(event));
            }
            let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return Ok(Waited::Deadline);
            }
            let left = left.and_then(|left| Timespec::try_from(left).ok());
            let mut ready = [
                PollFd::new(self.connection.stream(), PollFlags::IN),
                PollFd::from_borrowed_fd(wake.as_fd(), PollFlags::IN),
            ];
            match poll(&mut ready, left.as_ref()) {
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(DisplayError::System(error.into())),
            }
            if !ready[1].revents().is_empty() {
                wake.settle();
                return Ok(Waited::Woken);
            }
        }
    }
}

/// A refusal leaves the clipboard to whoever has it now; only a display that went away ends the thread.
pub fn lenient(result: Result<(), DisplayError>) -> Result<(), DisplayError> {
    match result {
        Err(DisplayError::Refused(_) | DisplayError::Lacks(_) | DisplayError::TimedOut) => Ok(()),
        other => other,
    }
}

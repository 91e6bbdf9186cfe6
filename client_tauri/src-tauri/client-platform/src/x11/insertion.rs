//! Text into the window where dictation began, on X11.
//!
//! The text is offered in the clipboard and the keys that paste are struck. Each reader of a selection asks its owner, so
//! a reader of the target's program asking after the keys is a receipt; only then, and 200 ms after the last reader, is
//! the clipboard given back in all its formats. What somebody else put there meanwhile stays.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use client_core::ports::{Inserted, Insertion, InsertionError, Pasting, TargetWindow};
use x11rb::protocol::xproto::Window;

use super::atoms::Atoms;
use super::clipboard::Clipboard;
use super::display::{Display, DisplayError};
use super::lending::Lender;
use super::wake::{Waker, pair};
use super::windows;

/// Longer than all that inserting may wait for taken together.
const ANSWER: Duration = Duration::from_secs(15);

/// Keys are struck no later than this after somebody asked, so that they still hear what came of it.
const STRUCK: Duration = Duration::from_secs(12);

/// What the thread is asked for.
#[derive(Debug)]
pub enum Command {
    /// Put it into the window.
    Insert {
        /// The text.
        text: String,
        /// Where.
        target: Option<Window>,
        /// How.
        pasting: Pasting,
        /// Not later.
        until: Instant,
        /// How it went.
        answer: SyncSender<Result<Inserted, InsertionError>>,
    },
    /// Move the text cursor so many letters back.
    StepBack {
        /// Where.
        target: Option<Window>,
        /// How far.
        letters: usize,
        /// Not later.
        until: Instant,
        /// How it went.
        answer: SyncSender<Result<(), InsertionError>>,
    },
    /// Put it into the clipboard for good.
    Copy(String, SyncSender<Result<(), InsertionError>>),
    /// What text is in the clipboard.
    Text(SyncSender<Result<Option<String>, InsertionError>>),
    /// Give everything back and end.
    End,
}

impl From<DisplayError> for InsertionError {
    fn from(error: DisplayError) -> Self {
        match error {
            DisplayError::Absent(_) | DisplayError::Gone(_) => Self::Unavailable,
            other => Self::System(other.to_string()),
        }
    }
}

/// Insertion on an X display; gives the clipboard back and ends its thread when dropped.
#[derive(Debug)]
pub struct X11Insertion {
    commands: Sender<Command>,
    waker: Waker,
    thread: Option<JoinHandle<()>>,
    /// A connection of its own, so that the window is known at once while an insertion still waits for its receipt.
    focus: Mutex<Focus>,
}

#[derive(Debug)]
struct Focus {
    display: Display,
    atoms: Atoms,
}

impl X11Insertion {
    /// Opens the display of that name (`None`: `$DISPLAY`).
    ///
    /// # Errors
    /// [`InsertionError::Unavailable`] without a display or without XTEST on it.
    pub fn open(name: Option<&str>) -> Result<Self, InsertionError> {
        let display = Display::open(name)?;
        let atoms = Atoms::new(&display.connection)
            .map_err(DisplayError::from)?
            .reply()
            .map_err(DisplayError::from)?;
        let system = |error: std::io::Error| InsertionError::System(error.to_string());
        let (waker, wake) = pair().map_err(system)?;
        let lender = Lender::open(Clipboard::open(name, wake)?)?;
        let (commands, asked): (_, Receiver<Command>) = channel();
        let thread = std::thread::Builder::new()
            .name("x11-insertion".to_owned())
            .spawn(move || lender.run(&asked))
            .map_err(system)?;
        Ok(Self {
            commands,
            waker,
            thread: Some(thread),
            focus: Mutex::new(Focus { display, atoms }),
        })
    }

    fn ask<T>(
        &self,
        command: impl FnOnce(SyncSender<Result<T, InsertionError>>) -> Command,
    ) -> Result<T, InsertionError> {
        let (answer, answered) = sync_channel(1);
        self.commands
            .send(command(answer))
            .map_err(|_| InsertionError::Unavailable)?;
        self.waker.wake();
        answered.recv_timeout(ANSWER).map_err(|error| match error {
            RecvTimeoutError::Timeout => {
                InsertionError::System("the display did not answer in time".to_owned())
            }
            RecvTimeoutError::Disconnected => InsertionError::Unavailable,
        })?
    }
}

impl Insertion for X11Insertion {
    fn target(&self) -> Result<Option<TargetWindow>, InsertionError> {
        let focus = self
            .focus
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let Some(window) = windows::active(&focus.display, &focus.atoms)? else {
            return Ok(None);
        };
        Ok(Some(TargetWindow {
            id: u64::from(window),
            app: windows::program(&focus.display, window)?,
        }))
    }

    fn insert(
        &self,
        text: &str,
        target: Option<&TargetWindow>,
        pasting: Pasting,
    ) -> Result<Inserted, InsertionError> {
        let target = window_of(target)?;
        let text = text.to_owned();
        self.ask(|answer| Command::Insert {
            text,
            target,
            pasting,
            until: Instant::now() + STRUCK,
            answer,
        })
    }

    fn step_back(
        &self,
        target: Option<&TargetWindow>,
        letters: usize,
    ) -> Result<(), InsertionError> {
        let target = window_of(target)?;
        self.ask(|answer| Command::StepBack {
            target,
            letters,
            until: Instant::now() + STRUCK,
            answer,
        })
    }

    fn copy(&self, text: &str) -> Result<(), InsertionError> {
        let text = text.to_owned();
        self.ask(|answer| Command::Copy(text, answer))
    }

    fn clipboard_text(&self) -> Result<Option<String>, InsertionError> {
        self.ask(Command::Text)
    }
}

fn window_of(target: Option<&TargetWindow>) -> Result<Option<Window>, InsertionError> {
    let window = target.map(|target| Window::try_from(target.id));
    window.transpose().map_err(|_| InsertionError::WindowGone)
}

impl Drop for X11Insertion {
    fn drop(&mut self) {
        if self.commands.send(Command::End).is_ok() {
            self.waker.wake();
        }
        if let Some(thread) = self.thread.take() {
            // A thread that panicked is gone as well as one that ended.
            let _ = thread.join();
        }
    }
}

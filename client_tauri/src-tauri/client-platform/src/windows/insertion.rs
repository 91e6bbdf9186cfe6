//! Text into the window where dictation began, on Windows.
//!
//! The text is promised to the clipboard and the keys that paste are struck; who fetches it gives the receipt. Or it is
//! typed, letter by letter as they are, whatever the layout.

use std::sync::mpsc::{RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use client_core::ports::{Inserted, Insertion, InsertionError, Pasting, TargetWindow};

use super::foreground;
use super::lending::Lender;
use super::offering::Window;
use super::waiting::Waker;

/// Longer than all that inserting may wait for taken together.
const ANSWER: Duration = Duration::from_secs(30);

/// The first key is struck no later than this after somebody asked, so that they still hear what came of it: a long text takes
/// its time to be typed.
const STRUCK: Duration = Duration::from_secs(12);

/// What the thread is asked for.
#[derive(Debug)]
pub enum Command {
    /// Put it into the window.
    Insert {
        /// The text.
        text: String,
        /// Where, by its handle.
        target: Option<usize>,
        /// How.
        pasting: Pasting,
        /// Not later.
        until: Instant,
        /// How it went.
        answer: SyncSender<Result<Inserted, InsertionError>>,
    },
    /// Move the text cursor so many letters back.
    StepBack {
        /// Where, by its handle.
        target: Option<usize>,
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

/// Insertion on this desktop; gives the clipboard back and ends its thread when dropped.
#[derive(Debug)]
pub struct WindowsInsertion {
    commands: Sender<Command>,
    waker: Waker,
    thread: Option<JoinHandle<()>>,
}

impl WindowsInsertion {
    /// Makes the window through which the clipboard is lent.
    ///
    /// # Errors
    /// [`InsertionError::Unavailable`] where the system gives none.
    pub fn open() -> Result<Self, InsertionError> {
        let (commands, asked) = channel();
        let (ready, is_ready) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("insertion".to_owned())
            .spawn(move || {
                let waker = Waker::of_this_thread();
                // Who asked may have given up waiting.
                match Window::open() {
                    Ok(window) => {
                        let _ = ready.send(Ok(waker));
                        Lender::new(window).run(&asked);
                    }
                    Err(_) => {
                        let _ = ready.send(Err(InsertionError::Unavailable));
                    }
                }
            })
            .map_err(|error| InsertionError::System(error.to_string()))?;
        let waker = is_ready
            .recv_timeout(ANSWER)
            .map_err(|_| InsertionError::Unavailable)??;
        Ok(Self {
            commands,
            waker,
            thread: Some(thread),
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
                InsertionError::System("the clipboard did not answer in time".to_owned())
            }
            RecvTimeoutError::Disconnected => InsertionError::Unavailable,
        })?
    }
}

impl Insertion for WindowsInsertion {
    fn target(&self) -> Result<Option<TargetWindow>, InsertionError> {
        Ok(foreground::active().map(|window| TargetWindow {
            id: window.0.addr() as u64,
            app: foreground::program_of(window).and_then(foreground::program),
        }))
    }

    fn insert(
        &self,
        text: &str,
        target: Option<&TargetWindow>,
        pasting: Pasting,
    ) -> Result<Inserted, InsertionError> {
        let target = handle_of(target)?;
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
        let target = handle_of(target)?;
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

fn handle_of(target: Option<&TargetWindow>) -> Result<Option<usize>, InsertionError> {
    let handle = target.map(|target| usize::try_from(target.id));
    handle.transpose().map_err(|_| InsertionError::WindowGone)
}

impl Drop for WindowsInsertion {
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

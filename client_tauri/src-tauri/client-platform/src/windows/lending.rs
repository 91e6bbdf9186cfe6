//! Lending the clipboard to a text: taking it, striking the keys, waiting for the receipt, giving it back.
//!
//! ```text
//! keys let go ── kept ── ours ── struck ── target reads ── 500 ms ── given back
//!    ≤ 3 s                         └─ nobody reads: NotTaken after 2.5 s, given back after 8 s
//! ```
//!
//! The system asks for a promised text once; whoever reads after that is not told of. So a read by another program
//! before the target's own leaves it open whether that came.

use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use ::windows::Win32::Foundation::HWND;
use client_core::ports::{Inserted, InsertionError, Pasting};

use super::clipboard::{Busy, Contents, Opened};
use super::foreground;
use super::insertion::Command;
use super::offering::Window;
use super::strokes::{self, Blocked};
use super::waiting::wait;

mod readiness;

/// A program that does not read by then is not going to (a busy one may, until [`CAP`]).
const RECEIPT: Duration = Duration::from_millis(2500);
/// A read by another program than the window's is told by then: it may have been the window's helper.
const STRANGER: Duration = Duration::from_secs(1);
/// Some programs read several times; only the first is told.
const QUIET: Duration = Duration::from_millis(500);
/// After a read by another program only, the window's own may still come.
const STRANGER_QUIET: Duration = Duration::from_secs(3);
/// The clipboard is given back then whoever reads.
const CAP: Duration = Duration::from_secs(8);
/// How soon it is tried again when another program has the clipboard open.
const AGAIN: Duration = Duration::from_millis(500);
/// So many strokes are typed at once: a program's queue of messages holds 10 000.
const BATCH: usize = 120;
/// Between them a program gets time to take them.
const BREATH: Duration = Duration::from_millis(8);

impl From<Busy> for InsertionError {
    fn from(_: Busy) -> Self {
        Self::System("another program keeps the clipboard open".to_owned())
    }
}

impl From<Blocked> for InsertionError {
    fn from(_: Blocked) -> Self {
        Self::System("another program blocks the keyboard".to_owned())
    }
}

/// What of ours is in the clipboard for a while.
#[derive(Debug)]
struct Loan {
    former: Contents,
    /// The process the text is for.
    target: Option<u32>,
    struck: Instant,
    own_read: Option<Instant>,
    stranger_read: Option<Instant>,
    /// Giving it back failed; it is tried again then.
    again: Option<Instant>,
}

impl Loan {
    /// When it is to be given back, for now.
    fn due(&self) -> Instant {
        let cap = self.struck + CAP;
        let due = match (self.own_read, self.stranger_read) {
            (Some(own), _) => own + QUIET,
            (None, Some(stranger)) => stranger.max(self.struck) + STRANGER_QUIET,
            (None, None) => cap,
        };
        self.again.unwrap_or_else(|| due.min(cap))
    }
}

/// The thread's own.
pub struct Lender {
    window: Window,
    loan: Option<Loan>,
}

impl Lender {
    /// Lends the clipboard through this window.
    #[must_use]
    pub const fn new(window: Window) -> Self {
        Self { window, loan: None }
    }

    /// Serves until [`Command::End`].
    pub fn run(mut self, asked: &Receiver<Command>) {
        loop {
            while let Ok(command) = asked.try_recv() {
                // Who asked may have given up waiting.
                match command {
                    Command::Insert {
                        text,
                        target,
                        pasting,
                        until,
                        answer,
                    } => {
                        let target = target.map(|id| HWND(id as *mut _));
                        let _ = answer.send(self.insert(&text, target, pasting, until));
                    }
                    Command::StepBack {
                        target,
                        letters,
                        until,
                        answer,
                    } => {
                        let target = target.map(|id| HWND(id as *mut _));
                        let _ = answer.send(self.step_back(target, letters, until));
                    }
                    Command::Copy(text, answer) => {
                        let _ = answer.send(self.copy(&text).map_err(InsertionError::from));
                    }
                    Command::Text(answer) => {
                        let _ = answer.send(self.text().map_err(InsertionError::from));
                    }
                    Command::End => {
                        self.give_back();
                        return;
                    }
                }
            }
            let due = self.loan.as_ref().map(Loan::due);
            if due.is_some_and(|due| Instant::now() >= due) {
                self.give_back();
                continue;
            }
            self.step(due);
        }
    }

    /// Waits for one thing to happen and books it.
    fn step(&mut self, deadline: Option<Instant>) {
        let _ = wait(deadline);
        self.book();
    }

    fn book(&mut self) {
        let reads = self.window.reads();
        let Some(loan) = &mut self.loan else {
            return;
        };
        for read in reads {
            let own = read.process.is_some() && read.process == loan.target;
            if own && read.at >= loan.struck {
                loan.own_read = Some(read.at);
            } else {
                loan.stranger_read = Some(read.at);
            }
        }
    }

    fn insert(
        &mut self,
        text: &str,
        target: Option<HWND>,
        pasting: Pasting,
        until: Instant,
    ) -> Result<Inserted, InsertionError> {
        in_time(until)?;
        if pasting == Pasting::ClipboardOnly {
            self.copy(text)?;
            return Ok(Inserted::Copied);
        }
        if target.is_some_and(|target| !foreground::exists(target)) {
            return Err(InsertionError::WindowGone);
        }
        let window = target
            .or_else(foreground::active)
            .ok_or(InsertionError::Unreachable)?;
        let process = foreground::process_of(window).ok_or(InsertionError::WindowGone)?;
        if foreground::beyond_reach(process) {
            return Err(InsertionError::Elevated);
        }
        self.ready(window, until)?;
        in_time(until)?;
        if pasting == Pasting::Typed {
            return self.type_out(text, window);
        }
        let keys = strokes::chord(pasting, foreground::is_terminal(window));
        self.lend(text, foreground::program_of(window).or(Some(process)))?;
        // Programs that had promised the former contents may have taken their time to hand them over.
        let struck = in_time(until).and_then(|()| {
            if foreground::active() != Some(window) {
                return Err(InsertionError::Unreachable);
            }
            strokes::strike(keys).map_err(InsertionError::from)
        });
        if let Err(error) = struck {
            self.give_back();
            return Err(error);
        }
        self.receipt()
    }

    /// Puts the text where the former contents were, which are kept.
    fn lend(&mut self, text: &str, target: Option<u32>) -> Result<(), InsertionError> {
        let open = Opened::by(self.window.handle())?;
        let still_lent = self.loan.take().filter(|_| self.window.owns());
        let former = still_lent.map_or_else(|| open.keep(), |loan| loan.former);
        self.window.offer(text);
        let lent = open
            .empty()
            .and_then(|()| open.promise())
            .and_then(|()| open.mark_passing());
        drop(open);
        self.loan = Some(Loan {
            former,
            target,
            struck: Instant::now(),
            own_read: None,
            stranger_read: None,
            again: None,
        });
        if lent.is_err() {
            self.give_back();
        }
        lent.map_err(InsertionError::from)
    }

    /// The keys come to the program after the paste it has read, so the text is there by then.
    fn step_back(
        &mut self,
        target: Option<HWND>,
        letters: usize,
        until: Instant,
    ) -> Result<(), InsertionError> {
        in_time(until)?;
        let window = target
            .or_else(foreground::active)
            .ok_or(InsertionError::Unreachable)?;
        // With Shift held the arrow would select.
        self.ready(window, until)?;
        in_time(until)?;
        for batch in strokes::steps_back(letters).chunks(BATCH) {
            if foreground::active() != Some(window) {
                return Err(InsertionError::Unreachable);
            }
            strokes::send(batch)?;
            self.pause(BREATH);
        }
        Ok(())
    }

    fn receipt(&mut self) -> Result<Inserted, InsertionError> {
        let begun = Instant::now();
        loop {
            let Some(loan) = &self.loan else {
                return Err(InsertionError::NotTaken);
            };
            if loan.own_read.is_some() {
                return Ok(Inserted::Taken);
            }
            let waited = begun.elapsed();
            if loan.stranger_read.is_some() && waited >= STRANGER {
                return Ok(Inserted::Sent);
            }
            if waited >= RECEIPT {
                return Err(InsertionError::NotTaken);
            }
            let next = if waited < STRANGER { STRANGER } else { RECEIPT };
            self.step(Some(begun + next));
        }
    }

    /// Types the text; stops where another window comes to the front, which it is not meant for.
    fn type_out(&mut self, text: &str, window: HWND) -> Result<Inserted, InsertionError> {
        for batch in strokes::typed(text).chunks(BATCH) {
            if foreground::active() != Some(window) {
                return Err(InsertionError::Unreachable);
            }
            strokes::send(batch)?;
            self.pause(BREATH);
        }
        Ok(Inserted::Sent)
    }

    fn pause(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while Instant::now() < until {
            self.step(Some(until));
        }
    }

    /// Gives back what was lent, unless somebody else has put something there meanwhile.
    fn give_back(&mut self) {
        let Some(mut loan) = self.loan.take() else {
            return;
        };
        if !self.window.owns() {
            self.window.withdraw();
            return;
        }
        let given = Opened::by(self.window.handle()).and_then(|open| {
            open.empty()?;
            open.put_back(&loan.former)?;
            // It has been in the history already.
            if loan.former.is_empty() {
                Ok(())
            } else {
                open.mark_passing()
            }
        });
        if given.is_ok() {
            self.window.withdraw();
        } else if loan.struck.elapsed() < CAP + CAP {
            loan.again = Some(Instant::now() + AGAIN);
            self.loan = Some(loan);
        }
    }

    fn copy(&mut self, text: &str) -> Result<(), Busy> {
        let open = Opened::by(self.window.handle())?;
        open.empty()?;
        open.put_text(text)?;
        self.window.withdraw();
        // What was there before is not to come back.
        self.loan = None;
        Ok(())
    }

    fn text(&mut self) -> Result<Option<String>, Busy> {
        if let Some(loan) = self.loan.as_ref().filter(|_| self.window.owns()) {
            return Ok(loan.former.text());
        }
        Ok(Opened::by(self.window.handle())?.text())
    }
}

/// Whether who asked still waits: what comes later would come as a surprise.
fn in_time(until: Instant) -> Result<(), InsertionError> {
    if Instant::now() < until {
        Ok(())
    } else {
        Err(InsertionError::NotTaken)
    }
}

#[cfg(test)]
#[path = "lending_tests.rs"]
mod tests;

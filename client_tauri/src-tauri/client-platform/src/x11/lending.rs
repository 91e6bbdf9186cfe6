//! Lending the clipboard to a text: taking it, striking the keys, waiting for the receipt, giving it back.
//!
//! ```text
//! keys let go ── saved ── ours ── struck ── target reads ─ … ─ last read ── 200 ms ── given back
//!    ≤ 3 s       ≤ 3 s              └─ nobody reads: NotTaken after 2.5 s, given back after 8 s ─┘
//! ```

use std::collections::BTreeMap;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use client_core::ports::{Inserted, InsertionError, Pasting};
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{Atom, AtomEnum, Mapping, Window};
use x11rb::protocol::xtest::ConnectionExt as _;

use super::clipboard::Clipboard;
use super::display::{DisplayError, lenient};
use super::insertion::Command;
use super::keyboard::Keyboard;
use super::offers::Offer;
use super::pasting::{chord, strike};
use super::serving::Read;
use super::windows;

mod readiness;

/// How long somebody may hold modifiers.
const HELD: Duration = Duration::from_secs(3);
/// How often what has no event is looked at.
const LOOK: Duration = Duration::from_millis(10);
/// A program that does not read by then is not going to (a busy one may, until [`CAP`]).
const RECEIPT: Duration = Duration::from_millis(2500);
/// A read by another program than the window's is told by then: it may have been the window's helper.
const STRANGER: Duration = Duration::from_secs(1);
/// Some programs read several times, one format after the other.
const QUIET: Duration = Duration::from_millis(200);
/// After a read by another program only, the window's own may still come.
const STRANGER_QUIET: Duration = Duration::from_secs(3);
/// The clipboard is given back then whoever reads.
const CAP: Duration = Duration::from_secs(8);

/// What of ours is in the selections for a while.
#[derive(Debug)]
struct Loan {
    /// What was there before; an entry leaves when somebody else takes the selection.
    former: BTreeMap<Atom, Option<Offer>>,
    /// The window the text is for.
    target: Option<Window>,
    struck: Instant,
    own_read: Option<Instant>,
    stranger_read: Option<Instant>,
}

impl Loan {
    /// When it is to be given back, for now.
    fn due(&self) -> Instant {
        let cap = self.struck + CAP;
        match (self.own_read, self.stranger_read) {
            (Some(own), stranger) => (stranger.map_or(own, |at| at.max(own)) + QUIET).min(cap),
            (None, Some(stranger)) => (stranger + STRANGER_QUIET).min(cap),
            (None, None) => cap,
        }
    }
}

/// The thread's own.
pub struct Lender {
    clipboard: Clipboard,
    keyboard: Keyboard,
    loan: Option<Loan>,
}

impl Lender {
    /// Makes sure that keys can be struck at all.
    ///
    /// # Errors
    /// [`InsertionError::Unavailable`] without XTEST.
    pub fn open(clipboard: Clipboard) -> Result<Self, InsertionError> {
        let connection = &clipboard.display.connection;
        connection
            .xtest_get_version(2, 2)
            .map_err(DisplayError::from)?
            .reply()
            .map_err(|_| InsertionError::Unavailable)?;
        let keyboard = Keyboard::read(&clipboard.display)?;
        Ok(Self {
            clipboard,
            keyboard,
            loan: None,
        })
    }

    /// Serves until [`Command::End`] or until the display goes away.
    pub fn run(mut self, asked: &Receiver<Command>) {
        // Without a display there is nobody to tell: the next command finds the thread gone.
        let _ = self.serve(asked);
    }

    fn serve(&mut self, asked: &Receiver<Command>) -> Result<(), DisplayError> {
        loop {
            while let Ok(command) = asked.try_recv() {
                match command {
                    Command::Insert {
                        text,
                        target,
                        pasting,
                        until,
                        answer,
                    } => {
                        // Who asked may have given up waiting; so below.
                        let _ = answer.send(self.insert(&text, target, pasting, until));
                    }
                    Command::StepBack {
                        target,
                        letters,
                        until,
                        answer,
                    } => {
                        let _ = answer.send(self.step_back(target, letters, until));
                    }
                    Command::Copy(text, answer) => {
                        let _ = answer.send(self.copy(&text).map_err(InsertionError::from));
                    }
                    Command::Text(answer) => {
                        let _ = answer.send(self.text().map_err(InsertionError::from));
                    }
                    Command::End => {
                        self.give_back()?;
                        return lenient(self.clipboard.hand_over());
                    }
                }
            }
            let due = self.loan.as_ref().map(Loan::due);
            if due.is_some_and(|due| Instant::now() >= due) && !self.clipboard.server.busy() {
                self.give_back()?;
                continue;
            }
            // A reader in portions is waited for beyond the time, but not without end.
            let look = due.map(|due| due.max(Instant::now() + LOOK));
            self.step(look)?;
        }
    }

    /// Waits for one thing to happen and books it.
    fn step(&mut self, deadline: Option<Instant>) -> Result<(), DisplayError> {
        if let Some(Event::MappingNotify(mapping)) = self.clipboard.next(deadline)?
            && mapping.request != Mapping::POINTER
        {
            match Keyboard::read(&self.clipboard.display) {
                Ok(keyboard) => self.keyboard = keyboard,
                // Between two keyboards; the notice of the second one follows.
                Err(DisplayError::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        self.book();
        Ok(())
    }

    fn book(&mut self) {
        let reads: Vec<Read> = self.clipboard.reads.drain(..).collect();
        let lost = std::mem::take(&mut self.clipboard.lost);
        let Some(loan) = &mut self.loan else {
            return;
        };
        loan.former.retain(|selection, _| !lost.contains(selection));
        for read in reads.iter().filter(|read| read.at >= loan.struck) {
            let own = loan.target.is_some_and(|target| {
                windows::same_program(&self.clipboard.display, target, read.requestor)
            });
            if own {
                loan.own_read = Some(read.at);
            } else {
                loan.stranger_read = Some(read.at);
            }
        }
    }

    fn insert(
        &mut self,
        text: &str,
        target: Option<Window>,
        pasting: Pasting,
        until: Instant,
    ) -> Result<Inserted, InsertionError> {
        in_time(until)?;
        if pasting == Pasting::ClipboardOnly {
            self.copy(text)?;
            return Ok(Inserted::Copied);
        }
        self.ready(target, until)?;
        let atoms = self.clipboard.atoms;
        let meant = target;
        let target = match target {
            Some(target) => Some(target),
            None => windows::focused(&self.clipboard.display)?,
        };
        let offer = Offer::text(text, &atoms, true);
        let mut fresh = Vec::new();
        for selection in self.selections(target)? {
            let lent = self.loan.as_ref();
            if !lent.is_some_and(|loan| loan.former.contains_key(&selection)) {
                fresh.push((selection, self.clipboard.read_all(selection)?));
            }
        }
        // Until here a failure leaves an earlier loan as it is, to be given back in its time.
        in_time(until)?;
        let mut former = self.loan.take().map(|loan| loan.former).unwrap_or_default();
        former.extend(fresh);
        let owned = former
            .keys()
            .try_for_each(|selection| self.clipboard.own(*selection, offer.clone()));
        self.clipboard.reads.clear();
        self.loan = Some(Loan {
            former,
            target,
            struck: Instant::now(),
            own_read: None,
            stranger_read: None,
        });
        let struck = owned.map_err(InsertionError::from).and_then(|()| {
            // Reading what was there may have taken its time.
            if !self.is_in_front(meant)? {
                return Err(InsertionError::Unreachable);
            }
            Ok(strike(
                &self.clipboard.display,
                &self.keyboard,
                chord(pasting),
            )?)
        });
        if let Err(error) = struck {
            self.give_back()?;
            return Err(error);
        }
        self.receipt()
    }

    /// The keys come to the program after the paste it has read, so the text is there by then.
    fn step_back(
        &mut self,
        target: Option<Window>,
        letters: usize,
        until: Instant,
    ) -> Result<(), InsertionError> {
        in_time(until)?;
        // With Shift held the arrow would select.
        self.ready(target, until)?;
        in_time(until)?;
        for _ in 0..letters {
            strike(&self.clipboard.display, &self.keyboard, &["ArrowLeft"])?;
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
            self.step(Some(begun + next))?;
        }
    }

    /// The selections a program may paste from.
    ///
    /// Terminals paste PRIMARY on Shift+Insert. Where the target itself owns PRIMARY it has text selected, which the
    /// paste is to replace: taking PRIMARY away would unselect it. A terminal is no such case, it replaces nothing.
    fn selections(&self, target: Option<Window>) -> Result<Vec<Atom>, DisplayError> {
        let clipboard = self.clipboard.atoms.CLIPBOARD;
        let primary = Atom::from(AtomEnum::PRIMARY);
        let owner = self.clipboard.owner(primary)?;
        let display = &self.clipboard.display;
        if let Some(target) = target
            && owner != x11rb::NONE
            && windows::same_program(display, owner, target)
            && !windows::program(display, target)?.is_some_and(|name| windows::is_terminal(&name))
        {
            return Ok(vec![clipboard]);
        }
        Ok(vec![clipboard, primary])
    }

    fn pause(&mut self, time: Duration) -> Result<(), DisplayError> {
        let until = Instant::now() + time;
        while Instant::now() < until {
            self.step(Some(until))?;
        }
        Ok(())
    }

    /// Gives back what was lent, as far as it still is ours to give.
    fn give_back(&mut self) -> Result<(), DisplayError> {
        self.book();
        let Some(loan) = self.loan.take() else {
            return Ok(());
        };
        for (selection, former) in loan.former {
            match former {
                Some(offer) => lenient(self.clipboard.own(selection, offer))?,
                None => lenient(self.clipboard.empty(selection))?,
            }
        }
        Ok(())
    }

    fn copy(&mut self, text: &str) -> Result<(), DisplayError> {
        let clipboard = self.clipboard.atoms.CLIPBOARD;
        let offer = Offer::text(text, &self.clipboard.atoms, false);
        self.clipboard.own(clipboard, offer)?;
        if let Some(loan) = &mut self.loan {
            loan.former.remove(&clipboard);
        }
        Ok(())
    }

    fn text(&mut self) -> Result<Option<String>, DisplayError> {
        let clipboard = self.clipboard.atoms.CLIPBOARD;
        if let Some(Some(former)) = self
            .loan
            .as_ref()
            .and_then(|loan| loan.former.get(&clipboard))
        {
            let utf8 = former.format(self.clipboard.atoms.UTF8_STRING);
            return Ok(utf8.map(|format| String::from_utf8_lossy(&format.bytes).into_owned()));
        }
        let until = Instant::now() + HELD;
        let utf8 = self.clipboard.atoms.UTF8_STRING;
        if let Some(format) = self.clipboard.read(clipboard, utf8, until)? {
            return Ok(Some(String::from_utf8_lossy(&format.bytes).into_owned()));
        }
        let latin = self
            .clipboard
            .read(clipboard, AtomEnum::STRING.into(), until)?;
        Ok(latin.map(|format| format.bytes.iter().copied().map(char::from).collect()))
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

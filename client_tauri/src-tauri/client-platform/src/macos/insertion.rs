//! Text into the program where dictation began, on macOS: by the pasteboard and Command+V, or as typed.
//!
//! The pasteboard does not tell who reads it, so the former contents come back a while after the keys were struck, unless
//! somebody has put something there meanwhile.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use client_core::ports::{Inserted, Insertion, InsertionError, Pasting, TargetWindow};
use objc2::rc::{Retained, autoreleasepool};
use objc2_app_kit::{NSApplicationActivationOptions, NSRunningApplication, NSWorkspace};
use objc2_core_graphics::{CGPreflightPostEventAccess, CGRequestPostEventAccess};

use super::pasteboard::{self, Contents};
use super::strokes::{self, Refused};

/// The system brings a program to the front within this time.
const FRONT: Duration = Duration::from_secs(1);
/// How long somebody may hold modifiers.
const HELD: Duration = Duration::from_secs(3);
/// After the keys of Command+Tab are let go another program has come to the front within this time.
const SWITCHED: Duration = Duration::from_millis(100);
/// How often what has no event is looked at.
const LOOK: Duration = Duration::from_millis(10);
/// A program has read the pasteboard by then.
const READ: Duration = Duration::from_millis(1500);

impl From<Refused> for InsertionError {
    fn from(_: Refused) -> Self {
        Self::System("the system made no stroke of a key".to_owned())
    }
}

/// What of ours is in the pasteboard for a while.
#[derive(Debug)]
struct Loan {
    former: Contents,
    /// The pasteboard's count when it was lent: another means that somebody has copied something.
    count: isize,
}

// SAFETY: what was kept are values that nobody changes, and only one thread has them at a time.
unsafe impl Send for Loan {}

/// Insertion on this login; gives the pasteboard back when dropped.
#[derive(Debug, Default)]
pub struct MacInsertion {
    loan: Arc<Mutex<Option<Loan>>>,
    /// One text after the other.
    one: Mutex<()>,
}

impl MacInsertion {
    /// Nothing is lent yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn loan(&self) -> MutexGuard<'_, Option<Loan>> {
        self.loan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn paste(&self, text: &str, shifted: bool) -> Result<Inserted, InsertionError> {
        let mut loan = self.loan();
        let former = match loan.take() {
            Some(lent) if lent.count == pasteboard::count() => lent.former,
            _ => pasteboard::keep(),
        };
        let put = pasteboard::put_text(text, true);
        *loan = Some(Loan {
            former,
            count: pasteboard::count(),
        });
        drop(loan);
        if !put {
            give_back(&self.loan);
            return Err(InsertionError::System(
                "the pasteboard did not take the text".to_owned(),
            ));
        }
        let struck = strokes::paste(shifted);
        let loan = Arc::clone(&self.loan);
        let count = pasteboard::count();
        let waiting = std::thread::Builder::new()
            .name("pasteboard".to_owned())
            .spawn(move || {
                std::thread::sleep(READ);
                // A later text has lent it anew, and gives it back itself.
                let ours = loan.lock().unwrap_or_else(PoisonError::into_inner);
                let same = ours.as_ref().is_some_and(|loan| loan.count == count);
                drop(ours);
                if same {
                    autoreleasepool(|_| give_back(&loan));
                }
            });
        if waiting.is_err() {
            give_back(&self.loan);
        }
        struck?;
        Ok(Inserted::Sent)
    }
}

/// Gives back what was lent, unless somebody else has put something there meanwhile.
fn give_back(loan: &Mutex<Option<Loan>>) {
    let lent = loan.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(lent) = lent.filter(|lent| lent.count == pasteboard::count()) {
        // There is nobody to tell, and nothing to be done about it.
        let _ = pasteboard::put_back(lent.former);
    }
}

impl Insertion for MacInsertion {
    fn target(&self) -> Result<Option<TargetWindow>, InsertionError> {
        Ok(autoreleasepool(|_| {
            let program = NSWorkspace::sharedWorkspace().frontmostApplication()?;
            Some(TargetWindow {
                id: u64::try_from(program.processIdentifier()).ok()?,
                app: program.bundleIdentifier().map(|name| name.to_string()),
            })
        }))
    }

    fn insert(
        &self,
        text: &str,
        target: Option<&TargetWindow>,
        pasting: Pasting,
    ) -> Result<Inserted, InsertionError> {
        let _one = self.one.lock().unwrap_or_else(PoisonError::into_inner);
        if pasting == Pasting::ClipboardOnly {
            self.copy(text)?;
            return Ok(Inserted::Copied);
        }
        if !CGPreflightPostEventAccess() {
            // The system asks the person, once.
            let _ = CGRequestPostEventAccess();
            return Err(InsertionError::Unavailable);
        }
        autoreleasepool(|_| {
            let program = match target {
                Some(target) => Some(running(target)?),
                None => None,
            };
            loop {
                front(program.as_deref())?;
                if !keys_up()? {
                    break;
                }
                // They may have been those of Command+Tab.
                std::thread::sleep(SWITCHED);
            }
            match pasting {
                Pasting::Typed => {
                    let whole = strokes::type_out(text, || {
                        std::thread::sleep(LOOK);
                        program
                            .as_deref()
                            .is_none_or(NSRunningApplication::isActive)
                    })?;
                    if whole {
                        Ok(Inserted::Sent)
                    } else {
                        Err(InsertionError::Unreachable)
                    }
                }
                other => self.paste(text, other == Pasting::ControlShiftV),
            }
        })
    }

    fn copy(&self, text: &str) -> Result<(), InsertionError> {
        autoreleasepool(|_| {
            *self.loan() = None;
            if pasteboard::put_text(text, false) {
                Ok(())
            } else {
                Err(InsertionError::System(
                    "the pasteboard did not take the text".to_owned(),
                ))
            }
        })
    }

    fn clipboard_text(&self) -> Result<Option<String>, InsertionError> {
        autoreleasepool(|_| {
            let loan = self.loan();
            match loan.as_ref() {
                Some(lent) if lent.count == pasteboard::count() => Ok(lent.former.text()),
                _ => Ok(pasteboard::text()),
            }
        })
    }
}

impl Drop for MacInsertion {
    fn drop(&mut self) {
        autoreleasepool(|_| give_back(&self.loan));
    }
}

fn running(target: &TargetWindow) -> Result<Retained<NSRunningApplication>, InsertionError> {
    let process = i32::try_from(target.id).map_err(|_| InsertionError::WindowGone)?;
    NSRunningApplication::runningApplicationWithProcessIdentifier(process)
        .filter(|program| !program.isTerminated())
        .ok_or(InsertionError::WindowGone)
}

fn front(program: Option<&NSRunningApplication>) -> Result<(), InsertionError> {
    let Some(program) = program else {
        return Ok(());
    };
    let deadline = Instant::now() + FRONT;
    let mut asked = false;
    while !program.isActive() {
        if Instant::now() >= deadline {
            return Err(InsertionError::Unreachable);
        }
        if !asked {
            // Whether it worked is seen by who is in front.
            let _ = program.activateWithOptions(NSApplicationActivationOptions::empty());
            asked = true;
        }
        std::thread::sleep(LOOK);
    }
    Ok(())
}

/// Whether it had to be waited for.
fn keys_up() -> Result<bool, InsertionError> {
    let deadline = Instant::now() + HELD;
    let mut waited = false;
    while strokes::modifiers_held() {
        if Instant::now() >= deadline {
            return Err(InsertionError::KeysHeld);
        }
        std::thread::sleep(LOOK);
        waited = true;
    }
    Ok(waited)
}

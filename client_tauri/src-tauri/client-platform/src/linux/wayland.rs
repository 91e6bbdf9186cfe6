//! Text into windows of a Wayland desktop: lent to the clipboard through the portal, pasted by its keyboard, and the
//! clipboard given back once the text was read.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use client_core::ports::{Inserted, Insertion, InsertionError, Keychain, Pasting, TargetWindow};
use zbus::blocking::MessageIterator;
use zbus::zvariant::{ObjectPath, OwnedFd as BusFd, OwnedObjectPath, OwnedValue, Value};

use super::portal::{Options, Portal, PortalError};
use super::remote::{Chord, RemoteKeyboard};

/// Under which names text is offered; programs differ in what they ask for.
const TEXT: [&str; 4] = [
    "text/plain;charset=utf-8",
    "text/plain",
    "UTF8_STRING",
    "STRING",
];
/// Tells clipboard managers to keep none of it.
const HINT: &str = "x-kde-passwordManagerHint";
/// Signals waiting for us.
const QUEUE: usize = 64;
/// The chord's own keys may still be on their way up when the text comes; nobody can ask for them here.
const SETTLE: Duration = Duration::from_millis(150);
/// A program that does not read by then is not going to.
const RECEIPT: Duration = Duration::from_millis(2500);
/// Some programs read several times, one format after the other.
const QUIET: Duration = Duration::from_millis(200);
/// How long somebody else's clipboard may take to be read, each format.
const FETCH: Duration = Duration::from_millis(500);
/// What of it is kept: no more formats, no larger ones.
const FORMATS: usize = 12;
const MOST_BYTES: u64 = 16 * 1024 * 1024;

type Content = Vec<(String, Arc<[u8]>)>;

/// What is known of the clipboard.
#[derive(Default)]
struct Board {
    /// What we offer.
    offered: Content,
    /// Whether the selection is ours.
    ours: bool,
    /// What somebody else offers.
    foreign: Vec<String>,
    /// Reads of our text since the chord was struck.
    counting: bool,
    last_read: Option<Instant>,
}

struct Shared {
    keyboard: Arc<RemoteKeyboard>,
    board: Mutex<Board>,
    read: Condvar,
}

/// Insertion through the portal; what it cannot do with the clipboard is done by another way, where there is one.
pub struct PortalInsertion {
    shared: Arc<Shared>,
    other: Option<Arc<dyn Insertion>>,
    /// One text after the other.
    turn: Mutex<()>,
}

impl PortalInsertion {
    /// Asks nobody yet: the first text does.
    ///
    /// # Errors
    /// [`InsertionError::Unavailable`] where the desktop has no portal for it.
    pub fn open(
        keychain: Arc<dyn Keychain>,
        other: Option<Arc<dyn Insertion>>,
    ) -> Result<Self, InsertionError> {
        let portal = Portal::open()?;
        let signals = portal.signals(QUEUE)?;
        let shared = Arc::new(Shared {
            keyboard: RemoteKeyboard::open(portal, keychain)?,
            board: Mutex::default(),
            read: Condvar::new(),
        });
        let heard = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("portal-clipboard".to_owned())
            .spawn(move || heard.listen(signals))
            .map_err(|error| InsertionError::System(error.kind().to_string()))?;
        Ok(Self {
            shared,
            other,
            turn: Mutex::new(()),
        })
    }

    /// Puts text into the clipboard for good, by whichever way there is.
    fn keep(&self, text: &str) -> Result<(), InsertionError> {
        if let Some(other) = &self.other {
            return other.copy(text);
        }
        let allowed = self.shared.keyboard.allowed(true)?;
        if !allowed.clipboard {
            return Err(InsertionError::Unavailable);
        }
        self.shared.offer(&allowed.session, of_text(text, false))
    }
}

impl Insertion for PortalInsertion {
    /// Compositors do not say which window it is; that one was in front when a take began is all that is known.
    fn target(&self) -> Result<Option<TargetWindow>, InsertionError> {
        Ok(Some(TargetWindow { id: 0, app: None }))
    }

    fn insert(
        &self,
        text: &str,
        target: Option<&TargetWindow>,
        pasting: Pasting,
    ) -> Result<Inserted, InsertionError> {
        let chord = match pasting {
            Pasting::ClipboardOnly => return self.keep(text).map(|()| Inserted::Copied),
            Pasting::ControlV => Chord::ControlV,
            Pasting::ControlShiftV => Chord::ControlShiftV,
            // Typed letters would be those of the layout.
            Pasting::Automatic | Pasting::ShiftInsert | Pasting::Typed => Chord::ShiftInsert,
        };
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        // Without a window it is what the person just asked for: then they may be asked again.
        let allowed = self.shared.keyboard.allowed(target.is_none())?;
        if allowed.clipboard {
            return self.shared.lend(&allowed.session, text, chord);
        }
        let other = self.other.as_ref().ok_or(InsertionError::Unavailable)?;
        other.copy(text)?;
        std::thread::sleep(SETTLE);
        self.shared.keyboard.strike(&allowed.session, chord)?;
        Ok(Inserted::Sent)
    }

    fn step_back(&self, _: Option<&TargetWindow>, letters: usize) -> Result<(), InsertionError> {
        let session = self.shared.keyboard.session();
        let session = session.ok_or(InsertionError::Unavailable)?;
        self.shared.keyboard.step_back(&session, letters)
    }

    fn copy(&self, text: &str) -> Result<(), InsertionError> {
        self.keep(text)
    }

    fn clipboard_text(&self) -> Result<Option<String>, InsertionError> {
        match &self.other {
            Some(other) => other.clipboard_text(),
            None => Ok(self.shared.keyboard.session().and_then(|session| {
                let content = self.shared.content(&session);
                let text = content
                    .into_iter()
                    .find(|(name, _)| TEXT.contains(&name.as_str()));
                text.and_then(|(_, bytes)| String::from_utf8(bytes.to_vec()).ok())
            })),
        }
    }
}

impl Drop for PortalInsertion {
    fn drop(&mut self) {
        let keyboard = &self.shared.keyboard;
        if let Some(session) = keyboard.session() {
            keyboard.portal.close(&session);
            keyboard.lost(session.as_str());
        }
        // Ends the listening thread.
        let _ = keyboard.portal.bus.clone().close();
    }
}

impl Shared {
    /// Lends the clipboard to the text, pastes it and gives the clipboard back.
    fn lend(
        self: &Arc<Self>,
        session: &OwnedObjectPath,
        text: &str,
        chord: Chord,
    ) -> Result<Inserted, InsertionError> {
        let former = self.content(session);
        self.offer(session, of_text(text, true))?;
        std::thread::sleep(SETTLE);
        {
            let mut board = self.board();
            (board.counting, board.last_read) = (true, None);
        }
        let struck = self.keyboard.strike(session, chord);
        let taken = struck.is_ok() && self.was_read();
        self.board().counting = false;
        if self.board().ours && self.keyboard.session().as_ref() == Some(session) {
            // A clipboard that was empty is left with nothing to be had.
            self.offer(session, former)?;
        }
        struck?;
        if taken {
            Ok(Inserted::Taken)
        } else {
            Err(InsertionError::NotTaken)
        }
    }

    /// Waits until somebody has read and nobody goes on reading.
    fn was_read(&self) -> bool {
        let until = Instant::now() + RECEIPT;
        let mut board = self.board();
        loop {
            let due = board.last_read.map_or(until, |read| read + QUIET);
            let wait = due.saturating_duration_since(Instant::now());
            if wait.is_zero() || !board.ours {
                return board.last_read.is_some();
            }
            board = self
                .read
                .wait_timeout(board, wait)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Takes the selection with this content.
    fn offer(&self, session: &OwnedObjectPath, content: Content) -> Result<(), InsertionError> {
        let names: Vec<String> = content.iter().map(|(name, _)| name.clone()).collect();
        {
            let mut board = self.board();
            (board.offered, board.ours) = (content, true);
        }
        let options = Options::from([("mime_types", Value::from(names))]);
        let clipboard = self.keyboard.portal.interface("Clipboard")?;
        clipboard
            .call::<_, _, ()>("SetSelection", &(session, options))
            .map_err(|error| InsertionError::from(PortalError::Bus(error)))
    }

    /// What is in the clipboard, as far as it can be had in time.
    fn content(&self, session: &OwnedObjectPath) -> Content {
        let foreign = {
            let board = self.board();
            if board.ours {
                return board.offered.clone();
            }
            board.foreign.clone()
        };
        let formats = foreign.into_iter().take(FORMATS);
        formats
            .filter_map(|name| Some((name.clone(), self.fetch(session, &name)?)))
            .collect()
    }

    fn fetch(&self, session: &OwnedObjectPath, name: &str) -> Option<Arc<[u8]>> {
        let clipboard = self.keyboard.portal.interface("Clipboard").ok()?;
        let fd: BusFd = clipboard.call("SelectionRead", &(session, name)).ok()?;
        let file = File::from(OwnedFd::from(fd));
        // Whoever has it may write slowly, or never: then this format is lost, not the program.
        let (answer, answered) = sync_channel(1);
        std::thread::Builder::new()
            .name("portal-fetch".to_owned())
            .spawn(move || {
                let mut bytes = Vec::new();
                let whole = file.take(MOST_BYTES + 1).read_to_end(&mut bytes).is_ok();
                let fits = u64::try_from(bytes.len()).is_ok_and(|size| size <= MOST_BYTES);
                let _ = answer.send((whole && fits).then_some(bytes));
            })
            .ok()?;
        answered.recv_timeout(FETCH).ok()?.map(Arc::from)
    }

    fn listen(self: &Arc<Self>, signals: MessageIterator) {
        for signal in signals.map_while(Result::ok) {
            let header = signal.header();
            let (Some(member), Some(path)) = (header.member(), header.path()) else {
                continue;
            };
            match member.as_str() {
                "Closed" => self.keyboard.lost(path.as_str()),
                "SelectionOwnerChanged" => self.owner_changed(&signal),
                "SelectionTransfer" => self.transfer(&signal),
                _ => {}
            }
        }
    }

    fn owner_changed(&self, signal: &zbus::Message) {
        let body = signal.body();
        let Ok((_, told)) = body.deserialize::<(
            ObjectPath<'_>,
            std::collections::HashMap<String, OwnedValue>,
        )>() else {
            return;
        };
        let ours = told
            .get("session_is_owner")
            .and_then(|ours| ours.downcast_ref::<bool>().ok())
            .unwrap_or(false);
        let mut board = self.board();
        board.ours = ours;
        if !ours {
            board.foreign = told.get("mime_types").map(names_in).unwrap_or_default();
            board.offered.clear();
        }
        drop(board);
        self.read.notify_all();
    }

    /// Somebody pastes: they get it through a pipe, on a thread, for they may read slowly.
    fn transfer(self: &Arc<Self>, signal: &zbus::Message) {
        let body = signal.body();
        let Ok((session, name, serial)) = body.deserialize::<(OwnedObjectPath, String, u32)>()
        else {
            return;
        };
        let own = Arc::clone(self);
        // Without a thread nobody is served, and the reader sees an empty clipboard.
        let _ = std::thread::Builder::new()
            .name("portal-serve".to_owned())
            .spawn(move || own.serve(&session, &name, serial));
    }

    fn serve(&self, session: &OwnedObjectPath, name: &str, serial: u32) {
        let (bytes, counts) = {
            let board = self.board();
            let found = board.offered.iter().find(|(own, _)| own == name);
            (
                found.map(|(_, bytes)| Arc::clone(bytes)),
                board.counting && name != HINT,
            )
        };
        let Ok(clipboard) = self.keyboard.portal.interface("Clipboard") else {
            return;
        };
        let written = bytes.is_some_and(|bytes| {
            let fd: Result<BusFd, _> = clipboard.call("SelectionWrite", &(session, serial));
            fd.is_ok_and(|fd| File::from(OwnedFd::from(fd)).write_all(&bytes).is_ok())
        });
        let _ = clipboard.call::<_, _, ()>("SelectionWriteDone", &(session, serial, written));
        if written && counts {
            self.board().last_read = Some(Instant::now());
            self.read.notify_all();
        }
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Text under all its names; lent text asks managers to forget it.
fn of_text(text: &str, lent: bool) -> Content {
    let bytes: Arc<[u8]> = Arc::from(text.as_bytes());
    let mut content: Content = TEXT
        .iter()
        .map(|name| ((*name).to_owned(), Arc::clone(&bytes)))
        .collect();
    if lent {
        content.push((HINT.to_owned(), Arc::from(b"secret".as_slice())));
    }
    content
}

/// `as`, or a structure around it, as some desktops have it.
fn names_in(told: &OwnedValue) -> Vec<String> {
    let list: Option<Vec<String>> = match &**told {
        Value::Structure(around) => around
            .fields()
            .first()
            .and_then(|list| list.try_clone().ok())
            .and_then(|list| list.try_into().ok()),
        list => list.try_clone().ok().and_then(|list| list.try_into().ok()),
    };
    list.unwrap_or_default()
}

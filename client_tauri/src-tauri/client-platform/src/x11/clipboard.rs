//! Our window on the clipboard: serves what we own while it waits for anything, and reads what others own.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ConnectionExt as _, CreateWindowAux, EventMask, PropMode, Property, Timestamp,
    Window, WindowClass,
};
use x11rb::wrapper::ConnectionExt as _;

use super::atoms::Atoms;
use super::display::{Display, DisplayError, Waited};
use super::offers::{Format, Offer};
use super::serving::{Read, Server};
use super::wake::Wake;

/// How long an owner may take to answer for one format.
const ANSWER: Duration = Duration::from_millis(500);
/// All formats of one selection are read within this time; what is not there by then is left out.
const ALL: Duration = Duration::from_millis(1500);
/// No more than this is kept of one selection.
const KEPT: usize = 64 * 1024 * 1024;

/// A window nobody sees, and the selections it owns.
pub struct Clipboard {
    /// The display.
    pub display: Display,
    /// Names.
    pub atoms: Atoms,
    /// What we own.
    pub server: Server,
    /// Who has read from us since somebody last looked, portions too.
    pub reads: Vec<Read>,
    /// The selections others took from us since somebody last looked.
    pub lost: BTreeSet<Atom>,
    window: Window,
    wake: Wake,
}

impl Clipboard {
    /// Opens the display of that name. `wake` interrupts waiting.
    ///
    /// # Errors
    /// When there is no display.
    pub fn open(name: Option<&str>, wake: Wake) -> Result<Self, DisplayError> {
        let display = Display::open(name)?;
        let atoms = Atoms::new(&display.connection)?.reply()?;
        let connection = &display.connection;
        let window = connection.generate_id()?;
        let listen = CreateWindowAux::new().event_mask(EventMask::PROPERTY_CHANGE);
        connection
            .create_window(
                0,
                window,
                display.root,
                -1,
                -1,
                1,
                1,
                0,
                WindowClass::INPUT_ONLY,
                0,
                &listen,
            )?
            .check()?;
        Ok(Self {
            display,
            atoms,
            server: Server::default(),
            reads: Vec::new(),
            lost: BTreeSet::new(),
            window,
            wake,
        })
    }

    /// Waits until something comes that is not a reader's request; `None` at the deadline or when woken.
    ///
    /// # Errors
    /// When the display went away.
    pub fn next(&mut self, deadline: Option<Instant>) -> Result<Option<Event>, DisplayError> {
        loop {
            let event = match self.display.wait(&self.wake, deadline)? {
                Waited::Event(event) => event,
                Waited::Woken | Waited::Deadline => return Ok(None),
            };
            match event {
                Event::SelectionRequest(asked) => {
                    let read = self.server.answer(&self.display, &self.atoms, &asked)?;
                    self.reads.extend(read);
                    return Ok(None);
                }
                Event::SelectionClear(cleared) => {
                    self.server.lose(cleared.selection);
                    self.lost.insert(cleared.selection);
                }
                Event::PropertyNotify(changed) if changed.window != self.window => {
                    let read = self.server.taken(&self.display, &changed)?;
                    self.reads.extend(read);
                    return Ok(None);
                }
                other => return Ok(Some(other)),
            }
        }
    }

    /// Waits for an event that `wanted` makes something of.
    fn expect<T>(
        &mut self,
        deadline: Instant,
        mut wanted: impl FnMut(&Event) -> Option<T>,
    ) -> Result<Option<T>, DisplayError> {
        loop {
            match self.next(Some(deadline))? {
                Some(event) => {
                    if let Some(found) = wanted(&event) {
                        return Ok(Some(found));
                    }
                }
                None if Instant::now() >= deadline => return Ok(None),
                None => {}
            }
        }
    }

    /// The server's time, which owning a selection needs.
    fn now(&mut self) -> Result<Timestamp, DisplayError> {
        let (window, property) = (self.window, self.atoms.ALFAVOICE_TIME);
        self.display
            .connection
            .change_property8(PropMode::REPLACE, window, property, AtomEnum::STRING, b"")?
            .ignore_error();
        self.expect(Instant::now() + ANSWER, |event| match event {
            Event::PropertyNotify(changed) if changed.atom == property => Some(changed.time),
            _ => None,
        })?
        .ok_or(DisplayError::TimedOut)
    }

    /// Owns a selection from now on and offers this in it.
    ///
    /// # Errors
    /// [`DisplayError::Lacks`] when the display gave it to somebody else.
    pub fn own(&mut self, selection: Atom, offer: Offer) -> Result<(), DisplayError> {
        let now = self.now()?;
        let connection = &self.display.connection;
        connection
            .set_selection_owner(self.window, selection, now)?
            .check()?;
        self.server.own(selection, offer, now);
        self.lost.remove(&selection);
        if self.owner(selection)? != self.window {
            self.server.lose(selection);
            return Err(DisplayError::Lacks("free clipboard"));
        }
        Ok(())
    }

    /// Leaves a selection empty, if it is ours.
    ///
    /// # Errors
    /// When the display went away.
    pub fn empty(&mut self, selection: Atom) -> Result<(), DisplayError> {
        if self.server.offer(selection).is_some() {
            self.server.lose(selection);
            let now = self.now()?;
            let connection = &self.display.connection;
            connection
                .set_selection_owner(x11rb::NONE, selection, now)?
                .check()?;
        }
        Ok(())
    }

    /// Who owns a selection; 0 for nobody.
    ///
    /// # Errors
    /// When the display went away.
    pub fn owner(&self, selection: Atom) -> Result<Window, DisplayError> {
        let connection = &self.display.connection;
        Ok(connection.get_selection_owner(selection)?.reply()?.owner)
    }

    /// Everything in a selection, as far as its owner gives it in time; `None` when there is nothing.
    ///
    /// # Errors
    /// When the display went away.
    pub fn read_all(&mut self, selection: Atom) -> Result<Option<Offer>, DisplayError> {
        let owner = self.owner(selection)?;
        if owner == x11rb::NONE {
            return Ok(None);
        }
        if owner == self.window {
            return Ok(self.server.offer(selection).cloned());
        }
        let deadline = Instant::now() + ALL;
        let Some(names) = self.read(selection, self.atoms.TARGETS, deadline)? else {
            return Ok(None);
        };
        let mut targets: Vec<Atom> = names
            .bytes
            .chunks_exact(4)
            .map(|name| u32::from_ne_bytes([name[0], name[1], name[2], name[3]]))
            .filter(|target| self.is_content(*target))
            .collect();
        targets.dedup();
        // Programs make other image formats from PNG while they are asked, each takes its time.
        targets.sort_by_key(|target| self.rank(*target));
        let mut offer = Offer::default();
        for target in targets {
            if Instant::now() >= deadline || offer.bytes() > KEPT {
                break;
            }
            offer
                .formats
                .extend(self.read(selection, target, deadline)?);
        }
        Ok((!offer.formats.is_empty()).then_some(offer))
    }

    fn is_content(&self, target: Atom) -> bool {
        let atoms = &self.atoms;
        ![
            x11rb::NONE,
            atoms.TARGETS,
            atoms.MULTIPLE,
            atoms.TIMESTAMP,
            atoms.SAVE_TARGETS,
            atoms.DELETE,
            atoms.INSERT_SELECTION,
            atoms.INSERT_PROPERTY,
        ]
        .contains(&target)
    }

    fn rank(&self, target: Atom) -> u8 {
        if target == self.atoms.image_png {
            return 1;
        }
        let name = self
            .display
            .connection
            .get_atom_name(target)
            .ok()
            .and_then(|asked| asked.reply().ok());
        match name {
            Some(name) if name.name.starts_with(b"image/") => 2,
            _ => 0,
        }
    }

    /// One format of a selection; `None` when its owner does not have it or does not answer.
    ///
    /// # Errors
    /// When the display went away.
    pub fn read(
        &mut self,
        selection: Atom,
        target: Atom,
        until: Instant,
    ) -> Result<Option<Format>, DisplayError> {
        if self.owner(selection)? == self.window {
            return Ok(self
                .server
                .offer(selection)
                .and_then(|offer| offer.format(target).cloned()));
        }
        let (window, property) = (self.window, self.atoms.ALFAVOICE_SELECTION);
        let connection = &self.display.connection;
        connection.delete_property(window, property)?.ignore_error();
        connection
            .convert_selection(window, selection, target, property, x11rb::CURRENT_TIME)?
            .ignore_error();
        let deadline = until.min(Instant::now() + ANSWER);
        let answered = self.expect(deadline, |event| match event {
            Event::SelectionNotify(answer)
                if answer.requestor == window
                    && answer.selection == selection
                    && answer.target == target =>
            {
                Some(answer.property != x11rb::NONE)
            }
            _ => None,
        })?;
        if answered != Some(true) {
            return Ok(None);
        }
        let Some((kind, bits, mut bytes)) = self.property()? else {
            return Ok(None);
        };
        let (kind, bits) = if kind == self.atoms.INCR {
            match self.portions(until, &mut bytes)? {
                Some(form) => form,
                None => return Ok(None),
            }
        } else {
            (kind, bits)
        };
        Ok(Some(Format {
            target,
            kind,
            bits,
            bytes: Arc::from(bytes),
        }))
    }

    /// Takes the portions of a long answer; `None` when they stop coming.
    fn portions(
        &mut self,
        until: Instant,
        bytes: &mut Vec<u8>,
    ) -> Result<Option<(Atom, u8)>, DisplayError> {
        bytes.clear();
        let property = self.atoms.ALFAVOICE_SELECTION;
        let mut form = None;
        loop {
            let written = self.expect(until, |event| match event {
                Event::PropertyNotify(changed)
                    if changed.atom == property && changed.state == Property::NEW_VALUE =>
                {
                    Some(())
                }
                _ => None,
            })?;
            if written.is_none() || bytes.len() > KEPT {
                return Ok(None);
            }
            let Some((kind, bits, portion)) = self.property()? else {
                continue;
            };
            if portion.is_empty() {
                return Ok(form.or(Some((kind, bits))));
            }
            form = Some((kind, bits));
            bytes.extend(portion);
        }
    }

    /// Takes what was written for us: its type, the bits of a unit, the bytes.
    fn property(&mut self) -> Result<Option<(Atom, u8, Vec<u8>)>, DisplayError> {
        let property = self.atoms.ALFAVOICE_SELECTION;
        let longs = u32::try_from(KEPT / 4).unwrap_or(u32::MAX);
        let reply = self
            .display
            .connection
            .get_property(true, self.window, property, AtomEnum::ANY, 0, longs)?
            .reply()?;
        if reply.type_ == x11rb::NONE || !matches!(reply.format, 8 | 16 | 32) {
            return Ok(None);
        }
        Ok(Some((reply.type_, reply.format, reply.value)))
    }

    /// Gives what we own in the clipboard to a clipboard manager, if one runs: this program is about to end.
    ///
    /// # Errors
    /// When the display went away.
    pub fn hand_over(&mut self) -> Result<(), DisplayError> {
        let (clipboard, manager) = (self.atoms.CLIPBOARD, self.atoms.CLIPBOARD_MANAGER);
        if self.server.offer(clipboard).is_none() || self.owner(manager)? == x11rb::NONE {
            return Ok(());
        }
        let (window, property) = (self.window, self.atoms.ALFAVOICE_SELECTION);
        self.display
            .connection
            .convert_selection(
                window,
                manager,
                self.atoms.SAVE_TARGETS,
                property,
                x11rb::CURRENT_TIME,
            )?
            .ignore_error();
        self.expect(Instant::now() + 2 * ANSWER, |event| match event {
            Event::SelectionNotify(answer) if answer.selection == manager => Some(()),
            _ => None,
        })?;
        Ok(())
    }
}

//! Being the owner of selections: answering whoever asks for what is in the clipboard (ICCCM 2).
//!
//! Nothing is handed over before somebody asks, so each answer is a receipt. What is larger than a request goes in
//! portions (`INCR`): the reader deletes the property when it has taken one, which is when the next is written.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use x11rb::connection::Connection;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ChangeWindowAttributesAux, ConnectionExt as _, EventMask, PropMode, Property,
    PropertyNotifyEvent, SELECTION_NOTIFY_EVENT, SelectionNotifyEvent, SelectionRequestEvent,
    Timestamp, Window,
};
use x11rb::wrapper::ConnectionExt as _;

use super::atoms::Atoms;
use super::display::{Display, DisplayError};
use super::offers::{Format, Offer};

/// What fits into one answer; also the size of a portion. Far below the 256 KiB every server takes in a request.
const PORTION: usize = 128 * 1024;
/// A reader that takes no portion for so long has gone.
const PATIENCE: Duration = Duration::from_secs(10);
/// So many readers are served in portions at once.
const TRANSFERS: usize = 16;

/// Somebody got the content of a selection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Read {
    /// The window it was sent to: tells the program.
    pub requestor: Window,
    /// When.
    pub at: Instant,
}

#[derive(Debug)]
struct Owned {
    offer: Offer,
    since: Timestamp,
}

#[derive(Debug)]
struct Transfer {
    requestor: Window,
    property: Atom,
    format: Format,
    sent: usize,
    touched: Instant,
}

/// The selections we own and the readers we are serving.
#[derive(Debug, Default)]
pub struct Server {
    owned: BTreeMap<Atom, Owned>,
    transfers: Vec<Transfer>,
}

impl Server {
    /// Offers this from now on; the display has to be told by the caller.
    pub fn own(&mut self, selection: Atom, offer: Offer, since: Timestamp) {
        self.owned.insert(selection, Owned { offer, since });
    }

    /// Offers nothing there any more.
    pub fn lose(&mut self, selection: Atom) {
        self.owned.remove(&selection);
    }

    /// What we offer there.
    #[must_use]
    pub fn offer(&self, selection: Atom) -> Option<&Offer> {
        self.owned.get(&selection).map(|owned| &owned.offer)
    }

    /// Whether some reader has not got all of it yet.
    #[must_use]
    pub fn busy(&self) -> bool {
        self.transfers
            .iter()
            .any(|transfer| transfer.touched.elapsed() < PATIENCE)
    }

    /// Answers a request; tells whether content was given.
    ///
    /// # Errors
    /// [`DisplayError::Gone`] once the display is.
    pub fn answer(
        &mut self,
        display: &Display,
        atoms: &Atoms,
        asked: &SelectionRequestEvent,
    ) -> Result<Option<Read>, DisplayError> {
        // Clients older than ICCCM name no property.
        let property = if asked.property == x11rb::NONE {
            asked.target
        } else {
            asked.property
        };
        let (written, content) = if asked.target == atoms.MULTIPLE {
            self.write_several(display, atoms, asked, property)?
        } else {
            self.write(display, atoms, asked, asked.target, property)?
        };
        let event = SelectionNotifyEvent {
            response_type: SELECTION_NOTIFY_EVENT,
            sequence: 0,
            time: asked.time,
            requestor: asked.requestor,
            selection: asked.selection,
            target: asked.target,
            property: if written { property } else { x11rb::NONE },
        };
        let connection = &display.connection;
        connection
            .send_event(false, asked.requestor, EventMask::NO_EVENT, event)?
            .ignore_error();
        connection.flush()?;
        Ok(content.then(|| Read {
            requestor: asked.requestor,
            at: Instant::now(),
        }))
    }

    /// Writes one answer: whether there was one, and whether it was content rather than about it.
    fn write(
        &mut self,
        display: &Display,
        atoms: &Atoms,
        asked: &SelectionRequestEvent,
        target: Atom,
        property: Atom,
    ) -> Result<(bool, bool), DisplayError> {
        let Some(owned) = self.owned.get(&asked.selection) else {
            return Ok((false, false));
        };
        let connection = &display.connection;
        let words = |kind: AtomEnum, words: &[u32]| {
            connection.change_property32(PropMode::REPLACE, asked.requestor, property, kind, words)
        };
        if target == atoms.TARGETS {
            let mut names = vec![atoms.TARGETS, atoms.TIMESTAMP, atoms.MULTIPLE];
            names.extend(owned.offer.formats.iter().map(|format| format.target));
            words(AtomEnum::ATOM, &names)?.ignore_error();
            return Ok((true, false));
        }
        if target == atoms.TIMESTAMP {
            words(AtomEnum::INTEGER, &[owned.since])?.ignore_error();
            return Ok((true, false));
        }
        let Some(format) = owned.offer.format(target).cloned() else {
            return Ok((false, false));
        };
        if format.bytes.len() > PORTION {
            return Ok((
                self.begin(display, atoms, asked.requestor, property, format)?,
                true,
            ));
        }
        put(display, asked.requestor, property, &format, &format.bytes)?;
        Ok((true, target != atoms.secret_hint))
    }

    fn write_several(
        &mut self,
        display: &Display,
        atoms: &Atoms,
        asked: &SelectionRequestEvent,
        property: Atom,
    ) -> Result<(bool, bool), DisplayError> {
        let connection = &display.connection;
        let pairs = connection
            .get_property(false, asked.requestor, property, atoms.ATOM_PAIR, 0, 256)?
            .reply();
        let Some(mut pairs) = pairs
            .ok()
            .and_then(|reply| Some(reply.value32()?.collect::<Vec<_>>()))
        else {
            return Ok((false, false));
        };
        let mut content = false;
        for pair in pairs.chunks_exact_mut(2) {
            let (written, given) = self.write(display, atoms, asked, pair[0], pair[1])?;
            content |= given;
            if !written {
                pair[1] = x11rb::NONE;
            }
        }
        connection
            .change_property32(
                PropMode::REPLACE,
                asked.requestor,
                property,
                atoms.ATOM_PAIR,
                &pairs,
            )?
            .ignore_error();
        Ok((true, content))
    }

    fn begin(
        &mut self,
        display: &Display,
        atoms: &Atoms,
        requestor: Window,
        property: Atom,
        format: Format,
    ) -> Result<bool, DisplayError> {
        self.transfers
            .retain(|transfer| transfer.touched.elapsed() < PATIENCE);
        if self.transfers.len() >= TRANSFERS {
            return Ok(false);
        }
        let connection = &display.connection;
        let listen = ChangeWindowAttributesAux::new().event_mask(EventMask::PROPERTY_CHANGE);
        connection
            .change_window_attributes(requestor, &listen)?
            .ignore_error();
        let size = u32::try_from(format.bytes.len()).unwrap_or(u32::MAX);
        connection
            .change_property32(PropMode::REPLACE, requestor, property, atoms.INCR, &[size])?
            .ignore_error();
        self.transfers.push(Transfer {
            requestor,
            property,
            format,
            sent: 0,
            touched: Instant::now(),
        });
        Ok(true)
    }

    /// Writes the next portion when `event` says that one was taken; tells who took it.
    ///
    /// # Errors
    /// [`DisplayError::Gone`] once the display is.
    pub fn taken(
        &mut self,
        display: &Display,
        event: &PropertyNotifyEvent,
    ) -> Result<Option<Read>, DisplayError> {
        if event.state != Property::DELETE {
            return Ok(None);
        }
        let Some(index) = self.transfers.iter().position(|transfer| {
            transfer.requestor == event.window && transfer.property == event.atom
        }) else {
            return Ok(None);
        };
        let transfer = &mut self.transfers[index];
        let bytes = Arc::clone(&transfer.format.bytes);
        let end = bytes.len().min(transfer.sent + PORTION);
        let portion = &bytes[transfer.sent..end];
        put(display, event.window, event.atom, &transfer.format, portion)?;
        transfer.sent = end;
        transfer.touched = Instant::now();
        if portion.is_empty() {
            // An empty portion is how the reader learns that this was all.
            self.transfers.swap_remove(index);
            if self
                .transfers
                .iter()
                .all(|other| other.requestor != event.window)
            {
                let deaf = ChangeWindowAttributesAux::new().event_mask(EventMask::NO_EVENT);
                display
                    .connection
                    .change_window_attributes(event.window, &deaf)?
                    .ignore_error();
            }
        }
        display.connection.flush()?;
        Ok(Some(Read {
            requestor: event.window,
            at: Instant::now(),
        }))
    }
}

fn put(
    display: &Display,
    window: Window,
    property: Atom,
    format: &Format,
    bytes: &[u8],
) -> Result<(), DisplayError> {
    let units = bytes.len() / usize::from(format.bits / 8).max(1);
    display
        .connection
        .change_property(
            PropMode::REPLACE,
            window,
            property,
            format.kind,
            format.bits,
            u32::try_from(units).unwrap_or(0),
            bytes,
        )?
        .ignore_error();
    Ok(())
}

//! The window the person works in: which it is, and bringing it back to the front.

use x11rb::connection::Connection;
use x11rb::protocol::xproto::{
    AtomEnum, CLIENT_MESSAGE_EVENT, ClientMessageData, ClientMessageEvent, ConnectionExt as _,
    EventMask, InputFocus, Window,
};

use super::atoms::Atoms;
use super::display::{Display, DisplayError};

/// `_NET_ACTIVE_WINDOW` asked by a tool of the person's (EWMH): window managers grant it where they hold back a program.
const ASKED_BY_TOOL: u32 = 2;
/// Parents are looked through no further up than this.
const DEPTH: usize = 16;

/// The window that has the focus: the window manager's word, else the server's.
///
/// # Errors
/// When the display went away.
pub fn active(display: &Display, atoms: &Atoms) -> Result<Option<Window>, DisplayError> {
    if managed(display, atoms)? {
        let said = word(
            display,
            display.root,
            atoms._NET_ACTIVE_WINDOW,
            AtomEnum::WINDOW,
        )?;
        return Ok(said.filter(|window| *window != x11rb::NONE));
    }
    let focus = focused(display)?;
    let Some(mut window) = focus else {
        return Ok(None);
    };
    for _ in 0..DEPTH {
        match display.connection.query_tree(window)?.reply() {
            Ok(tree) if tree.parent != tree.root && tree.parent != x11rb::NONE => {
                window = tree.parent;
            }
            Ok(_) => break,
            Err(_) => return Ok(None),
        }
    }
    Ok(Some(window))
}

/// The window keys go to.
///
/// # Errors
/// When the display went away.
pub fn focused(display: &Display) -> Result<Option<Window>, DisplayError> {
    let focus = display.connection.get_input_focus()?.reply()?.focus;
    let nobody = [
        u32::from(InputFocus::NONE),
        u32::from(InputFocus::POINTER_ROOT),
        display.root,
    ];
    Ok((!nobody.contains(&focus)).then_some(focus))
}

/// Whether a window manager that switches windows runs.
fn managed(display: &Display, atoms: &Atoms) -> Result<bool, DisplayError> {
    let reply = display
        .connection
        .get_property(
            false,
            display.root,
            atoms._NET_SUPPORTED,
            AtomEnum::ATOM,
            0,
            1024,
        )?
        .reply()?;
    Ok(reply
        .value32()
        .is_some_and(|mut names| names.any(|name| name == atoms._NET_ACTIVE_WINDOW)))
}

fn word(
    display: &Display,
    window: Window,
    property: u32,
    kind: AtomEnum,
) -> Result<Option<u32>, DisplayError> {
    let reply = display
        .connection
        .get_property(false, window, property, kind, 0, 1)?
        .reply()?;
    Ok(reply.value32().and_then(|mut words| words.next()))
}

/// Whether the window is still there.
///
/// # Errors
/// When the display went away.
pub fn exists(display: &Display, window: Window) -> Result<bool, DisplayError> {
    Ok(display
        .connection
        .get_window_attributes(window)?
        .reply()
        .is_ok())
}

/// The program's name: the second part of `WM_CLASS`.
///
/// # Errors
/// When the display went away.
pub fn program(display: &Display, window: Window) -> Result<Option<String>, DisplayError> {
    let reply = display
        .connection
        .get_property(false, window, AtomEnum::WM_CLASS, AtomEnum::STRING, 0, 256)?
        .reply();
    let Ok(reply) = reply else {
        return Ok(None);
    };
    let mut names = reply.value.split(|byte| *byte == 0);
    let class = names.nth(1).filter(|name| !name.is_empty());
    Ok(class.map(|name| String::from_utf8_lossy(name).into_owned()))
}

/// Programs that run a shell in their window, by the second part of `WM_CLASS`.
#[must_use]
pub fn is_terminal(program: &str) -> bool {
    let name = program.to_lowercase();
    let named = [
        "alacritty",
        "ghostty",
        "kitty",
        "konsole",
        "rxvt",
        "st",
        "tilix",
        "urxvt",
    ];
    name.contains("term") || named.contains(&name.as_str())
}

/// Asks for the window to be brought to the front and given the focus.
///
/// # Errors
/// When the display went away.
pub fn activate(display: &Display, atoms: &Atoms, window: Window) -> Result<(), DisplayError> {
    let connection = &display.connection;
    if managed(display, atoms)? {
        let event = ClientMessageEvent {
            response_type: CLIENT_MESSAGE_EVENT,
            format: 32,
            sequence: 0,
            window,
            type_: atoms._NET_ACTIVE_WINDOW,
            data: ClientMessageData::from([ASKED_BY_TOOL, x11rb::CURRENT_TIME, 0, 0, 0]),
        };
        let listeners = EventMask::SUBSTRUCTURE_REDIRECT | EventMask::SUBSTRUCTURE_NOTIFY;
        connection
            .send_event(false, display.root, listeners, event)?
            .ignore_error();
    } else {
        connection
            .set_input_focus(InputFocus::PARENT, window, x11rb::CURRENT_TIME)?
            .ignore_error();
    }
    connection.flush()?;
    Ok(())
}

/// Whether keys go to the window's own program, or to a window of another that is embedded in it.
///
/// # Errors
/// When the display went away.
pub fn has_focus(display: &Display, window: Window) -> Result<bool, DisplayError> {
    let Some(mut focus) = focused(display)? else {
        return Ok(false);
    };
    if same_program(display, focus, window) {
        return Ok(true);
    }
    for _ in 0..DEPTH {
        match display.connection.query_tree(focus)?.reply() {
            Ok(tree) if tree.parent == window => return Ok(true),
            Ok(tree) if tree.parent != tree.root && tree.parent != x11rb::NONE => {
                focus = tree.parent;
            }
            // It may have been closed meanwhile.
            Ok(_) | Err(_) => return Ok(false),
        }
    }
    Ok(false)
}

/// Whether two windows belong to the same connection, which for programs is the same program.
#[must_use]
pub fn same_program(display: &Display, one: Window, other: Window) -> bool {
    let mask = display.connection.setup().resource_id_mask;
    one & !mask == other & !mask
}

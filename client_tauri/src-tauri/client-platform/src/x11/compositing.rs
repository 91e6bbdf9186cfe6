//! Whether windows can be seen through.

use x11rb::protocol::xproto::ConnectionExt;

/// Whether a compositor runs ("_NET_WM_CM_Sn" of the Extended Window Manager Hints). Without one, what is transparent is
/// drawn black. True where nobody can be asked: Wayland's always do.
#[must_use]
pub fn composited() -> bool {
    owned().unwrap_or(true)
}

fn owned() -> Option<bool> {
    let (connection, screen) = x11rb::connect(None).ok()?;
    let name = format!("_NET_WM_CM_S{screen}");
    let atom = connection.intern_atom(false, name.as_bytes()).ok()?;
    let atom = atom.reply().ok()?.atom;
    let owner = connection.get_selection_owner(atom).ok()?.reply().ok()?;
    Some(owner.owner != x11rb::NONE)
}

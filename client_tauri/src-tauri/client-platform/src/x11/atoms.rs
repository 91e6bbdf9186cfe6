//! The names we say to the X server, as its numbers.

x11rb::atom_manager! {
    /// Numbers of names, asked for once.
    pub Atoms:
    /// Their answers on the way.
    AtomsCookie {
        CLIPBOARD,
        CLIPBOARD_MANAGER,
        SAVE_TARGETS,
        TARGETS,
        MULTIPLE,
        TIMESTAMP,
        INCR,
        ATOM_PAIR,
        DELETE,
        INSERT_SELECTION,
        INSERT_PROPERTY,
        UTF8_STRING,
        TEXT,
        text_plain_utf8: b"text/plain;charset=utf-8",
        text_plain: b"text/plain",
        secret_hint: b"x-kde-passwordManagerHint",
        image_png: b"image/png",
        ALFAVOICE_SELECTION,
        ALFAVOICE_TIME,
        _NET_ACTIVE_WINDOW,
        _NET_SUPPORTED,
    }
}

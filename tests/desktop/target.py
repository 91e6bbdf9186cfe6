"""A program of somebody else's: one text field, whose whole text is in a file after each change.

    /usr/bin/python3 target.py FILE [TITLE]

Runs on the system's Python, which has GTK; not a test itself.
"""

import sys
from pathlib import Path

import gi

gi.require_version("Gtk", "3.0")
from gi.repository import Gtk  # noqa: E402


def main() -> None:
    """Show the field until the window is closed."""
    path, title = Path(sys.argv[1]), (sys.argv[2:] or ["Target"])[0]
    field = Gtk.TextView()
    buffer = field.get_buffer()

    def keep(*_: object) -> None:
        text = buffer.get_text(*buffer.get_bounds(), True)
        new = path.with_suffix(".new")
        new.write_text(text, encoding="utf-8")
        new.replace(path)

    buffer.connect("changed", keep)
    window = Gtk.Window(title=title)
    window.set_default_size(600, 300)
    window.add(field)
    window.connect("destroy", Gtk.main_quit)
    window.show_all()
    keep()
    Gtk.main()


main()

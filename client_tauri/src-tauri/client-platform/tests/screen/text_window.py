"""A window with a text field, as other programs have it: says its text as JSON after each change.

Arguments: the title and the text it starts with, which is selected.
"""

import json
import sys

import gi

gi.require_version("Gtk", "3.0")
from gi.repository import GLib, Gtk  # noqa: E402


def say(_: object = None) -> None:
    """Tell what the field holds."""
    start, end = buffer.get_bounds()
    print(json.dumps(buffer.get_text(start, end, True)), flush=True)  # noqa: T201


window = Gtk.Window(title=sys.argv[1])
view = Gtk.TextView()
buffer = view.get_buffer()
buffer.set_text(sys.argv[2])
buffer.select_range(*buffer.get_bounds())
buffer.connect("changed", lambda _: GLib.idle_add(say))
window.add(view)
window.set_default_size(400, 200)
window.connect("destroy", Gtk.main_quit)
window.show_all()
window.connect("focus-in-event", lambda *_: GLib.idle_add(say) and False)
Gtk.main()

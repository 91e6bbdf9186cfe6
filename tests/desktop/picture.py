"""What the screen shows, as a PNG file.

    /usr/bin/python3 picture.py FILE

Runs on the system's Python, which has GTK; not a test itself.
"""

import sys

import gi

gi.require_version("Gdk", "3.0")
from gi.repository import Gdk  # noqa: E402


def main() -> None:
    """Keep it."""
    root = Gdk.get_default_root_window()
    everything = Gdk.pixbuf_get_from_window(root, 0, 0, root.get_width(), root.get_height())
    everything.savev(sys.argv[1], "png", [], [])


main()

"""What a desktop shows in its corner: each notification, a line of JSON in a file.

    /usr/bin/python3 notices.py FILE

Runs on the system's Python, which has GLib; not a test itself.
"""

import json
import sys
from pathlib import Path

from gi.repository import Gio, GLib

_INTERFACE = """
<node><interface name="org.freedesktop.Notifications">
  <method name="Notify">
    <arg type="s" direction="in"/><arg type="u" direction="in"/><arg type="s" direction="in"/>
    <arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="as" direction="in"/>
    <arg type="a{sv}" direction="in"/><arg type="i" direction="in"/><arg type="u" direction="out"/>
  </method>
  <method name="GetCapabilities"><arg type="as" direction="out"/></method>
  <method name="CloseNotification"><arg type="u" direction="in"/></method>
  <method name="GetServerInformation">
    <arg type="s" direction="out"/><arg type="s" direction="out"/>
    <arg type="s" direction="out"/><arg type="s" direction="out"/>
  </method>
</interface></node>
"""


def main() -> None:
    """Show notifications until it is ended."""
    count = 0

    def called(_bus, _sender, _path, _interface, method, parameters, call):
        nonlocal count
        if method == "Notify":
            count += 1
            title, body = parameters[3], parameters[4]
            with Path(sys.argv[1]).open("a", encoding="utf-8") as file:
                file.write(json.dumps({"title": title, "body": body}) + "\n")
            call.return_value(GLib.Variant("(u)", (count,)))
        elif method == "GetCapabilities":
            call.return_value(GLib.Variant("(as)", (["body"],)))
        elif method == "GetServerInformation":
            call.return_value(GLib.Variant("(ssss)", ("notices", "test", "1", "1.2")))
        else:
            call.return_value(None)

    def reached(bus, _name):
        interface = Gio.DBusNodeInfo.new_for_xml(_INTERFACE).interfaces[0]
        bus.register_object("/org/freedesktop/Notifications", interface, called, None, None)

    Gio.bus_own_name(
        Gio.BusType.SESSION,
        "org.freedesktop.Notifications",
        Gio.BusNameOwnerFlags.NONE,
        reached,
        None,
        None,
    )
    GLib.MainLoop().run()


main()

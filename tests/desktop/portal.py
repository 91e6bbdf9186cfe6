"""A desktop's portal whose owner says no to global shortcuts, as far as the client asks it anything.

    /usr/bin/python3 portal.py

Runs on the system's Python, which has GLib; not a test itself.
"""

from gi.repository import Gio, GLib

_PATH = "/org/freedesktop/portal/desktop"
_INTERFACES = """
<node>
  <interface name="org.freedesktop.portal.GlobalShortcuts">
    <method name="CreateSession">
      <arg type="a{sv}" direction="in"/><arg type="o" direction="out"/>
    </method>
    <method name="BindShortcuts">
      <arg type="o" direction="in"/><arg type="a(sa{sv})" direction="in"/>
      <arg type="s" direction="in"/><arg type="a{sv}" direction="in"/>
      <arg type="o" direction="out"/>
    </method>
    <property name="version" type="u" access="read"/>
  </interface>
  <interface name="org.freedesktop.portal.Session">
    <method name="Close"/>
  </interface>
  <interface name="org.freedesktop.portal.Request">
    <method name="Close"/>
    <signal name="Response"><arg type="u"/><arg type="a{sv}"/></signal>
  </interface>
</node>
"""
_GRANTED, _DENIED = 0, 1


def main() -> None:
    """Answer until it is ended."""
    shortcuts, session, _ = Gio.DBusNodeInfo.new_for_xml(_INTERFACES).interfaces

    def answer(bus, sender, options, code, results):
        """Name the request now and answer it later, as portals do."""
        name = sender.lstrip(":").replace(".", "_")
        path = f"{_PATH}/request/{name}/{options['handle_token']}"

        def respond():
            said = GLib.Variant("(ua{sv})", (code, results))
            bus.emit_signal(sender, path, "org.freedesktop.portal.Request", "Response", said)

        GLib.idle_add(respond)
        return GLib.Variant("(o)", (path,))

    def called(bus, sender, _path, _interface, method, parameters, call):
        if method == "CreateSession":
            (options,) = parameters.unpack()
            name = sender.lstrip(":").replace(".", "_")
            path = f"{_PATH}/session/{name}/{options['session_handle_token']}"
            bus.register_object(path, session, closed, None, None)
            handle = {"session_handle": GLib.Variant("s", path)}
            call.return_value(answer(bus, sender, options, _GRANTED, handle))
        else:
            *_, options = parameters.unpack()
            call.return_value(answer(bus, sender, options, _DENIED, {}))

    def closed(_bus, _sender, _path, _interface, _method, _parameters, call):
        call.return_value(None)

    def read(_bus, _sender, _path, _interface, _name):
        return GLib.Variant("u", 1)

    def reached(bus, _name):
        bus.register_object(_PATH, shortcuts, called, read, None)

    Gio.bus_own_name(
        Gio.BusType.SESSION,
        "org.freedesktop.portal.Desktop",
        Gio.BusNameOwnerFlags.NONE,
        reached,
        None,
        None,
    )
    GLib.MainLoop().run()


main()

"""A desktop of its own, without a screen: X server, window manager, session bus, keychain, sound.

The virtual microphone `vmic` hears what is played into the virtual speaker `vspk`; ALSA, through which the
client listens, is led to it.
"""

import json
import os
import subprocess
import tempfile
import time
import wave
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.desktop.programs import read_line, running, wait_until

_ASOUNDRC: Final = "pcm.!default { type pulse }\nctl.!default { type pulse }\n"
_SCREEN: Final = "1280x800x24"
_BUS: Final = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir={runtime}</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""
"""A session bus that starts nothing by itself, least of all the keychain of this machine."""
_VIRTUAL: Final = (
    "module-null-sink sink_name=vspk",
    "module-remap-source master=vspk.monitor source_name=vmic",
)
"""The speaker and the microphone that hears it, for pulseaudio."""
_HERE: Final = Path(__file__).parent
_PYTHON: Final = "/usr/bin/python3"
"""The system's own, which has GTK."""


@dataclass(frozen=True, slots=True)
class Field:
    """A text field of another program."""

    window: str
    """Its number, as xdotool prints it."""
    path: Path

    @property
    def text(self) -> str:
        """What is in it now."""
        return self.path.read_text(encoding="utf-8")


class Desktop:
    """A running desktop; made by :func:`desktop`."""

    def __init__(self, environment: dict[str, str], folder: Path, stack: ExitStack) -> None:
        """Take over what was started."""
        self.environment = environment
        self.folder = folder
        self._stack = stack
        self._fields = 0

    def run(self, *command: str, text: str | None = None, timeout_s: float = 20) -> str:
        """Run a short command on this desktop and give what it printed."""
        done = subprocess.run(
            command,
            env=self.environment,
            input=text,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=True,
        )
        return done.stdout

    def layout(self, name: str) -> None:
        """Set the keyboard layout: `us`, `ru`, `us,ru`."""
        self.run("setxkbmap", "-layout", name)

    def press(self, *keys: str) -> None:
        """Hold these keys, one after the other."""
        for key in keys:
            self.run("xdotool", "keydown", key)

    def release(self, *keys: str) -> None:
        """Let them go again, the last one first."""
        for key in reversed(keys):
            self.run("xdotool", "keyup", key)
        # A press within 50 ms of a release is taken for auto-repeat, and no hand is so quick.
        time.sleep(0.1)

    def clipboard(self) -> str:
        """Give the text in the clipboard, as another program gets it."""
        return self.run("xclip", "-selection", "clipboard", "-o")

    def copy(self, text: str) -> None:
        """Put a text into the clipboard, as another program does."""
        holder = subprocess.Popen(
            ["xclip", "-selection", "clipboard", "-i", "-quiet"],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._stack.callback(holder.wait, 5)
        self._stack.callback(holder.terminate)
        assert holder.stdin is not None
        holder.stdin.write(text.encode())
        holder.stdin.close()
        wait_until(lambda: self._has(text), "the clipboard")

    def _has(self, text: str) -> bool:
        try:
            return self.clipboard() == text
        except subprocess.CalledProcessError:
            return False

    def field(self) -> Field:
        """Show another program's text field and give it the focus."""
        self._fields += 1
        title = f"Target {self._fields}"
        path = self.folder / f"target-{self._fields}.txt"
        self._stack.enter_context(
            running(
                [_PYTHON, str(_HERE / "target.py"), str(path), title],
                self.environment,
                log=self.folder / "target.log",
            )
        )
        window = self.run(
            "xdotool", "search", "--sync", "--onlyvisible", "--name", f"^{title}$"
        ).split()[0]
        field = Field(window, path)
        self.focus(field)
        return field

    def focus(self, field: Field) -> None:
        """Bring a field to the front."""
        self.run("xdotool", "windowactivate", "--sync", field.window)
        wait_until(lambda: self.focused() == field.window, "the focus")

    def focused(self) -> str:
        """Number of the window that has the focus."""
        return self.run("xdotool", "getactivewindow").strip()

    def say(self, path: Path) -> None:
        """Play a WAV file into the microphone, to its end."""
        with wave.open(str(path), "rb") as recording:
            seconds = recording.getnframes() / recording.getframerate()
        self.run("paplay", "--device=vspk", str(path), timeout_s=seconds + 20)

    def wait_for_listener(self) -> None:
        """Wait until a program listens to the microphone."""

        def listens() -> bool:
            # The virtual microphone itself listens to the speaker.
            return "protocol-native.c" in self.run("pactl", "list", "source-outputs")

        wait_until(listens, "a program that listens")

    def unplug(self) -> None:
        """Take every microphone away, as somebody does who pulls a cable."""
        for module in ("module-remap-source", "module-null-sink"):
            self.run("pactl", "unload-module", module)

    def plug_in(self) -> None:
        """Put the microphone back."""
        for module in _VIRTUAL:
            self.run("pactl", "load-module", *module.split())
        self.run("pactl", "set-default-source", "vmic")

    def picture(self, path: Path) -> None:
        """Keep what the screen shows as a PNG file."""
        self.run(_PYTHON, str(_HERE / "picture.py"), str(path))

    def artefact(self, name: str) -> None:
        """Keep what the screen shows for people, where ALFAVOICE_ARTEFACTS names a folder for that."""
        if folder := os.environ.get("ALFAVOICE_ARTEFACTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.picture(Path(folder) / f"{name}.png")

    def told(self, text: str) -> None:
        """Wait until a notification says it.

        Raises:
            TimeoutError: none does; it names those that were shown.
        """
        try:
            wait_until(lambda: any(text in notice for notice in self.notices()), "the notice", 30)
        except TimeoutError as error:
            raise TimeoutError(f"no notice of {text!r} among {self.notices()}") from error

    def wait_for_name(self, name: str) -> None:
        """Wait until somebody on the session bus has it."""
        _wait_for_name(self.environment, name)

    def notices(self) -> list[str]:
        """Give the notifications that were shown, oldest first."""
        path = self.folder / "notices.jsonl"
        if not path.exists():
            return []
        return [json.loads(line)["body"] for line in path.read_text(encoding="utf-8").splitlines()]


@contextmanager
def desktop(folder: Path, *, keychain: bool = True, microphone: bool = True) -> Iterator[Desktop]:
    """Start a desktop and end it.

    Args:
        folder: for its files; its home.
        keychain: whether it has an (unlocked) one.
        microphone: whether it has one.
    """
    with ExitStack() as stack:
        # Short: addresses of sockets have 108 bytes.
        runtime = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="av-")))
        runtime.chmod(0o700)
        home = folder / "home"
        home.mkdir()
        (home / ".asoundrc").write_text(_ASOUNDRC)
        environment = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(home),
            "XDG_RUNTIME_DIR": str(runtime),
            "XDG_CONFIG_HOME": str(home / ".config"),
            "XDG_DATA_HOME": str(home / ".local" / "share"),
            "XDG_CACHE_HOME": str(home / ".cache"),
            "XDG_SESSION_TYPE": "x11",
            "NO_AT_BRIDGE": "1",
            # A blank window under Xvfb otherwise, on some versions of WebKitGTK.
            "WEBKIT_DISABLE_COMPOSITING_MODE": "1",
            "WEBKIT_DISABLE_DMABUF_RENDERER": "1",
        }
        log = folder / "desktop.log"
        _display(stack, environment, log)
        _bus(stack, environment, folder, log, keychain=keychain)
        _sound(stack, environment, log, microphone=microphone)
        started = Desktop(environment, folder, stack)
        started.layout("us")
        yield started


def _display(stack: ExitStack, environment: dict[str, str], log: Path) -> None:
    told, tells = os.pipe()
    stack.callback(os.close, told)
    stack.enter_context(
        running(
            ["Xvfb", "-displayfd", str(tells), "-screen", "0", _SCREEN, "-nolisten", "tcp"],
            environment,
            log=log,
            keep=(tells,),
        )
    )
    os.close(tells)
    environment["DISPLAY"] = f":{read_line(told, 'Xvfb')}"
    stack.enter_context(running(["openbox"], environment, log=log))
    wait_until(
        lambda: (
            "supporting"
            in _printed(environment, "xprop", "-root", "_NET_SUPPORTING_WM_CHECK").lower()
            or "window id" in _printed(environment, "xprop", "-root", "_NET_SUPPORTING_WM_CHECK")
        ),
        "openbox",
    )


def _bus(
    stack: ExitStack, environment: dict[str, str], folder: Path, log: Path, *, keychain: bool
) -> None:
    rules = folder / "bus.conf"
    rules.write_text(_BUS.format(runtime=environment["XDG_RUNTIME_DIR"]))
    told, tells = os.pipe()
    stack.callback(os.close, told)
    stack.enter_context(
        running(
            ["dbus-daemon", f"--config-file={rules}", "--nofork", f"--print-address={tells}"],
            environment,
            log=log,
            keep=(tells,),
        )
    )
    os.close(tells)
    environment["DBUS_SESSION_BUS_ADDRESS"] = read_line(told, "dbus-daemon")
    corner = [_PYTHON, str(_HERE / "notices.py"), str(folder / "notices.jsonl")]
    stack.enter_context(running(corner, environment, log=log))
    _wait_for_name(environment, "org.freedesktop.Notifications")
    if keychain:
        stack.enter_context(
            running(
                ["gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets"],
                environment,
                log=log,
                stdin=b"password",
            )
        )
        _wait_for_name(environment, "org.freedesktop.secrets")


def _wait_for_name(environment: dict[str, str], name: str) -> None:
    """Wait until somebody on the session bus has it."""
    names = (
        "dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.DBus", "/",
        "org.freedesktop.DBus.ListNames",
    )  # fmt: skip
    wait_until(lambda: name in _printed(environment, *names), name)


def _sound(stack: ExitStack, environment: dict[str, str], log: Path, *, microphone: bool) -> None:
    runtime = environment["XDG_RUNTIME_DIR"]
    environment["PULSE_SERVER"] = f"unix:{runtime}/pulse-test"
    modules = [
        f"module-native-protocol-unix socket={runtime}/pulse-test auth-anonymous=1",
        *(_VIRTUAL if microphone else _VIRTUAL[:1]),
    ]
    loads = [part for module in modules for part in ("-L", module)]
    stack.enter_context(
        running(
            [
                "pulseaudio",
                "-n",
                "--daemonize=no",
                "--exit-idle-time=-1",
                "--disallow-exit",
                *loads,
            ],
            environment,
            log=log,
        )
    )
    wait_until(
        lambda: "vspk" in _printed(environment, "pactl", "list", "short", "sinks"), "pulseaudio"
    )
    if microphone:
        wait_until(
            lambda: "vmic" in _printed(environment, "pactl", "list", "short", "sources"),
            "the microphone",
        )
        subprocess.run(
            ["pactl", "set-default-source", "vmic"], env=environment, check=True, timeout=10
        )


def _printed(environment: dict[str, str], *command: str) -> str:
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=10, check=False
    )
    return done.stdout

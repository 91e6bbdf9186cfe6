#!/usr/bin/env python3
# ruff: noqa: S603, S607, T201 - a program of words, which starts programs of the system
"""Runs programs of tests, built for Windows, under Wine on a display and a sound system of their own.

    run.py build            builds the tests with cargo and says which programs they are, one a line
    run.py run PROGRAM...   runs them (with the words after ``--`` as their arguments)
    run.py                  both

What is missing on this machine is said, with exit status 2. Everything started here is ended here, by its process id.
The desktop of Windows is kept in ``$ALFAVOICE_WINE`` (default: ``~/.cache/alfavoice/wine``): making one takes half a minute.
"""

import json
import os
import shutil
import signal
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

TARGET = "x86_64-pc-windows-gnu"
WORKSPACE = Path(__file__).resolve().parents[3]
NEEDED = {
    "cargo": "Rust: https://rustup.rs",
    "x86_64-w64-mingw32-gcc": "gcc-mingw-w64-x86-64",
    "wine": "wine wine64",
    "wineserver": "wine64",
    "Xvfb": "xvfb",
    "openbox": "openbox",
    "xdotool": "xdotool",
    "setxkbmap": "x11-xkb-utils",
    "pulseaudio": "pulseaudio",
}
# One program of tests takes less than two minutes on two busy cores.
LONGEST_S = 900.0
ENDING_S = 10.0
STARTING_S = 300.0


def missing() -> list[str]:
    """What has to be installed, in words for people."""
    named = [
        f"{program} ({package})" for program, package in NEEDED.items() if not shutil.which(program)
    ]
    sysroot = subprocess.run(
        ["rustc", "--print", "sysroot"], capture_output=True, text=True, check=False
    ).stdout.strip()
    if shutil.which("cargo") and not (Path(sysroot) / "lib/rustlib" / TARGET).is_dir():
        named.append(f"Rust for Windows (rustup target add {TARGET})")
    return named


def build() -> list[Path]:
    """Builds the tests; the programs they are in."""
    told = subprocess.run(
        [
            "cargo",
            "test",
            "--locked",
            "-p",
            "client-platform",
            "--target",
            TARGET,
            "--no-run",
            "--message-format=json",
        ],
        cwd=WORKSPACE,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    messages = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    built = [
        m
        for m in messages
        if m.get("reason") == "compiler-artifact" and m.get("executable") and m["profile"]["test"]
    ]
    # The other programs of tests are for other systems, and empty here.
    return [
        Path(m["executable"])
        for m in built
        if m["target"]["name"] in {"client_platform", "windows_desktop"}
    ]


class Hand(socketserver.StreamRequestHandler):
    """Strikes keys at the display as a person does: a line of ``xdotool``'s words, or ``setxkbmap`` and a layout."""

    def handle(self) -> None:
        """Do what one line says."""
        words = self.rfile.readline().decode().split()
        command = (
            ["setxkbmap", "-layout", *words[1:]]
            if words[:1] == ["setxkbmap"]
            else ["xdotool", *words]
        )
        done = subprocess.run(command, env=self.server.environment, timeout=30, check=False)  # type: ignore[attr-defined]
        self.wfile.write(b"done\n" if done.returncode == 0 else b"failed\n")


def begin(
    stack: ExitStack, command: list[str], environment: dict[str, str], **options: object
) -> subprocess.Popen[str]:
    """Starts a program that is ended with ``stack``."""
    quiet = {
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
    }
    process = subprocess.Popen(command, env=environment, text=True, **{**quiet, **options})  # type: ignore[call-overload]
    stack.callback(end, process)
    return process


def end(process: subprocess.Popen[str]) -> None:
    """End a program, gently if it lets itself."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(ENDING_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_for(what: str, there: Callable[[], bool]) -> None:
    """Wait a minute at most."""
    deadline = time.monotonic() + 60
    while not there():
        if time.monotonic() > deadline:
            raise SystemExit(f"never came: {what}")
        time.sleep(0.05)


def desktop(stack: ExitStack) -> dict[str, str]:
    """A display with a window manager, a sound system with a microphone, and Windows; the environment to find them by."""
    runtime = stack.enter_context(
        tempfile.TemporaryDirectory(prefix="alfavoice-wine-", ignore_cleanup_errors=True)
    )
    Path(runtime).chmod(0o700)
    prefix = os.environ.get("ALFAVOICE_WINE") or str(Path.home() / ".cache/alfavoice/wine")
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in {"WAYLAND_DISPLAY", "DISPLAY"}
    }
    environment |= {
        "XDG_RUNTIME_DIR": runtime,
        "PULSE_SERVER": f"unix:{runtime}/sound",
        "WINEPREFIX": prefix,
        "WINEDEBUG": "-all",
        # Neither .NET nor a browser is asked for when Windows is made.
        "WINEDLLOVERRIDES": "mscoree=;mshtml=",
    }
    screen = begin(
        stack,
        ["Xvfb", "-displayfd", "1", "-screen", "0", "1000x700x24", "-noreset", "-nolisten", "tcp"],
        environment,
        stdout=subprocess.PIPE,
    )
    number = screen.stdout.readline().strip() if screen.stdout else ""
    environment["DISPLAY"] = f":{number}"
    begin(stack, ["openbox"], environment)
    modules = [
        f"module-native-protocol-unix socket={runtime}/sound auth-anonymous=1",
        "module-null-sink sink_name=speaker",
        "module-remap-source master=speaker.monitor source_name=microphone",
    ]
    loaded = [word for module in modules for word in ("-L", module)]
    begin(
        stack,
        ["pulseaudio", "-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1", *loaded],
        environment,
    )
    wait_for("the sound system", lambda: Path(runtime, "sound").exists())
    Path(prefix).mkdir(parents=True, exist_ok=True)
    stack.callback(subprocess.run, ["wineserver", "-k"], env=environment, check=False)
    # Its services stay, and would keep a pipe open.
    begun = subprocess.run(
        ["wine", "wineboot"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=STARTING_S,
        check=False,
    )
    if begun.returncode != 0:
        raise SystemExit("Wine did not start")
    random = Path(prefix) / "drive_c/windows/system32/bcryptprimitives.dll"
    if not random.exists():
        source = Path(__file__).with_name("bcryptprimitives.c")
        made = ["x86_64-w64-mingw32-gcc", "-shared", "-o", str(random), str(source), "-ladvapi32"]
        subprocess.run(made, check=True)
    return environment


def run(programs: list[Path], arguments: list[str]) -> int:
    """Runs each; how many failed."""
    with ExitStack() as stack:
        environment = desktop(stack)
        hands = stack.enter_context(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Hand))
        hands.environment = environment  # type: ignore[attr-defined]
        hands.daemon_threads = True
        threading.Thread(target=hands.serve_forever, daemon=True).start()
        stack.callback(hands.shutdown)
        environment["ALFAVOICE_HANDS"] = f"127.0.0.1:{hands.server_address[1]}"
        failed = 0
        for program in programs:
            print(f"\n== {program.name} under Wine", flush=True)
            words = ["--test-threads=1", *arguments]
            process = begin(
                stack, ["wine", str(program), *words], environment, stdout=None, stderr=None
            )
            try:
                status = process.wait(LONGEST_S)
                failed += status != 0
                print(f"{program.name} ended with {status}", flush=True)
            except subprocess.TimeoutExpired:
                print(f"{program.name} did not end", flush=True)
                failed += 1
        return failed


def main() -> int:
    """Do what the words of the command line say."""
    named = missing()
    if named:
        print("NOT RUN: the tests for Windows need " + ", ".join(named), file=sys.stderr)
        return 2
    words = sys.argv[1:]
    arguments = words[words.index("--") + 1 :] if "--" in words else []
    words = words[: words.index("--")] if "--" in words else words
    match words:
        case ["build"]:
            print(*build(), sep="\n")
            return 0
        case ["run", *programs]:
            return min(run([Path(program) for program in programs], arguments), 1)
        case []:
            return min(run(build(), arguments), 1)
        case _:
            print(__doc__, file=sys.stderr)
            return 2


if __name__ == "__main__":
    sys.exit(main())

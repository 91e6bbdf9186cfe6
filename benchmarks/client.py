"""The desktop client: cold start, memory in the background, idle processor time, release to text.

    python -m benchmarks.client [--starts 20] [--dictations 10] [--no-save]

Needs the release build (`make client-program`) and the programs of tests/desktop. Each figure stands beside
the same of a program with one empty GTK text field, started by the same interpreter in the same run.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
import wave
from pathlib import Path
from typing import Any

from benchmarks.client_measured import (
    OVERLAY_GONE_S,
    SETTLED_S,
    cores,
    listeners,
    memory_mb,
    parts_mb,
    release_to_text,
    spread,
    start_of_reference,
    start_to_ready,
)
from benchmarks.machine import describe_machine
from benchmarks.results import FOLDER, now
from benchmarks.tables import table
from tests.desktop.client import Client, program
from tests.desktop.display import Desktop, desktop
from tests.desktop.serving import serving
from tests.voice import voice

TARGET_START_S = 1.5
TARGET_MEMORY_MB = 120.0


def main() -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--starts", type=int, default=20, help="cold starts (default: 20)")
    parser.add_argument("--dictations", type=int, default=10, help="dictations (default: 10)")
    parser.add_argument("--no-save", action="store_true", help="only print")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as data:
        # The account of the database must be able to pass through.
        Path(data).chmod(0o755)
        with desktop(Path(folder)) as desk, serving(Path(data), None, script={}) as port:
            figures = measure(desk, port, starts=asked.starts, dictations=asked.dictations)
    text = report(figures)
    print(text)
    if not asked.no_save:
        (FOLDER / "client.json").write_text(json.dumps(figures, indent=1) + "\n")
        (FOLDER / "client.md").write_text(text + "\n")


def measure(desk: Desktop, port: int, *, starts: int, dictations: int) -> dict[str, Any]:
    """Take all figures on this desktop, with the client's server on that port."""
    client = Client(desk, port)
    spoken = desk.folder / "spoken.wav"
    with wave.open(str(spoken), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(voice(3000))
    load = os.getloadavg()[0]
    with listeners(desk) as heard:
        ready = [start_to_ready(desk, client, heard) for _ in range(starts)]
    reference = [start_of_reference(desk) for _ in range(min(starts, 5))]
    with client.run():
        client.wait_for_route("Team")
        time.sleep(SETTLED_S)
        hidden, hidden_parts = memory_mb(client.pid), parts_mb(client.pid)
        idle = cores(client.pid, SETTLED_S)
        texts = release_to_text(desk, spoken, dictations)
        used, used_parts = memory_mb(client.pid), parts_mb(client.pid)
        time.sleep(OVERLAY_GONE_S)
        after, after_parts = memory_mb(client.pid), parts_mb(client.pid)
    field = subprocess.Popen(
        ["/usr/bin/python3", str(Path(__file__).parents[1] / "tests/desktop/target.py"),
         str(desk.folder / "reference.txt")],
        env=desk.environment,
    )  # fmt: skip
    time.sleep(3)
    plain = memory_mb(field.pid)
    field.terminate()
    field.wait(5)
    return {
        "when": now(),
        "machine": describe_machine(),
        "build": "release" if "release" in program().parts else "debug",
        "load_1m_before": round(load, 2),
        "load_1m_after": round(os.getloadavg()[0], 2),
        "start": spread(ready),
        "reference_start": spread(reference),
        "memory_mb": {
            "hidden": round(hidden, 1),
            "after_dictations": round(used, 1),
            "later": round(after, 1),
            "reference": round(plain, 1),
            "parts": {"hidden": hidden_parts, "after_dictations": used_parts, "later": after_parts},
        },
        "idle_cores": round(idle, 4),
        "release_to_text": spread(texts),
    }


def report(figures: dict[str, Any]) -> str:
    """Lay the figures out as Markdown."""
    start, plain, memory = figures["start"], figures["reference_start"], figures["memory_mb"]
    count = len(start["values_s"])
    machine = figures["machine"]

    def against(value: float, reference: float) -> str:
        return f"{value / reference:.2f}" if reference else "-"

    rows = [
        ["start → holding the keys records, median", f"{start['p50_s']:.2f} s",
         f"< {TARGET_START_S} s", against(start["p50_s"], plain["p50_s"])],
        [f"the same, 95 % of {count}", f"{start['p95_s']:.2f} s", f"< {TARGET_START_S} s",
         against(start["p95_s"], plain["p95_s"])],
        ["memory, hidden for 30 s", f"{memory['hidden']:.0f} MB", f"< {TARGET_MEMORY_MB:.0f} MB",
         against(memory["hidden"], memory["reference"])],
        [f"memory, right after {len(figures['release_to_text']['values_s'])} dictations",
         f"{memory['after_dictations']:.0f} MB", "-",
         against(memory["after_dictations"], memory["reference"])],
        ["memory, 75 s later", f"{memory['later']:.0f} MB", f"< {TARGET_MEMORY_MB:.0f} MB",
         against(memory["later"], memory["reference"])],
        ["processor, idle", f"{figures['idle_cores'] * 100:.2f} % of a core", "-", "-"],
        ["release → text in another window, median",
         f"{figures['release_to_text']['p50_s']:.2f} s", "-", "-"],
        ["the same, 95 %", f"{figures['release_to_text']['p95_s']:.2f} s", "-", "-"],
    ]  # fmt: skip
    return "\n".join(
        [
            "# The desktop client",
            "",
            f"{figures['when']}, {machine['processor']}, {machine['cores']} cores, "
            f"{figures['build']} build; load of the machine {figures['load_1m_before']} before, "
            f"{figures['load_1m_after']} after.",
            "",
            table(["what", "figure", "target", "times the reference"], rows),
            "",
            "Files are in the page cache. Memory is proportional (PSS) and of all processes, WebKit's too. The "
            "reference is a program with one empty GTK text field: its start to its window on the screen "
            f"({plain['p50_s']:.2f} s), its memory ({memory['reference']:.0f} MB). The server writes a fixed "
            "sentence, so release → text is the client's share and the way to loopback and back.",
        ]
    )


if __name__ == "__main__":
    main()

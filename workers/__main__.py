"""The engine process: loads one warmed-up recogniser, recognises batches until it is ended.

Started by `workers.process` with an inherited socket; not a command for people. It ends when the
socket does, so it never outlives the service, and it tells nobody what was said: what goes to
stderr is read by the service, which logs only that something was written.
"""

import argparse
import ctypes
import os
import queue
import signal
import socket
import sys
import threading
from contextlib import suppress
from pathlib import Path

from workers import frames
from workers.contract.engine import Engine
from workers.contract.errors import EngineUnusable
from workers.engines import EngineOptions, load

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_CPU_NICENESS = 5
"""On the CPU the event loop of the service goes first: sockets stay prompt under full load."""


class Channel:
    """The engine's end of the socket: one reader, many writers."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._writing = threading.Lock()

    def send(self, message: frames.FromEngine) -> None:
        """Send a message; when the service is gone, so are we soon."""
        with self._writing, suppress(OSError):
            self._sock.sendall(frames.frame(message))

    def receive(self) -> frames.Recognise | None:
        """Wait for a batch; None when the service closed the socket."""
        header = self._exactly(frames.HEADER.size)
        body = header and self._exactly(frames.length_of(header))
        return frames.decode_recognise(body) if body else None

    def _exactly(self, length: int) -> bytes | None:
        buffer = bytearray(length)
        view = memoryview(buffer)
        while view:
            try:
                received = self._sock.recv_into(view)
            except OSError:
                return None
            if received == 0:
                return None
            view = view[received:]
        return bytes(buffer)


def main() -> None:
    """Run until the socket closes."""
    fd, options = _arguments()
    _end_with_the_parent()
    if options.device == "cpu":
        with suppress(OSError):
            os.nice(_CPU_NICENESS)
    channel = Channel(socket.socket(fileno=fd))
    try:
        engine = load(options)
    except EngineUnusable as exc:
        channel.send(frames.Unusable(code=exc.code, message=str(exc), details=exc.details))
        return
    channel.send(frames.Started(description=engine.description))
    _serve(channel, engine, lanes=options.lanes)


def _serve(channel: Channel, engine: Engine, *, lanes: int) -> None:
    # The service sends at most one batch a lane, so this queue never grows beyond that.
    batches: queue.SimpleQueue[frames.Recognise] = queue.SimpleQueue()
    for number in range(lanes):
        threading.Thread(
            target=_run_lane, args=(batches, channel, engine), name=f"lane-{number}", daemon=True
        ).start()
    while (batch := channel.receive()) is not None:
        batches.put(batch)
    # Lanes may be deep in a batch nobody waits for; leave without them.
    os._exit(0)


def _run_lane(
    batches: "queue.SimpleQueue[frames.Recognise]", channel: Channel, engine: Engine
) -> None:
    while True:
        batch = batches.get()
        try:
            answer: frames.FromEngine = frames.recognised(batch.batch, engine.recognise(batch.jobs))
        except Exception as exc:  # noqa: BLE001 - whatever it was, the service must hear of it
            answer = frames.Broken(batch=batch.batch, exception=type(exc).__name__)
        channel.send(answer)


def _end_with_the_parent() -> None:
    """Ask Linux to end this process with the service, also while it loads and reads no socket."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _arguments() -> tuple[int, EngineOptions]:
    parser = argparse.ArgumentParser(prog="python -m workers", description=__doc__)
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--engine", choices=("whisper", "scripted"), required=True)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--compute-type", default="int8")
    parser.add_argument("--lanes", type=int, default=1)
    parser.add_argument("--beam", type=int, default=1)
    parser.add_argument("--model-dir", type=Path)
    parser.add_argument("--model")
    parser.add_argument("--script", type=Path)
    given = parser.parse_args()
    return given.fd, EngineOptions(
        engine=given.engine,
        device=given.device,
        compute_type=given.compute_type,
        lanes=given.lanes,
        beam=given.beam,
        model_dir=given.model_dir,
        model=given.model,
        script=given.script,
    )


if __name__ == "__main__":
    main()

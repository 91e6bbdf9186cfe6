"""A way to a server that makes it look like one of another version: some bytes are others on the other side."""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

_PIECE = 65_536


@contextmanager
def rewriting(
    port: int, *, asked: Mapping[bytes, bytes], answered: Mapping[bytes, bytes]
) -> Iterator[int]:
    """Listen on loopback and pass everything on to `port`; give the port that is listened on.

    Args:
        port: of the server.
        asked: bytes of the client → what the server gets instead, of the same length.
        answered: the same for the way back.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(
            target=_accept, args=(listener, port, asked, answered), daemon=True
        ).start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            # Wakes the thread that accepts, which closing alone does not.
            listener.shutdown(socket.SHUT_RDWR)


def _accept(
    listener: socket.socket,
    port: int,
    asked: Mapping[bytes, bytes],
    answered: Mapping[bytes, bytes],
) -> None:
    while True:
        try:
            near, _ = listener.accept()
        except OSError:
            return
        try:
            far = socket.create_connection(("127.0.0.1", port), timeout=10)
        except OSError:
            near.close()
            continue
        far.settimeout(None)
        threading.Thread(target=_join, args=(near, far, asked, answered), daemon=True).start()


def _join(
    near: socket.socket,
    far: socket.socket,
    asked: Mapping[bytes, bytes],
    answered: Mapping[bytes, bytes],
) -> None:
    with near, far:
        back = threading.Thread(target=_pass_on, args=(far, near, answered), daemon=True)
        back.start()
        _pass_on(near, far, asked)
        back.join()


def _pass_on(source: socket.socket, sink: socket.socket, others: Mapping[bytes, bytes]) -> None:
    with suppress(OSError):
        while piece := source.recv(_PIECE):
            for one, other in others.items():
                piece = piece.replace(one, other)
            sink.sendall(piece)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)

"""Messages cut into parts that fit into NATS' payload limit, and put together again. Pure.

A batch holds up to 64 windows of 0.96 MB and a NATS server takes 1 MiB at once by default. A part is
a header (whose message, its number, its place, how many) and bytes. A message of which a part is lost
is never put together; whoever waits for it asks again.
"""

import struct
from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

HEADER: Final = struct.Struct(">8sQHH")
"""Sender's incarnation, number of its message, place of the part, number of parts."""
PART_BYTES: Final = 256 * 1024
"""Small enough that a heartbeat never waits long behind one; our choice."""
MESSAGE_LIMIT_BYTES: Final = 80 * 1024 * 1024
"""As a frame to an engine: 64 windows and what belongs to them."""
MOST_INCOMPLETE: Final = 64
"""Messages put together at once; beyond that the one begun first is given up."""


def split(sender: bytes, number: int, message: bytes, *, part_bytes: int) -> Iterator[bytes]:
    """Cut a message into parts, at least one.

    Args:
        sender: 8 bytes, other ones for each incarnation of each peer.
        number: of the message, counted by its sender.
        message: at most `MESSAGE_LIMIT_BYTES`.
        part_bytes: most bytes of a part besides its header, at least 1.

    Raises:
        ValueError: the message is too long, or would need more than 65,535 parts.
    """
    count = max(1, -(-len(message) // part_bytes))
    if len(message) > MESSAGE_LIMIT_BYTES or count > 0xFFFF:
        raise ValueError("the message is too long")
    whole = memoryview(message)  # each byte is copied once
    for place in range(count):
        body = whole[place * part_bytes : (place + 1) * part_bytes]
        yield b"".join((HEADER.pack(sender, number, place, count), body))


class Assembly:
    """Puts parts together, from several senders and in any order."""

    def __init__(self) -> None:
        self._begun: OrderedDict[tuple[bytes, int], tuple[int, dict[int, bytes]]] = OrderedDict()

    def add(self, part: bytes) -> bytes | None:
        """Take a part; give the message it completes, or None. Nonsense is passed over."""
        if len(part) < HEADER.size:
            return None
        sender, number, place, count = HEADER.unpack_from(part)
        if place >= count:
            return None
        body = part[HEADER.size :]
        return body if count == 1 else self._join((sender, number), count, place, body)

    def _join(self, key: tuple[bytes, int], count: int, place: int, body: bytes) -> bytes | None:
        expected, bodies = self._begun.setdefault(key, (count, {}))
        bodies[place] = body
        if expected != count or sum(map(len, bodies.values())) > MESSAGE_LIMIT_BYTES:
            del self._begun[key]
            return None
        if len(bodies) < count:
            while len(self._begun) > MOST_INCOMPLETE:
                self._begun.popitem(last=False)
            return None
        del self._begun[key]
        return b"".join(bodies[each] for each in range(count))

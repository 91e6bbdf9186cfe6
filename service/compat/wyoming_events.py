r"""Events of the Wyoming protocol: read with bounds, written whole. Nothing decided.

    {"type": "...", "data": {...}, "data_length": n, "payload_length": m}\n
    <n bytes of JSON, merged over data> <m bytes of payload>

The bounds come before the reading: a line, its data and its payload are refused by their length,
so a stranger can make this process hold about a megabyte a connection and not more.
"""

import asyncio
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, Final, TypeAlias

import msgspec

from service.problems import ProtocolError

MAX_LINE_BYTES: Final = 64 * 1024
MAX_JSON_BYTES: Final = 256 * 1024
"""Data beside the line. `transcribe` with hundreds of names is a few kilobytes."""
MAX_PAYLOAD_BYTES: Final = 1024 * 1024
"""Audio in one event: 2.7 s of the widest (48 kHz, 32 bits, 2 channels); satellites send 0.1 s."""
EVENT_TIMEOUT_S: Final = 20.0
"""For the rest of an event that has begun."""

Fields: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event in either direction."""

    type: str
    data: Fields = field(default_factory=dict)
    payload: bytes = b""


class _Line(msgspec.Struct, frozen=True, kw_only=True):
    type: str
    data: Fields | None = None
    data_length: int | None = None
    payload_length: int | None = None


_decode_line = msgspec.json.Decoder(_Line).decode
_decode_data = msgspec.json.Decoder(Fields).decode
_encode = msgspec.json.Encoder().encode


async def read_event(reader: asyncio.StreamReader, *, idle_s: float) -> Event | None:
    """Read the next event.

    Args:
        reader: made with `limit=MAX_LINE_BYTES`.
        idle_s: how long to wait for it to begin.

    Returns:
        The event, or None at the end of the stream, also in the middle of an event.

    Raises:
        ProtocolError: it is no event, or longer than the bounds.
        TimeoutError: nothing came, or the rest of an event did not.
    """
    try:
        async with asyncio.timeout(idle_s):
            text = await reader.readuntil(b"\n")
        async with asyncio.timeout(EVENT_TIMEOUT_S):
            return await _rest_of_event(reader, text)
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError as exc:
        raise ProtocolError(
            "protocol.message_too_long", f"a line ends at {MAX_LINE_BYTES} bytes"
        ) from exc


async def _rest_of_event(reader: asyncio.StreamReader, text: bytes) -> Event:
    try:
        line = _decode_line(text)
        extra = await _exactly(reader, line.data_length, MAX_JSON_BYTES)
        data = {**(line.data or {}), **(_decode_data(extra) if extra else {})}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        # What was sent is not repeated: it may be speech.
        raise ProtocolError("protocol.invalid_message", "this is no event of Wyoming") from exc
    payload = await _exactly(reader, line.payload_length, MAX_PAYLOAD_BYTES)
    return Event(type=line.type, data=data, payload=payload)


async def _exactly(reader: asyncio.StreamReader, length: int | None, limit: int) -> bytes:
    if not length:
        return b""
    if not 0 < length <= limit:
        raise ProtocolError("protocol.message_too_long", f"an event's parts end at {limit} bytes")
    return await reader.readexactly(length)


def encode_event(event: Event) -> bytes:
    """Give an event as it goes over the wire."""
    data = _encode(event.data) if event.data else b""
    line: Fields = {"type": event.type, "version": version("alfavoice")}
    if data:
        line["data_length"] = len(data)
    if event.payload:
        line["payload_length"] = len(event.payload)
    return b"".join((_encode(line), b"\n", data, event.payload))

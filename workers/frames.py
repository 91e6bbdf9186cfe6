"""What the service process and an engine process say to each other.

A frame is a length (4 bytes, big-endian) and a MessagePack message of `workers.contract.codec`.
Only one batch is in a frame, so a frame is at most 64 windows of 30 s.
"""

import struct
from typing import Final, TypeAlias

import msgspec

from workers.contract import codec
from workers.contract.engine import Again, EngineDescription, Job, Outcome
from workers.contract.errors import InvalidRequest
from workers.contract.requests import Hypothesis

HEADER: Final = struct.Struct(">I")
FRAME_LIMIT_BYTES: Final = 80 * 1024 * 1024
"""Longest frame: 64 windows (the largest batch limit) of 0.96 MB and their profiles."""


class Recognise(msgspec.Struct, frozen=True, kw_only=True, tag="recognise"):
    """To the engine: recognise this batch."""

    batch: int
    jobs: list[Job]


class Started(msgspec.Struct, frozen=True, kw_only=True, tag="started"):
    """From the engine: loaded and warmed up."""

    description: EngineDescription


class Unusable(msgspec.Struct, frozen=True, kw_only=True, tag="unusable"):
    """From the engine: it cannot start, and trying again will not help."""

    code: str
    message: str
    details: dict[str, str] = {}


class Said(msgspec.Struct, frozen=True, tag="said"):
    """An outcome that is a hypothesis."""

    outcome: Hypothesis


class Repeat(msgspec.Struct, frozen=True, tag="again"):
    """An outcome that asks for another pass."""

    outcome: Again


class Recognised(msgspec.Struct, frozen=True, kw_only=True, tag="recognised"):
    """From the engine: the outcomes of a batch, in the order of its jobs."""

    batch: int
    outcomes: list[Said | Repeat]


class Broken(msgspec.Struct, frozen=True, kw_only=True, tag="broken"):
    """From the engine: this batch raised; the engine still runs."""

    batch: int
    exception: str
    """Name of the exception's class. Its text may hold speech or paths and stays behind."""


FromEngine: TypeAlias = Started | Unusable | Recognised | Broken

_decode_from_engine: Final = msgspec.msgpack.Decoder(FromEngine).decode
_decode_recognise: Final = msgspec.msgpack.Decoder(Recognise).decode


def frame(message: Recognise | FromEngine) -> bytes:
    """Encode a message with its length before it."""
    body = codec.encode(message)
    return HEADER.pack(len(body)) + body


def length_of(header: bytes) -> int:
    """Read the length of the frame that follows.

    Raises:
        InvalidRequest: longer than a frame can be; the peer speaks something else.
    """
    (length,) = HEADER.unpack(header)
    if length > FRAME_LIMIT_BYTES:
        raise InvalidRequest(f"a frame is at most {FRAME_LIMIT_BYTES} bytes")
    return int(length)


def recognised(batch: int, outcomes: list[Outcome]) -> Recognised:
    """Wrap the outcomes of a batch."""
    return Recognised(
        batch=batch,
        outcomes=[Said(o) if isinstance(o, Hypothesis) else Repeat(o) for o in outcomes],
    )


def decode_from_engine(body: bytes) -> FromEngine:
    """Decode what an engine process said.

    Raises:
        InvalidRequest: it is no such message.
    """
    try:
        message: FromEngine = _decode_from_engine(body)
    except (msgspec.DecodeError, msgspec.ValidationError) as exc:
        raise InvalidRequest(f"not a message of an engine: {exc}") from exc
    return message


def decode_recognise(body: bytes) -> Recognise:
    """Decode a batch to recognise.

    Raises:
        InvalidRequest: it is no such message.
    """
    try:
        return _decode_recognise(body)
    except (msgspec.DecodeError, msgspec.ValidationError) as exc:
        raise InvalidRequest(f"not a batch: {exc}") from exc

"""Requests, outcomes and answers as bytes: MessagePack by field name, audio as raw binary.

Decoding checks every field's type and raises `InvalidRequest` on anything else, so a worker can
read frames of another version or another process without trusting them.
"""

from typing import Any, Final, TypeVar

import msgspec

from workers.contract.errors import InvalidRequest

T = TypeVar("T")

_encoder: Final = msgspec.msgpack.Encoder()


def encode(value: Any) -> bytes:  # noqa: ANN401 - any message of the contract
    """Encode a dataclass or tagged struct of the contract."""
    return _encoder.encode(value)


def decode(data: bytes | bytearray | memoryview, type_: type[T]) -> T:
    """Decode and check a message.

    Raises:
        InvalidRequest: the bytes are not such a message; says which field, never its value.
    """
    try:
        return msgspec.msgpack.decode(data, type=type_)
    except (msgspec.DecodeError, msgspec.ValidationError) as exc:
        raise InvalidRequest(f"not a {type_.__name__}: {exc}") from exc

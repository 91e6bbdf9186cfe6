"""Cursors of lists: where a page ended, written so that nobody is tempted to read it.

microseconds since 1970 UTC (8 bytes, signed), id (16 bytes), in base64url: 32 characters
"""

import base64
import binascii
import struct
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from service.library.history_entries import START, Position
from service.problems import RequestRefused

CURSOR_CHARACTERS: Final = 32
_FORM: Final = struct.Struct(">q16s")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def write_cursor(position: Position | None) -> str | None:
    """Write a cursor; None stays None."""
    if position is None:
        return None
    micros = (position.started_at - _EPOCH) // _MICROSECOND
    return base64.urlsafe_b64encode(_FORM.pack(micros, position.id.bytes)).decode()


def read_cursor(cursor: str | None) -> Position:
    """Read a cursor; None is the start.

    Raises:
        RequestRefused: `request.invalid`, it is not one of ours.
    """
    if cursor is None:
        return START
    try:
        micros, id_bytes = _FORM.unpack(base64.b64decode(cursor, altchars=b"-_", validate=True))
        started_at = _EPOCH + micros * _MICROSECOND
    except (binascii.Error, struct.error, OverflowError, ValueError):
        raise RequestRefused(
            "request.invalid",
            "the cursor is not understood: send one as it came, or none",
            status=422,
        ) from None
    return Position(started_at=started_at, id=UUID(bytes=id_bytes))

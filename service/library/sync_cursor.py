"""How far a client has pulled: an opaque text for it, three numbers for us. Pure.

Changes of one user are numbered without gaps of visibility, so a number says all. Two things can
make it worthless: the numbering is another one (of another user, or of before a backup was
restored), or tombstones after it are forgotten, so that the client would keep what was deleted.
"""

import base64
import binascii
import struct
from dataclasses import dataclass
from typing import Final
from uuid import UUID

_LAYOUT: Final = struct.Struct(">B16sQQ")
_VERSION: Final = 1
LONGEST: Final = 64
"""Letters of a cursor, more than enough."""


class NoCursor(Exception):
    """A text is none of our cursors."""


class TooOld(Exception):
    """What happened since is not known completely any more: start anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbering:
    """A user's change counter."""

    epoch: UUID  # tells numberings apart
    last: int  # number of the newest change
    forgotten: int  # tombstones up to this number may be gone


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncCursor:
    """Everything up to `change` was pulled."""

    epoch: UUID
    change: int
    begun_after: int
    """What was forgotten already when the client began with nothing: it does not miss that."""

    def __str__(self) -> str:
        """Write it as clients see it."""
        packed = _LAYOUT.pack(_VERSION, self.epoch.bytes, self.change, self.begun_after)
        return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def read_cursor(text: str) -> SyncCursor:
    """Read what `str(cursor)` wrote.

    Raises:
        NoCursor: it is not one.
    """
    try:
        packed = base64.b64decode(
            text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True
        )
        version, epoch, change, begun_after = _LAYOUT.unpack(packed)
    except (binascii.Error, struct.error, UnicodeEncodeError):
        raise NoCursor from None
    if version != _VERSION or change >= 1 << 63:
        raise NoCursor
    return SyncCursor(epoch=UUID(bytes=epoch), change=change, begun_after=begun_after)


def moved(cursor: SyncCursor | None, numbering: Numbering, *, to: int | None) -> SyncCursor:
    """Give the cursor after a pull.

    Args:
        cursor: the one the pull began with; None: with nothing.
        numbering: read after the changes were, so that what was forgotten meanwhile is noticed.
        to: the last change of the pull; None: there was none.

    Raises:
        TooOld: the pull may have missed something.
    """
    if cursor is None:
        return SyncCursor(epoch=numbering.epoch, change=to or 0, begun_after=numbering.forgotten)
    if cursor.epoch != numbering.epoch or cursor.change > numbering.last:
        raise TooOld
    if max(cursor.change, cursor.begun_after) < numbering.forgotten:
        raise TooOld
    change = cursor.change if to is None else to
    return SyncCursor(epoch=cursor.epoch, change=change, begun_after=cursor.begun_after)

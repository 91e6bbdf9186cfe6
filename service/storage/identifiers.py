"""Ids of stored things: UUIDv7 (RFC 9562 section 5.7), which sort by the time they were made."""

import secrets
from uuid import UUID


def uuid7(now_ms: int) -> UUID:
    """Make an id of this moment.

    Args:
        now_ms: milliseconds since 1970-01-01 UTC, 48 bits.
    """
    value = (now_ms & (1 << 48) - 1) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 7 << 76  # version
    value = value & ~(0b11 << 62) | 0b10 << 62  # variant
    return UUID(int=value)

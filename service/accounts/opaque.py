"""Opaque secrets: 256 random bits that mean nothing by themselves and are stored as hashes only.

A plain SHA-256 is enough for them: unlike passwords they cannot be guessed.
"""

import base64
import binascii
import hashlib
import secrets
from typing import Final

SECRET_BYTES: Final = 32
API_KEY_PREFIX: Final = "av_"
"""By which people, and scanners of source code, know an API key when they see one."""
REFRESH_PREFIX: Final = "rt_"
INVITATION_PREFIX: Final = "in_"
TICKET_PREFIX: Final = "tk_"


def new_secret(prefix: str) -> str:
    """Make a secret: the prefix and 43 letters safe in URLs and headers."""
    return prefix + secrets.token_urlsafe(SECRET_BYTES)


def hash_of(secret: str) -> bytes:
    """Give what is stored of a secret: 32 bytes."""
    return hashlib.sha256(secret.encode()).digest()


def encoded(value: bytes) -> str:
    """Write bytes in base64 for URLs, without padding."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def decoded(text: str) -> bytes | None:
    """Read what `encoded` wrote; None if it is anything else."""
    try:
        value = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return value if encoded(value) == text else None

"""Access tokens: a JWT of 15 minutes that says whose it is and of which sign-in.

One algorithm (HS256), one type, one audience; the header of a token chooses nothing (RFC 8725). The
key is derived from the master key. Whether the sign-in still stands is asked of the database for
each request, so that what is revoked stops at once.
"""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import jwt

from service.accounts.principal import Role
from service.problems import RequestRefused

LIFETIME_S: Final = 15 * 60
KEY_PURPOSE: Final = "access tokens"
AUDIENCE: Final = "alfavoice"
ISSUER: Final = "alfavoice"
TOKEN_TYPE: Final = "at+jwt"  # noqa: S105 - RFC 9068 section 2.1
MAX_LETTERS: Final = 2_000
_ALGORITHM: Final = "HS256"
_LEEWAY_S: Final = 5
"""Between the clocks of two copies of the service."""
_REQUIRED: Final = ["aud", "device", "exp", "iat", "iss", "jti", "nbf", "role", "sid", "sub"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessClaims:
    """What a valid token says."""

    user: UUID
    device: UUID
    sign_in: UUID
    """The family of refresh tokens it came with."""


class AccessTokens:
    """Writes and reads them."""

    def __init__(self, keys: Callable[[], Iterable[bytes]]) -> None:
        """Take the keys, of 32 bytes.

        Args:
            keys: gives those of the moment; the first signs, all verify (a master key may just be
                changing).
        """
        self._keys = keys

    def issue(self, claims: AccessClaims, role: Role, *, now_s: int) -> str:
        """Write a token valid from now on.

        Args:
            claims: whose.
            role: for the client to know; the server asks the database.
            now_s: seconds since 1970-01-01 UTC.
        """
        return jwt.encode(
            {
                "iss": ISSUER,
                "aud": AUDIENCE,
                "sub": str(claims.user),
                "device": str(claims.device),
                "sid": str(claims.sign_in),
                "role": role.value,
                "jti": secrets.token_urlsafe(16),
                "iat": now_s,
                "nbf": now_s,
                "exp": now_s + LIFETIME_S,
            },
            next(iter(self._keys())),
            algorithm=_ALGORITHM,
            headers={"typ": TOKEN_TYPE},
        )

    def read(self, token: str) -> AccessClaims:
        """Verify a token.

        Raises:
            RequestRefused: `auth.token_expired`, or `auth.invalid_credential` for all else.
        """
        payload = self._verified(token)
        try:
            return AccessClaims(
                user=UUID(payload["sub"]),
                device=UUID(payload["device"]),
                sign_in=UUID(payload["sid"]),
            )
        except (ValueError, TypeError, AttributeError):
            raise invalid_credential() from None

    def _verified(self, token: str) -> dict[str, str]:
        if len(token) > MAX_LETTERS:
            raise invalid_credential()
        for key in self._keys():
            try:
                read = jwt.decode_complete(
                    token,
                    key,
                    algorithms=[_ALGORITHM],
                    audience=AUDIENCE,
                    issuer=ISSUER,
                    leeway=_LEEWAY_S,
                    options={"require": _REQUIRED},
                )
            except jwt.InvalidSignatureError:
                continue
            except jwt.ExpiredSignatureError:
                raise RequestRefused(
                    "auth.token_expired", "the access token is too old: refresh it", status=401
                ) from None
            except (jwt.PyJWTError, ValueError, TypeError):
                break
            if read["header"].get("typ") != TOKEN_TYPE:
                break
            payload: dict[str, str] = read["payload"]
            return payload
        raise invalid_credential()


def invalid_credential() -> RequestRefused:
    """Refuse a token, key or ticket; which of them, and why, is nobody's business."""
    return RequestRefused(
        "auth.invalid_credential",
        "the token, key or ticket is not (or no longer) valid: sign in again",
        status=401,
    )


def revoked() -> RequestRefused:
    """Refuse what was valid until somebody ended it."""
    return RequestRefused(
        "auth.revoked", "this sign-in or key was ended: sign in again", status=401
    )

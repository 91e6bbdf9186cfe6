"""Who is asking: the principal of a request or a socket."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

LOCAL_USER: Final = UUID("00000000-0000-8000-8000-000000000001")
"""Whoever sits at this machine; made by the first migration. A UUIDv8 (RFC 9562 section 5.8), so no
id made later can be the same."""


class Role(StrEnum):
    """What an account is for."""

    USER = "user"
    ADMIN = "admin"


class Scope(StrEnum):
    """What a credential may be used for. People have all that their role allows."""

    DICTATE = "dictate"
    """Turn speech into text: the stream, uploads, the compatible interfaces."""
    LIBRARY = "library"
    """Read and change history, notes, snippets, dictionary, preferences; sync."""
    ACCOUNT = "account"
    """Change the account itself: password, devices, API keys. Never given to an API key."""
    ADMIN = "admin"
    """Manage other people and the server."""


class Credential(StrEnum):
    """How the principal proved who it is."""

    LOCAL = "local"
    ACCESS_TOKEN = "access_token"  # noqa: S105 - the name of a kind
    API_KEY = "api_key"
    TICKET = "ticket"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """An authenticated person or program."""

    user: UUID
    role: Role
    scopes: frozenset[Scope]
    credential: Credential
    device: UUID | None = None
    """The registered device, of an access token or ticket."""
    key: UUID | None = None
    """The API key, where one was used."""

    def may(self, scope: Scope) -> bool:
        """Whether this scope is granted."""
        return scope in self.scopes


LOCAL_PRINCIPAL: Final = Principal(
    user=LOCAL_USER,
    role=Role.ADMIN,
    scopes=frozenset(Scope),
    credential=Credential.LOCAL,
)
"""The one person of a server without logins."""

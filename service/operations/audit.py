"""The audit log: what happened that matters for security, who did it, to whom, from where.

It holds ids and never names, logins, addresses of mail, tokens or speech, so that it can outlive an
account. Only the owner of the database can write or read it.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from typing import Final, TypeAlias
from uuid import UUID

import msgspec

from service.storage.identifiers import uuid7
from service.storage.postgres import Connection, Postgres
from service.storage.statements import statements

_sql: Final = statements("audit")

MAX_DETAILS_BYTES: Final = 2_000
Address: TypeAlias = IPv4Address | IPv6Address
Details: TypeAlias = Mapping[str, str | int | bool]


class AuditKind(StrEnum):
    """What happened. Add a member for what your part does."""

    SIGNED_IN = "sign_in"
    SIGNED_OUT = "sign_out"
    REFRESH_REUSED = "refresh_reused"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - the name of an event
    USER_CREATED = "user_created"
    USER_DISABLED = "user_disabled"
    USER_ENABLED = "user_enabled"
    USER_DELETED = "user_deleted"
    ROLE_CHANGED = "role_changed"
    INVITED = "invited"
    INVITATION_WITHDRAWN = "invitation_withdrawn"
    INVITATION_ACCEPTED = "invitation_accepted"
    DEVICE_REVOKED = "device_revoked"
    KEY_CREATED = "key_created"
    KEY_REVOKED = "key_revoked"
    KEYS_ROTATED = "keys_rotated"
    """Keys of encryption, of one user or (no subject) of the server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who does something, and from where; nobody known at the command line of the server."""

    user: UUID | None = None
    address: Address | None = None


OPERATOR: Final = Actor()
"""Whoever sits at the server's own command line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """One event as it is read back."""

    id: UUID
    at: datetime
    kind: str
    actor: UUID | None
    subject: UUID | None
    address: str | None
    outcome: str
    details: dict[str, str | int | bool]


async def record(
    postgres: Postgres,
    kind: AuditKind,
    *,
    actor: UUID | None = None,
    subject: UUID | None = None,
    address: Address | None = None,
    outcome: str = "done",
    details: Details | None = None,
) -> None:
    """Write an event.

    Args:
        postgres: where.
        kind: what happened.
        actor: whose doing it was; None: somebody unknown, or the operator.
        subject: the user it happened to.
        address: of the peer.
        outcome: `done`, or a short reason why not.
        details: counts, names of roles, ids; at most 2000 bytes as JSON.

    Raises:
        StoreUnavailable: the database does not answer.
    """
    who = Actor(user=actor, address=address)
    await postgres.call(
        lambda connection: record_within(
            connection, kind, actor=who, subject=subject, outcome=outcome, details=details
        )
    )


async def record_within(
    connection: Connection,
    kind: AuditKind,
    *,
    actor: Actor,
    subject: UUID | None = None,
    outcome: str = "done",
    details: Details | None = None,
) -> None:
    """Write an event in the transaction of what it tells, so that there is never one without the other.

    The connection must be the owner's (`Postgres.call`).
    """
    encoded = msgspec.json.encode(dict(details or {}))
    if len(encoded) > MAX_DETAILS_BYTES:
        raise ValueError("an audit event is for ids and counts, not for texts")
    await connection.execute(
        _sql["record"],
        uuid7(time.time_ns() // 1_000_000),
        kind.value,
        actor.user,
        subject,
        actor.address,
        outcome,
        encoded.decode(),
    )


async def page(
    postgres: Postgres,
    *,
    before: UUID | None,
    limit: int,
    kind: str | None = None,
    subject: UUID | None = None,
) -> list[AuditEvent]:
    """Give events, newest first.

    Args:
        postgres: where.
        before: id of the last event of the page before; None: the first page.
        limit: how many at most.
        kind: only these.
        subject: only those that happened to this user.
    """
    rows = await postgres.call(
        lambda connection: connection.fetch(_sql["page"], before, kind, subject, limit)
    )
    return [
        AuditEvent(
            id=row["id"],
            at=row["at"],
            kind=row["kind"],
            actor=row["actor_id"],
            subject=row["subject_id"],
            address=None if row["address"] is None else str(row["address"]).partition("/")[0],
            outcome=row["outcome"],
            details=msgspec.json.decode(row["details"]),
        )
        for row in rows
    ]


async def forget_older_than(postgres: Postgres, days: int) -> None:
    """Delete events older than this many days."""
    await postgres.call(lambda connection: connection.execute(_sql["clean"], timedelta(days=days)))

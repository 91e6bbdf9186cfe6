"""What a check found."""

from dataclasses import dataclass, field
from typing import Literal

Status = Literal["ok", "skip", "warn", "fail"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing found; the sentence of `key` says what it is and what to do."""

    check: str
    status: Status
    key: str
    """Key of the catalogue, `doctor.*`."""
    values: dict[str, object] = field(default_factory=dict)


def ok(check: str, key: str, **values: object) -> Finding:
    """Nothing to do."""
    return Finding(check=check, status="ok", key=key, values=values)


def skip(check: str, key: str, **values: object) -> Finding:
    """It was not looked at, so nothing is known of it."""
    return Finding(check=check, status="skip", key=key, values=values)


def warn(check: str, key: str, **values: object) -> Finding:
    """It works, and could be better."""
    return Finding(check=check, status="warn", key=key, values=values)


def fail(check: str, key: str, **values: object) -> Finding:
    """Nobody can dictate until this is put right."""
    return Finding(check=check, status="fail", key=key, values=values)

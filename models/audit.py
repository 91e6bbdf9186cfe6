"""The audit log: what was done to the models, one JSON object a line, only ever appended.

A line has `at`, `action`, `model`, `outcome`, `process`, `user`, and where they apply `source`,
`revision`, `files` (SHA-256 by name) and `code` of the error. No path of the host is written.
"""

import getpass
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from models.errors import FolderUnwritable

Action = Literal["pull", "verify", "use", "remove"]
Outcome = Literal["installed", "unchanged", "verified", "activated", "removed", "failed"]
Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Read the wall clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLog:
    """Appends to one file; lines of two processes never mix."""

    path: Path
    clock: Clock = utc_now

    def append(
        self,
        action: Action,
        model: str,
        *,
        outcome: Outcome,
        source: str | None = None,
        revision: str | None = None,
        files: Mapping[str, str] | None = None,
        code: str | None = None,
    ) -> None:
        """Write one line and have it on disk before returning.

        Raises:
            FolderUnwritable: the log cannot be written.
        """
        entry = {
            "at": self.clock().isoformat(timespec="milliseconds"),
            "action": action,
            "model": model,
            "outcome": outcome,
            "process": os.getpid(),
            "user": _user(),
            "source": source,
            "revision": revision,
            "files": dict(files) if files else None,
            "code": code,
        }
        line = json.dumps({key: value for key, value in entry.items() if value is not None}) + "\n"
        try:
            # One write to a file opened for appending: POSIX keeps such lines whole.
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                os.write(descriptor, line.encode())
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as exc:
            raise FolderUnwritable(exc.strerror or type(exc).__name__) from exc


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container may run under a number that has no name
        return str(os.getuid()) if hasattr(os, "getuid") else "unknown"

"""The desktop client's outbox, read without the client: takes, their audio, whether all is whole.

It is a SQLCipher 4 file (docs/client_design.md says what is in it). It is opened for reading only, so the
client may go on meanwhile.
"""

import wave
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from service.client.outbox_key import wrong_key
from service.problems import SetUpError

LAYOUT: Final = 2
"""`user_version` of the newest layout that is known here; each only adds to the one before."""
_BUSY_S: Final = 5.0
_STORED: Final = "stored"
"""The state in which a take's audio may be forgotten: its server has it for good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """A take as it is kept."""

    id: str
    state: str
    began_at: datetime
    sample_rate: int
    samples: int
    text: str | None
    problem: str | None
    is_recovered: bool
    is_forgotten: bool
    """Whether its audio is gone as the client's settings say: its server has stored it."""

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.samples / self.sample_rate


class Outbox:
    """An open outbox."""

    def __init__(self, connection: Any) -> None:  # noqa: ANN401 - sqlcipher3 has no types
        self._connection = connection

    def takes(self) -> tuple[Take, ...]:
        """Give all takes, oldest first."""
        rows = self._connection.execute(
            "SELECT id, state, began_at, sample_rate, samples, text, problem, recovered,"
            " state = ? AND samples > 0 AND NOT EXISTS (SELECT 1 FROM chunk WHERE take = take.id)"
            " FROM take ORDER BY began_at, id",
            (_STORED,),
        )
        return tuple(
            Take(
                id=row[0],
                state=row[1],
                began_at=datetime.fromtimestamp(row[2], UTC),
                sample_rate=row[3],
                samples=row[4],
                text=row[5],
                problem=row[6],
                is_recovered=bool(row[7]),
                is_forgotten=bool(row[8]),
            )
            for row in rows
        )

    def write_wav(self, take: Take, path: Path) -> None:
        """Write the audio of a take as WAV, for its owner alone; what is missing of it is silence.

        Not for one whose audio is forgotten: that would be nothing else.
        """
        path.touch(mode=0o600)
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, take.sample_rate, 0, "NONE", ""))
            at = 0
            for first, pcm in self._chunks(take):
                file.writeframesraw(bytes(2 * max(0, first - at)))
                file.writeframesraw(pcm)
                at = first + len(pcm) // 2
            file.writeframesraw(bytes(2 * max(0, take.samples - at)))

    def verify(self) -> tuple[tuple[Take, ...], list[str]]:
        """Read every page and every take.

        Returns:
            All takes, and what is wrong; nothing: all is whole. Audio that is forgotten is not wrong.
        """
        dbapi = _dbapi()
        takes: tuple[Take, ...] = ()
        found: list[str] = []
        try:
            takes = self.takes()
            found += [row[0] for row in self._connection.execute("PRAGMA cipher_integrity_check")]
            found += [
                row[0]
                for row in self._connection.execute("PRAGMA integrity_check(20)")
                if row[0] != "ok"
            ]
            for take in takes:
                if not take.is_forgotten and not self.is_whole(take):
                    found.append(f"take {take.id}: audio is missing")
        except dbapi.DatabaseError:  # nothing more can be read over this connection
            found.append("a page cannot be read")
        return takes, found

    def is_whole(self, take: Take) -> bool:
        """Whether none of its audio is missing."""
        at = 0
        for first, pcm in self._chunks(take):
            if first != at:
                return False
            at += len(pcm) // 2
        return at == take.samples

    def _chunks(self, take: Take) -> Iterator[tuple[int, bytes]]:
        rows = self._connection.execute(
            "SELECT first_sample, pcm FROM chunk WHERE take = ? ORDER BY number", (take.id,)
        )
        yield from rows


@contextmanager
def opened(file: Path, key: bytes) -> Iterator[Outbox]:
    """Open an outbox for reading, as it is at this moment.

    Args:
        file: `outbox.db`.
        key: 32 bytes.

    Raises:
        SetUpError: `setup.outbox_missing`, `setup.outbox_key`, `setup.outbox_newer`,
            `setup.outbox_reader` (the package with the cipher is not installed).
    """
    if not file.is_file():
        raise SetUpError("setup.outbox_missing", "there is no outbox", file=str(file))
    dbapi = _dbapi()
    address = file.resolve().as_uri() + "?mode=ro"
    with closing(dbapi.connect(address, uri=True, timeout=_BUSY_S)) as connection:
        connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
        if not (connection.execute("PRAGMA cipher_version").fetchone() or [""])[0]:
            raise _no_reader()
        connection.execute("PRAGMA cipher_log_level = NONE")
        try:
            connection.execute("BEGIN")
            layout = connection.execute("PRAGMA user_version").fetchone()[0]
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except dbapi.DatabaseError:
            raise wrong_key() from None
        if layout > LAYOUT:
            raise SetUpError("setup.outbox_newer", "a newer client wrote this outbox")
        yield Outbox(connection)


def _dbapi() -> Any:  # noqa: ANN401
    try:
        from sqlcipher3 import dbapi2  # noqa: PLC0415 - an extra
    except ImportError:
        raise _no_reader() from None
    return dbapi2


def _no_reader() -> SetUpError:
    return SetUpError("setup.outbox_reader", "the package sqlcipher3 is not installed")

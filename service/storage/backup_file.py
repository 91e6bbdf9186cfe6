"""The file of a backup: a ZIP with one part a table, and a manifest that vouches for all of them.

    tables/<name>.copy    rows as PostgreSQL's COPY writes them as text (its manual, page COPY)
    master.key.sealed     only where asked for: the master keys under a passphrase
    manifest.json         what the parts are, with rows and SHA-256
    manifest.mac          its HMAC-SHA-256 by a key made of the master key

Our own form rather than that of pg_dump: it reads and writes with any version of the server and no
program of it, checks itself without a database, and brings an older schema up to date while it is
restored. Everything people said is in it as it is in the database: sealed.
"""

import hashlib
import hmac
import os
import secrets
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import msgspec

from service.problems import SetUpError
from service.storage.encryption.master import MasterKeyMissing, MasterKeys

FORMAT: Final = "alfavoice-backup"
VERSION: Final = 1
MANIFEST: Final = "manifest.json"
MAC: Final = "manifest.mac"
SEALED_KEY: Final = "master.key.sealed"
PIECE_BYTES: Final = 256 * 1024
_LONGEST_MANIFEST: Final = 4 << 20
_PURPOSE: Final = "backup manifest"
_DAMAGE: Final = (
    zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, RuntimeError,
    ValueError, struct.error, msgspec.MsgspecError, OverflowError,
)  # fmt: skip
"""What reading a file that is no backup, or a damaged one, can raise (zipfile and msgspec)."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A migration the database had."""

    version: int
    name: str
    compatible_from: int
    checksum: str


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table, in an order in which each comes after those it refers to."""

    name: str
    columns: tuple[str, ...]
    rows: int
    size_bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What is in the file."""

    format: str
    version: int
    made_at: str
    """ISO 8601, UTC."""
    alfavoice: str
    """Version of the program that made it."""
    masters: tuple[str, ...]
    """Names of the master keys that what is in it needs."""
    migrations: tuple[Step, ...]
    tables: tuple[Table, ...]
    sealed_key_sha256: str | None = None

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(table.rows for table in self.tables)


class _Mac(msgspec.Struct, frozen=True, kw_only=True):
    master: str
    hmac_sha256: str


class BackupReader:
    """A backup that is open. Its manifest was read; its parts are checked as they are read."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        """Read the manifest; raises what is in `_DAMAGE`, or SetUpError."""
        self._archive = archive
        self._raw = self._small(MANIFEST)
        self._mac = msgspec.json.decode(self._small(MAC), type=_Mac)
        self.manifest = msgspec.json.decode(self._raw, type=Manifest)
        if self.manifest.format != FORMAT:
            raise ValueError("another format")
        if self.manifest.version > VERSION:
            raise SetUpError(
                "setup.backup_too_new", "this backup was made by a newer AlfaVoice: update this one"
            )

    def vouched_for(self, master: MasterKeys) -> bool:
        """Whether a holder of the master key made this manifest; False also where it is not here.

        Raises:
            SetUpError: `setup.backup_damaged`, somebody changed it.
        """
        try:
            key = master.named(self._mac.master)
        except MasterKeyMissing:
            return False
        made = hmac.digest(key.derived(_PURPOSE), self._raw, hashlib.sha256).hex()
        if not hmac.compare_digest(made, self._mac.hmac_sha256):
            raise damaged("its manifest was changed after it was made")
        return True

    def rows_of(self, table: Table) -> Iterator[bytes]:
        """Give a table's rows in pieces; the last comes only if all were right.

        Raises:
            SetUpError: `setup.backup_damaged`.
        """
        digest, size, rows, held = hashlib.sha256(), 0, 0, b""
        with _told(), self._archive.open(f"tables/{table.name}.copy") as part:
            while piece := part.read(PIECE_BYTES):
                digest.update(piece)
                size += len(piece)
                rows += piece.count(b"\n")
                if held:
                    yield held
                held = piece
        if (digest.hexdigest(), size, rows) != (table.sha256, table.size_bytes, table.rows):
            raise damaged(f"table {table.name} is not as it was written")
        if held:
            yield held

    def check(self) -> None:
        """Read all of it.

        Raises:
            SetUpError: `setup.backup_damaged`.
        """
        names = [f"tables/{table.name}.copy" for table in self.manifest.tables]
        expected = {*names, MANIFEST, MAC} | ({SEALED_KEY} if self._has_key else set())
        present = self._archive.namelist()
        if len(names) != len(set(names)) or sorted(present) != sorted(expected):
            raise damaged("parts are missing, or do not belong to it")
        for table in self.manifest.tables:
            for _ in self.rows_of(table):
                pass
        self.sealed_key()

    def sealed_key(self) -> bytes | None:
        """Give the sealed master keys, if they are in it.

        Raises:
            SetUpError: `setup.backup_damaged`.
        """
        if not self._has_key:
            return None
        with _told():
            sealed = self._small(SEALED_KEY)
        if hashlib.sha256(sealed).hexdigest() != self.manifest.sealed_key_sha256:
            raise damaged("the master key in it is not as it was written")
        return sealed

    @property
    def _has_key(self) -> bool:
        return self.manifest.sealed_key_sha256 is not None

    def _small(self, name: str) -> bytes:
        with self._archive.open(name) as part:
            found = part.read(_LONGEST_MANIFEST + 1)
        if len(found) > _LONGEST_MANIFEST:
            raise ValueError("too long")
        return found


@contextmanager
def open_backup(path: Path) -> Iterator[BackupReader]:
    """Open a backup for reading.

    Raises:
        SetUpError: `setup.backup_unreadable`, `setup.backup_damaged` or `setup.backup_too_new`.
    """
    try:
        file = path.open("rb")
    except OSError as exc:
        raise unusable(exc) from None
    with file:
        with _told():
            reader = BackupReader(zipfile.ZipFile(file))
        yield reader


class BackupWriter:
    """A backup being written."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    @contextmanager
    def part(self, name: str) -> Iterator[IO[bytes]]:
        """Write one part."""
        # The date says nothing that the manifest does not, and its default is refused by some tools.
        about = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
        about.compress_type = zipfile.ZIP_DEFLATED
        about.external_attr = 0o600 << 16
        with self._archive.open(about, "w", force_zip64=True) as part:
            yield part

    def finish(self, manifest: Manifest, master: MasterKeys) -> None:
        """Write the manifest and vouch for it."""
        raw = msgspec.json.format(msgspec.json.encode(manifest))
        key = master.current
        mac = _Mac(
            master=key.name,
            hmac_sha256=hmac.digest(key.derived(_PURPOSE), raw, hashlib.sha256).hex(),
        )
        for name, content in ((MANIFEST, raw), (MAC, msgspec.json.encode(mac))):
            with self.part(name) as part:
                part.write(content)


@contextmanager
def new_backup(path: Path) -> Iterator[BackupWriter]:
    """Write a file that has its name only when it is whole; one that is there is never replaced.

    Raises:
        SetUpError: `setup.backup_exists`, `setup.backup_unreadable`.
    """
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.unfinished")
    try:
        if path.exists():
            raise FileExistsError  # noqa: TRY301 - said below, also when it appears later
        descriptor = os.open(aside, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with open(descriptor, "w+b") as file:  # noqa: PTH123 - a descriptor
                with zipfile.ZipFile(file, "w", compresslevel=1) as archive:
                    yield BackupWriter(archive)
                file.flush()
                os.fsync(file.fileno())
            os.link(aside, path)
        finally:
            aside.unlink(missing_ok=True)
    except FileExistsError:
        raise SetUpError(
            "setup.backup_exists", "there is a file of that name: choose another one"
        ) from None
    except OSError as exc:
        raise unusable(exc) from None


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except _DAMAGE:
        raise damaged("it is no backup, or it was cut short", why="no_backup") from None
    except OSError as exc:
        raise unusable(exc) from None


def damaged(what: str, *, why: str | None = None) -> SetUpError:
    """Say that a file cannot be restored from; see `SetUpError` for `why`."""
    return SetUpError("setup.backup_damaged", f"the backup is damaged: {what}", why=why)


def unusable(exc: OSError) -> SetUpError:
    """Say that a file cannot be read or written."""
    return SetUpError(
        "setup.backup_unreadable",
        f"the backup cannot be read or written ({exc.strerror})",
        reason=exc.strerror,
    )

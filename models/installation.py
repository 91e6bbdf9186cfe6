"""An installed model: its files, and the record that says what they must be.

    <name>/installed.json        the record; points at the folder in use
    <name>/<generation>/         model.bin, config.json, tokenizer.json, vocabulary.*

Installing writes a new generation and then replaces the record in one step, so at every moment
the record points at a whole model: the old one or the new one.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models.checksum import Advance, sha256_of
from models.errors import ChecksumMismatch, PartMissing
from models.manifest import FileName, Name, Sha256

RECORD_NAME: Final = "installed.json"


class InstalledFile(BaseModel):
    """A file as it was when it was installed."""

    model_config = ConfigDict(frozen=True)

    name: FileName
    size_bytes: int
    sha256: Sha256


class Record(BaseModel):
    """What `installed.json` holds."""

    model_config = ConfigDict(frozen=True)

    version: Literal[1] = 1
    name: Name
    generation: str = Field(pattern=r"^[0-9a-f]{12}-[0-9a-f]{8}$")
    source: str
    origin: str
    revision: str | None
    installed_at: datetime
    files: tuple[InstalledFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledModel:
    """A model that is on disk."""

    path: Path
    """The folder that a recogniser loads."""
    record: Record

    @property
    def name(self) -> str:
        """The model's name."""
        return self.record.name

    @property
    def size_bytes(self) -> int:
        """Bytes of all its files."""
        return sum(file.size_bytes for file in self.record.files)

    def check_presence(self) -> None:
        """Make sure that every file is there and has its size; reads no content.

        Raises:
            PartMissing: a file is gone.
            ChecksumMismatch: a file has another size.
        """
        for file in self.record.files:
            try:
                size = (self.path / file.name).stat().st_size
            except OSError as exc:
                raise PartMissing(self.name, file.name) from exc
            if size != file.size_bytes:
                raise ChecksumMismatch(
                    self.name,
                    file.name,
                    expected=f"{file.size_bytes} bytes",
                    found=f"{size} bytes",
                )

    def check_content(self, advance: Advance | None = None) -> None:
        """Read every file and compare its SHA-256.

        Raises:
            PartMissing: a file is gone.
            ChecksumMismatch: a file is not what was installed.
        """
        self.check_presence()
        for file in self.record.files:
            found = sha256_of(self.path / file.name, advance)
            if found != file.sha256:
                raise ChecksumMismatch(self.name, file.name, expected=file.sha256, found=found)


def read_installation(folder: Path) -> InstalledModel | None:
    """Read the record in a model's folder; None when there is none to rely on."""
    try:
        record = Record.model_validate_json((folder / RECORD_NAME).read_bytes())
    except (OSError, ValidationError):
        return None
    return InstalledModel(path=folder / record.generation, record=record)


def write_durably(path: Path, content: bytes) -> None:
    """Replace a small file in one step and have it on disk; leaves no half-written file."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on disk, so that a rename outlives a power cut."""
    if os.name == "nt":  # Windows cannot open a folder, and NTFS journals names by itself
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_by_name(files: Iterable[InstalledFile]) -> dict[str, str]:
    """Give the checksums, for the audit log and for trust on first use."""
    return {file.name: file.sha256 for file in files}

"""Trust on first use: what an unpinned repository was when it was first pulled.

From then on pulls take that commit and those checksums, so a model never changes under a person
because somebody pushed to its repository.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from models.errors import FolderUnwritable
from models.hub import Trusted
from models.installation import InstalledFile, sha256_by_name, write_durably
from models.manifest import Commit, Repository, Sha256

TRUST_NAME: Final = "trust.json"


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)

    repository: Repository
    revision: Commit
    sha256: dict[str, Sha256]


def read_trust(folder: Path, repository: str) -> Trusted | None:
    """Give what is recorded of a repository in a model's folder, if it was pulled before."""
    try:
        record = _Record.model_validate_json((folder / TRUST_NAME).read_bytes())
    except (OSError, ValidationError):
        return None
    if record.repository != repository:
        return None
    return Trusted(revision=record.revision, sha256=record.sha256)


def write_trust(
    folder: Path, repository: str, revision: str | None, files: Iterable[InstalledFile]
) -> None:
    """Record what was pulled.

    Raises:
        FolderUnwritable: it cannot be recorded, so it must not be used either.
    """
    record = _Record(repository=repository, revision=revision or "", sha256=sha256_by_name(files))
    try:
        write_durably(folder / TRUST_NAME, record.model_dump_json(indent=2).encode())
    except OSError as exc:
        raise FolderUnwritable(exc.strerror or type(exc).__name__) from exc

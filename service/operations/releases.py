"""Releases of the desktop client that this server hands to its people: signed packages in a folder.

    releases/0.2.0/release.json                   version, notes, when, files
    releases/0.2.0/AlfaVoice_0.2.0_amd64.deb

A file's signature is made where the program is built (minisign's format, in base64, as Tauri's signer
writes it); the server has no key and cannot make one. Clients take nothing whose signature is wrong,
so a stranger who gets into this server still cannot run programs on people's computers.
"""

import base64
import binascii
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import structlog
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from service.problems import SetUpError

log = structlog.get_logger()

_VERSION: Final = r"(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})(-[0-9A-Za-z.-]{1,40})?"
"""Semantic Versioning 2.0.0, https://semver.org, without build metadata."""
_NAME: Final = r"[A-Za-z0-9][A-Za-z0-9._+~-]{0,119}"
_DESCRIPTION: Final = "release.json"
_PIECE: Final = 1024 * 1024
_SIGNATURE_BYTES: Final = 4096

Version = Annotated[str, Field(pattern=f"^{_VERSION}$", max_length=64)]
Word = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,20}$")]


class ReleaseFile(BaseModel):
    """A package for one kind of computer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: Word
    """`linux`, `windows`, `darwin`."""
    arch: Word
    """`x86_64`, `aarch64`."""
    bundle: Word
    """`deb`, `rpm`, `appimage`, `msi`, `nsis`, `app`."""
    name: Annotated[str, Field(pattern=f"^{_NAME}$")]
    size_bytes: Annotated[int, Field(ge=1)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    signature: Annotated[str, Field(max_length=_SIGNATURE_BYTES)]


class Release(BaseModel):
    """A version of the client."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Version
    notes: Annotated[str, Field(max_length=20_000)] = ""
    published_at: AwareDatetime
    files: tuple[ReleaseFile, ...] = ()

    def file_for(self, target: str, arch: str, bundle: str) -> ReleaseFile | None:
        """Give the package for one kind of computer."""
        kind = (target, arch, bundle)
        return next(
            (file for file in self.files if (file.target, file.arch, file.bundle) == kind), None
        )


class Releases:
    """The releases in a folder, which may be missing; read anew each time, so nothing is restarted for one."""

    def __init__(self, folder: Path) -> None:
        """Take the folder."""
        self._folder = folder

    def all(self) -> list[Release]:
        """Give all that can be read, newest version first."""
        return sorted(self._read(), key=lambda release: precedence(release.version), reverse=True)

    def newer(
        self, than: str, target: str, arch: str, bundle: str
    ) -> tuple[Release, ReleaseFile] | None:
        """Give the newest release for one kind of computer, if it is newer than `than`.

        A preview (`1.0.0-beta.1`) is only for those who have a preview.

        Raises:
            ValueError: `than` is no version.
        """
        mine = precedence(than)
        for release in self.all():
            if precedence(release.version) <= mine:
                return None
            file = release.file_for(target, arch, bundle)
            if file is not None and ("-" in than or "-" not in release.version):
                return release, file
        return None

    def path(self, version: str, name: str) -> Path | None:
        """Give the file of that name in that release; None if the release has none."""
        release = next((one for one in self._read() if one.version == version), None)
        if release is None or all(file.name != name for file in release.files):
            return None
        path = self._folder / version / name
        return path if path.is_file() else None

    def add(self, package: Path, file: "NewFile") -> Release:
        """Take a package in; another kind of the same version joins it.

        Raises:
            SetUpError: the package, its signature or its version cannot be used.
        """
        check_signature(file.signature)
        if not re.fullmatch(_VERSION, file.version) or not re.fullmatch(_NAME, package.name):
            raise SetUpError("setup.release", "The version or the file's name cannot be used.")
        folder = self._folder / file.version
        before = next((one for one in self._read() if one.version == file.version), None)
        others = [
            one
            for one in (before.files if before else ())
            if (one.target, one.arch, one.bundle) != (file.target, file.arch, file.bundle)
        ]
        if any(one.name == package.name for one in others):
            # Its signature would no longer be that of what is handed out.
            raise SetUpError("setup.release", "Another kind of this version has this file name.")
        folder.mkdir(parents=True, exist_ok=True)
        size, digest = _copied(package, folder / package.name)
        try:
            added = ReleaseFile(
                target=file.target,
                arch=file.arch,
                bundle=file.bundle,
                name=package.name,
                size_bytes=size,
                sha256=digest,
                signature=file.signature,
            )
            release = Release(
                version=file.version,
                notes=file.notes or (before.notes if before else ""),
                published_at=before.published_at if before else datetime.now(UTC),
                files=(*others, added),
            )
        except ValidationError as exc:
            raise SetUpError("setup.release", "The release cannot be described so.") from exc
        _written_whole(folder / _DESCRIPTION, release.model_dump_json(indent=2))
        return release

    def remove(self, version: str) -> bool:
        """Take a version away; False if there is none."""
        if not re.fullmatch(_VERSION, version) or not (self._folder / version).is_dir():
            return False
        shutil.rmtree(self._folder / version)
        return True

    def _read(self) -> Iterator[Release]:
        for path in self._folder.glob(f"*/{_DESCRIPTION}"):
            try:
                release = Release.model_validate(json.loads(path.read_bytes()))
            except (OSError, ValueError):
                log.warning("release_unreadable", release=path.parent.name)
                continue
            if release.version == path.parent.name:
                yield release


class NewFile(BaseModel):
    """What somebody says of a package they add."""

    model_config = ConfigDict(frozen=True)

    version: str
    target: str
    arch: str
    bundle: str
    signature: str
    notes: str = ""


def precedence(
    version: str,
) -> tuple[tuple[int, int, int], bool, tuple[tuple[bool, int, str], ...]]:
    """Give what versions are ordered by (Semantic Versioning 2.0.0, item 11).

    Raises:
        ValueError: it is no version.
    """
    found = re.fullmatch(_VERSION, version)
    if found is None:
        raise ValueError
    major, minor, patch, preview = found.groups()
    parts = tuple(
        (not part.isdigit(), int(part) if part.isdigit() else 0, part)
        for part in (preview or "")[1:].split(".")
        if part
    )
    return (int(major), int(minor), int(patch)), preview is None, parts


def check_signature(signature: str) -> None:
    """Look whether something is a signature at all; whether it is right only the client's key can say.

    Raises:
        SetUpError: it is not.
    """
    try:
        lines = base64.b64decode(signature, validate=True).decode().splitlines()
        raw = base64.b64decode(lines[1], validate=True)
    except (binascii.Error, UnicodeDecodeError, IndexError, ValueError) as exc:
        raise SetUpError("setup.release", "This is not a signature of Tauri's signer.") from exc
    # minisign: "ED" (prehashed) or "Ed", the key's number of 8 bytes, 64 bytes of Ed25519.
    if raw[:2] not in {b"ED", b"Ed"} or len(raw) != 2 + 8 + 64:
        raise SetUpError("setup.release", "This is not a signature of Tauri's signer.")


def _copied(source: Path, destination: Path) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    with tempfile.NamedTemporaryFile(dir=destination.parent, delete=False) as copy:
        with source.open("rb") as original:
            while piece := original.read(_PIECE):
                digest.update(piece)
                size += len(piece)
                copy.write(piece)
        copy.flush()
        os.fsync(copy.fileno())
    Path(copy.name).chmod(0o644)
    Path(copy.name).replace(destination)
    return size, digest.hexdigest()


def _written_whole(path: Path, text: str) -> None:
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as copy:
        copy.write(text)
        copy.flush()
        os.fsync(copy.fileno())
    Path(copy.name).chmod(0o644)
    Path(copy.name).replace(path)

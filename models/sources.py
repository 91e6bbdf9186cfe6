"""Where a model's files come from: installed packages, a local folder, or a hub (see `hub`).

A source first makes a plan, which files with which sizes and checksums, and then fetches them one
by one. It never decides whether a file is good; `staging` does.
"""

import importlib.metadata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final, Protocol

from models import manifest
from models.checksum import BLOCK_BYTES, Advance, sha256_of
from models.errors import ChecksumMismatch, PartMissing, WheelsNotInstalled

REQUIRED_FILES: Final = ("model.bin", "config.json", "tokenizer.json")
VOCABULARIES: Final = ("vocabulary.json", "vocabulary.txt")
"""CTranslate2 writes one or the other, by the version of its converter."""
OPTIONAL_FILES: Final = ("preprocessor_config.json",)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFile:
    """A file to fetch, with all that is known of it beforehand."""

    name: str
    size_bytes: int | None
    sha256: str | None
    """None: nobody vouches for it yet; what comes is recorded."""
    git_blob_sha1: str | None = None
    """What the hub says of a file outside LFS, where `sha256` is None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All files of the model from one source."""

    kind: str
    """`wheels`, `hub` or `folder`."""
    origin: str
    """Packages with versions, repository, or how a folder was recognised; never a path."""
    revision: str | None
    files: tuple[PlannedFile, ...]

    @property
    def total_bytes(self) -> int | None:
        """Sum of the sizes, when all are known."""
        sizes = [file.size_bytes for file in self.files]
        return None if None in sizes else sum(size for size in sizes if size)


class Source(Protocol):
    """A place that files of one model come from."""

    resumes: ClassVar[bool]
    """Whether `fetch` goes on from what is there; otherwise it starts over."""

    def plan(self) -> Plan:
        """Say what there is.

        Raises:
            SourceUnavailable: the source cannot be asked; another one may do.
            PartMissing: the source is there and a file of the model is not.
        """
        ...

    def fetch(self, file: PlannedFile, into: Path, advance: Advance) -> None:
        """Write a planned file to `into`, going on from what is there where that is possible.

        Raises:
            SourceUnavailable: it broke off; what has come is kept in `into`.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledPackages:
    """The model inside Python packages of this environment."""

    resumes: ClassVar[bool] = False

    model: str
    source: manifest.WheelSource

    def plan(self) -> Plan:
        """Find every part in the environment; reads none of them."""
        for package, version in self.source.packages.items():
            try:
                found = importlib.metadata.version(package)
            except importlib.metadata.PackageNotFoundError as exc:
                raise self._not_installed(package) from exc
            if found != version:
                raise self._not_installed(f"{package}=={version}")
        for file in self.source.files:
            for part in file.parts:
                self._locate(part)
        return Plan(
            kind="wheels",
            origin=", ".join(
                f"{name}=={version}" for name, version in self.source.packages.items()
            ),
            revision=None,
            files=tuple(
                PlannedFile(name=file.name, size_bytes=file.size_bytes, sha256=file.sha256)
                for file in self.source.files
            ),
        )

    def fetch(self, file: PlannedFile, into: Path, advance: Advance) -> None:
        """Join the parts of a file."""
        parts = next(each.parts for each in self.source.files if each.name == file.name)
        with into.open("wb") as target:
            for part in parts:
                with self._locate(part).open("rb") as content:
                    while block := content.read(BLOCK_BYTES):
                        target.write(block)
                        advance(len(block))

    def explain(self, file: str) -> ChecksumMismatch | None:
        """Name the part that spoils a joined file, if one does."""
        parts = next(each.parts for each in self.source.files if each.name == file)
        for part in parts:
            found = sha256_of(self._locate(part))
            if found != part.sha256:
                name = part.path.rsplit("/", 1)[-1]
                return ChecksumMismatch(self.model, name, expected=part.sha256, found=found)
        return None

    def _locate(self, part: manifest.Part) -> Path:
        path = Path(str(importlib.metadata.distribution(part.package).locate_file(part.path)))
        if not path.is_file():
            raise PartMissing(self.model, part.path.rsplit("/", 1)[-1])
        return path

    def _not_installed(self, package: str) -> WheelsNotInstalled:
        return WheelsNotInstalled(self.model, package=package, extra=self.source.extra)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalFolder:
    """The model in a folder the person names: a copy from another machine, a conversion.

    Where every source of the model pins its checksums, the folder's files must be those of one of
    them. Otherwise they are taken as they are and recorded.
    """

    resumes: ClassVar[bool] = False

    model: str
    folder: Path
    entry: manifest.ModelEntry | None
    """None: a model of the person's own, which the manifest does not know."""

    def plan(self) -> Plan:
        """Read every file once to recognise whose they are."""
        names = self._names_present()
        found = {name: sha256_of(self.folder / name) for name in names}
        expected = _pinned_listings(self.entry) if self.entry else []
        for origin, listing in expected:
            if all(found.get(name) == sha256 for name, sha256 in listing.items()):
                return self._plan_of(origin, tuple(listing), found)
        if self.entry is None or len(expected) < len(self.entry.sources):
            return self._plan_of("trusted on first use", names, found)
        raise self._nearest_difference(found, [listing for _, listing in expected])

    def fetch(self, file: PlannedFile, into: Path, advance: Advance) -> None:
        """Copy a file; the copy is checked against what `plan` read."""
        with (self.folder / file.name).open("rb") as content, into.open("wb") as target:
            while block := content.read(BLOCK_BYTES):
                target.write(block)
                advance(len(block))

    def _names_present(self) -> tuple[str, ...]:
        def is_here(name: str) -> bool:
            return (self.folder / name).is_file()

        for name in REQUIRED_FILES:
            if not is_here(name):
                raise PartMissing(self.model, name)
        if not any(map(is_here, VOCABULARIES)):
            raise PartMissing(self.model, VOCABULARIES[0])
        return tuple(filter(is_here, (*REQUIRED_FILES, *VOCABULARIES, *OPTIONAL_FILES)))

    def _plan_of(self, origin: str, names: Sequence[str], found: dict[str, str]) -> Plan:
        return Plan(
            kind="folder",
            origin=origin,
            revision=None,
            files=tuple(
                PlannedFile(
                    name=name,
                    size_bytes=(self.folder / name).stat().st_size,
                    sha256=found[name],
                )
                for name in names
            ),
        )

    def _nearest_difference(
        self, found: dict[str, str], listings: list[dict[str, str]]
    ) -> ChecksumMismatch | PartMissing:
        nearest = max(
            listings,
            key=lambda listing: sum(found.get(name) == sha for name, sha in listing.items()),
        )
        name, expected = next(
            (name, sha) for name, sha in nearest.items() if found.get(name) != sha
        )
        if name not in found:
            return PartMissing(self.model, name)
        return ChecksumMismatch(self.model, name, expected=expected, found=found[name])


def _pinned_listings(entry: manifest.ModelEntry) -> list[tuple[str, dict[str, str]]]:
    """Give name → SHA-256 for each source of the model that knows all of its checksums."""
    listings = []
    for source in entry.sources:
        listing = {file.name: file.sha256 for file in source.files if file.sha256}
        if len(listing) == len(source.files):
            origin = source.extra if source.kind == "wheels" else source.repository
            listings.append((f"same files as {origin}", listing))
    return listings

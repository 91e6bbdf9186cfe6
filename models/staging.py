"""The folder where a pull gathers files until all of them are good.

Each file grows as `NAME.partial`, is checked, and only then gets its name; a pull that was
interrupted, even by a power cut, finds what is good there and fetches the rest.
"""

import errno
import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from models.checksum import Advance, git_blob_sha1_of, sha256_of
from models.errors import ChecksumMismatch, FolderUnwritable, NoSpace
from models.installation import InstalledFile, sync_folder
from models.progress import Meter, Progress
from models.sources import InstalledPackages, Plan, PlannedFile, Source

MARGIN_BYTES: Final = 64 << 20
"""Left free beyond the model itself, so that the database and the logs go on."""

FreeBytes = Callable[[Path], int]


def free_bytes_of_disk(folder: Path) -> int:
    """Ask the file system how much an ordinary user may still write there."""
    return shutil.disk_usage(folder).free


@dataclass(frozen=True, slots=True, kw_only=True)
class Staging:
    """Gathers the files of one model from one source."""

    model: str
    root: Path
    free_bytes: FreeBytes = free_bytes_of_disk

    def gather(
        self, source: Source, plan: Plan, progress: Progress | None
    ) -> tuple[Path, tuple[InstalledFile, ...]]:
        """Fetch and check every planned file.

        Returns:
            The folder that holds exactly these files, and what they are.

        Raises:
            NoSpace: the disk has too little room; nothing was fetched, or what was is kept.
            ChecksumMismatch: a file is not the planned one; it was thrown away.
            SourceUnavailable: the source broke off; what has come is kept.
        """
        folder = self.root / _fingerprint(plan)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            done = self._check_space_and_find_done(folder, plan, source)
            fetching = Meter(
                progress, phase="fetching", source=plan.kind, total_bytes=plan.total_bytes
            )
            verifying = Meter(
                progress, phase="verifying", source=plan.kind, total_bytes=plan.total_bytes
            )
            files = []
            for file in plan.files:
                fetching.file = verifying.file = file.name
                if file.name in done:
                    fetching.advance(done[file.name].size_bytes)
                    verifying.advance(done[file.name].size_bytes)
                    files.append(done[file.name])
                else:
                    files.append(self._fetch_and_check(source, file, folder, fetching, verifying))
            sync_folder(folder)
        except OSError as exc:
            raise self._explain(exc, plan) from exc
        return folder, tuple(files)

    def _fetch_and_check(
        self, source: Source, file: PlannedFile, folder: Path, fetching: Meter, verifying: Meter
    ) -> InstalledFile:
        partial = folder / f"{file.name}.partial"
        went_on = source.resumes and partial.exists()
        if went_on:
            fetching.advance(partial.stat().st_size)
        while True:
            try:
                source.fetch(file, partial, fetching.advance)
            except ChecksumMismatch:
                if partial.exists() and not partial.stat().st_size:
                    partial.unlink()
                raise
            try:
                good = self._check(file, partial, verifying.advance)
            except ChecksumMismatch as exc:
                fetching.advance(-partial.stat().st_size)
                partial.unlink()
                if went_on:  # what lay there may be the damage: once more, from the start
                    went_on = False
                    continue
                if isinstance(source, InstalledPackages):
                    raise source.explain(file.name) or exc from exc
                raise
            with partial.open("rb") as written:
                os.fsync(written.fileno())
            partial.replace(folder / file.name)
            return good

    def _check(self, file: PlannedFile, path: Path, advance: Advance | None) -> InstalledFile:
        size = path.stat().st_size
        if file.size_bytes is not None and size != file.size_bytes:
            raise ChecksumMismatch(
                self.model, file.name, expected=f"{file.size_bytes} bytes", found=f"{size} bytes"
            )
        if file.git_blob_sha1 and (found := git_blob_sha1_of(path)) != file.git_blob_sha1:
            raise ChecksumMismatch(self.model, file.name, expected=file.git_blob_sha1, found=found)
        sha256 = sha256_of(path, advance)
        if file.sha256 and sha256 != file.sha256:
            raise ChecksumMismatch(self.model, file.name, expected=file.sha256, found=sha256)
        return InstalledFile(name=file.name, size_bytes=size, sha256=sha256)

    def _check_space_and_find_done(
        self, folder: Path, plan: Plan, source: Source
    ) -> dict[str, InstalledFile]:
        """Find the files an earlier pull finished, and make sure that the others have room."""
        done: dict[str, InstalledFile] = {}
        missing_bytes = 0
        for file in plan.files:
            path = folder / file.name
            partial = folder / f"{file.name}.partial"
            if path.exists():
                try:
                    done[file.name] = self._check(file, path, None)
                except ChecksumMismatch:
                    path.unlink()
                else:
                    continue
            if partial.exists() and not source.resumes:
                partial.unlink()
            have = partial.stat().st_size if partial.exists() else 0
            missing_bytes += max(0, (file.size_bytes or 0) - have)
        free = self.free_bytes(folder)
        if missing_bytes and free < missing_bytes + MARGIN_BYTES:
            raise NoSpace(self.model, needed_bytes=missing_bytes + MARGIN_BYTES, free_bytes=free)
        return done

    def _explain(self, exc: OSError, plan: Plan) -> NoSpace | FolderUnwritable:
        if exc.errno in (errno.ENOSPC, errno.EDQUOT):
            try:
                free = self.free_bytes(self.root)
            except OSError:
                free = 0
            return NoSpace(self.model, needed_bytes=plan.total_bytes or 0, free_bytes=free)
        return FolderUnwritable(exc.strerror or type(exc).__name__)


def _fingerprint(plan: Plan) -> str:
    """Name a plan by its content: what two mirrors share goes on, what differs never meets."""
    lines = [f"{file.name} {file.sha256 or file.git_blob_sha1 or ''}" for file in plan.files]
    if any(line.endswith(" ") for line in lines):
        lines += [plan.origin, plan.revision or ""]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]

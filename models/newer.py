"""Whether the manifest that came with this version of AlfaVoice has another version of an installed model."""

import hashlib

from models.installation import InstalledModel, sha256_by_name
from models.manifest import ModelEntry, Source


def newer_version(entry: ModelEntry | None, model: InstalledModel | None) -> str | None:
    """Name the version a pull would install instead, as 12 digits like a generation's; None: there is none.

    A model of a person's own folder and a repository that is not pinned have no versions to compare.
    """
    if entry is None or model is None or model.record.source == "folder":
        return None
    known = [files for source in entry.sources if (files := _checksums(source))]
    installed = sha256_by_name(model.record.files)
    if not known or any(_is_installed(files, installed) for files in known):
        return None
    needed = [sha256 for sha256, optional in known[0].values() if not optional]
    return hashlib.sha256("".join(sorted(needed)).encode()).hexdigest()[:12]


def _checksums(source: Source) -> dict[str, tuple[str, bool]]:
    """SHA-256 and whether it may be missing, by name; empty where not all are known."""
    files: dict[str, tuple[str, bool]] = {}
    for file in source.files:
        if file.sha256 is None:
            return {}
        files[file.name] = (file.sha256, getattr(file, "optional", False))
    return files


def _is_installed(files: dict[str, tuple[str, bool]], installed: dict[str, str]) -> bool:
    return all(
        installed.get(name) == sha256 or (optional and name not in installed)
        for name, (sha256, optional) in files.items()
    )

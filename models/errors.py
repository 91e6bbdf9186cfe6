"""Errors of the models, each with a stable code.

ModelError
├── UnknownModel          model.unknown             caller: no such name in the manifest
├── InvalidName           model.invalid_name        caller: not a name a model can have
├── NotInstalled          model.not_installed       caller: pull it first
├── UnknownSource         model.unknown_source      caller: the model has no such source
├── PartMissing           model.part_missing        a file of the model is not there
├── ChecksumMismatch      model.checksum_mismatch   a file is there and is not what it should be
├── NoSpace               model.no_space            the disk has no room
├── FolderUnwritable      model.folder_unwritable   the models folder cannot be written
├── ModelBusy             model.busy                try later: another process installs it
├── ConverterMissing      model.converter_missing   `convert` needs packages that are not installed
├── ConversionFailed      model.conversion_failed   those weights cannot be converted
└── SourceUnavailable                               this source cannot give it; another one may
    ├── WheelsNotInstalled  model.wheels_not_installed
    ├── HubUnreachable      model.no_network
    ├── HubOffline          model.offline
    ├── HubRefused          model.source_refused
    ├── DownloadInterrupted model.download_interrupted
    └── NoSource            model.no_source         every source was tried

`details` are the values a translated message needs; none is ever a path of the host.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar


class ModelError(Exception):
    """Root of everything this package raises on purpose."""

    code: ClassVar[str] = "model.failed"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, **details: str | int) -> None:
        super().__init__(message)
        self.details: Mapping[str, str | int] = details


class UnknownModel(ModelError):
    """No model of that name is in the manifest or installed."""

    code = "model.unknown"

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(
            f"there is no model {name!r}; known are {', '.join(known)}",
            name=name,
            known=", ".join(known),
        )


class InvalidName(ModelError):
    """The name has characters that a model's folder must not have."""

    code = "model.invalid_name"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name!r} cannot be a model's name: use lower-case Latin letters, digits, dots, "
            "dashes and underscores, at most 64",
            name=name,
        )


class NotInstalled(ModelError):
    """The model is known and its files are not here."""

    code = "model.not_installed"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"model {name} is not installed; run `alfavoice models pull {name}`", name=name
        )


class UnknownSource(ModelError):
    """The manifest gives this model no source of the kind asked for."""

    code = "model.unknown_source"

    def __init__(self, name: str, source: str, known: Sequence[str]) -> None:
        super().__init__(
            f"model {name} has no source {source!r}; it has {', '.join(known)}",
            name=name,
            source=source,
            known=", ".join(known),
        )


class PartMissing(ModelError):
    """A file the model needs is not where it should be."""

    code = "model.part_missing"

    def __init__(self, name: str, file: str) -> None:
        super().__init__(
            f"{file} of model {name} is missing; pull the model again", name=name, file=file
        )


class ChecksumMismatch(ModelError):
    """A file's size or SHA-256 is not the expected one; it is not used."""

    code = "model.checksum_mismatch"

    def __init__(self, name: str, file: str, *, expected: str, found: str) -> None:
        super().__init__(
            f"{file} of model {name} is damaged or replaced: expected {expected}, found {found}; "
            "pull the model again, and if that does not help choose another source",
            name=name,
            file=file,
            expected=expected,
            found=found,
        )


class NoSpace(ModelError):
    """The disk of the models folder has too little room."""

    code = "model.no_space"
    retryable = True

    def __init__(self, name: str, *, needed_bytes: int, free_bytes: int) -> None:
        super().__init__(
            f"model {name} needs {needed_bytes} bytes and the disk has {free_bytes}; free some space",
            name=name,
            needed_bytes=needed_bytes,
            free_bytes=free_bytes,
            needed_mb=-(-needed_bytes // 1_000_000),
            free_mb=free_bytes // 1_000_000,
        )


class FolderUnwritable(ModelError):
    """The models folder, or something in it, cannot be written."""

    code = "model.folder_unwritable"

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"the models folder cannot be written ({reason}); check its owner and rights, "
            "or choose another data folder",
            reason=reason,
        )


class ModelBusy(ModelError):
    """Another process holds this model's lock and did not finish in time."""

    code = "model.busy"
    retryable = True

    def __init__(self, name: str) -> None:
        super().__init__(
            f"another process is installing model {name}; wait for it and try again", name=name
        )


class ModelInUse(ModelError):
    """The model in use cannot be taken away."""

    code = "model.in_use"

    def __init__(self, name: str) -> None:
        super().__init__(f"model {name} is in use; choose another one first", name=name)


class ConverterMissing(ModelError):
    """Conversion needs transformers and torch, which are not part of AlfaVoice."""

    code = "model.converter_missing"

    def __init__(self, package: str) -> None:
        super().__init__(
            f"converting needs the package {package}; run `uv pip install transformers torch`",
            package=package,
        )


class ConversionFailed(ModelError):
    """The weights are not a Whisper model that CTranslate2 can convert."""

    code = "model.conversion_failed"

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"model {name} cannot be converted: {reason}", name=name, reason=reason)


class SourceUnavailable(ModelError):
    """One source cannot give the model now; the next one is tried."""

    retryable = True


class WheelsNotInstalled(SourceUnavailable):
    """The Python packages that carry the model are not in this environment."""

    code = "model.wheels_not_installed"
    retryable = False

    def __init__(self, name: str, *, package: str, extra: str) -> None:
        super().__init__(
            f"package {package} with model {name} is not installed; run `uv sync --extra {extra}`",
            name=name,
            package=package,
            extra=extra,
        )


class HubUnreachable(SourceUnavailable):
    """The model hub does not answer."""

    code = "model.no_network"

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(
            f"{host} does not answer ({reason}); check the network, or pull from a folder "
            "with --from",
            host=host,
            reason=reason,
        )


class HubOffline(SourceUnavailable):
    """The person told the machine to stay offline, so the hub was not asked."""

    code = "model.offline"
    retryable = False

    def __init__(self, host: str) -> None:
        super().__init__(
            f"{host} was not asked because HF_HUB_OFFLINE is set; unset it, or pull from a folder "
            "with --from",
            host=host,
        )


class HubRefused(SourceUnavailable):
    """The hub answered, and not with the file."""

    code = "model.source_refused"
    retryable = False

    def __init__(self, repository: str, status: int) -> None:
        super().__init__(
            f"the hub answered {status} for {repository}: the repository or revision is gone, "
            "closed or renamed; pull from a folder with --from",
            repository=repository,
            status=status,
        )


class DownloadInterrupted(SourceUnavailable):
    """The connection broke several times; what has come so far is kept."""

    code = "model.download_interrupted"

    def __init__(self, file: str, *, done_bytes: int) -> None:
        super().__init__(
            f"the download of {file} broke off after {done_bytes} bytes; pull again to go on "
            "from there",
            file=file,
            done_bytes=done_bytes,
            done_mb=done_bytes // 1_000_000,
        )


class NoSource(SourceUnavailable):
    """Every source of the model was tried and none could give it."""

    code = "model.no_source"

    def __init__(self, name: str, failures: Sequence[SourceUnavailable]) -> None:
        reasons = "; ".join(str(failure) for failure in failures)
        super().__init__(
            f"no source could give model {name}: {reasons}", name=name, reasons=reasons
        )
        self.failures = tuple(failures)

"""The manifest: every model AlfaVoice knows and where its files come from.

`manifest.json` is read as data from outside and checked here. A file without `sha256` is trusted
on first use: the hub says at the first pull what it is, that is recorded, and from then on every
pull and every check is held to the record.
"""

from importlib.resources import files
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
"""A model's name; also the name of its folder, so nothing that could leave it."""
FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Repository = Annotated[str, StringConstraints(pattern=r"^[\w.-]+/[\w.-]+$")]
Commit = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]


class Checked(BaseModel):
    """What all parts of the manifest share: nothing unknown in it, nothing changed later."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Part(Checked):
    """A file inside an installed package that is (a piece of) a file of the model."""

    package: str
    path: str
    """Inside site-packages, as the package's RECORD has it."""
    size_bytes: int = Field(gt=0)
    sha256: Sha256


class WheelFile(Checked):
    """A file of the model, joined from its parts in order."""

    name: FileName
    size_bytes: int = Field(gt=0)
    sha256: Sha256
    parts: tuple[Part, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _parts_make_the_whole(self) -> "WheelFile":
        if sum(part.size_bytes for part in self.parts) != self.size_bytes:
            raise ValueError(f"the parts of {self.name} do not add up to its size")
        return self


class WheelSource(Checked):
    """Packages from PyPI that carry the model; they must be installed already."""

    kind: Literal["wheels"]
    extra: str
    """The extra of AlfaVoice that installs them."""
    packages: dict[str, str]
    """Exact version by package name."""
    files: tuple[WheelFile, ...]


class HubFile(Checked):
    """A file of a hub repository."""

    name: FileName
    size_bytes: int | None = Field(default=None, gt=0)
    sha256: Sha256 | None = None
    """None: trusted on first use."""
    optional: bool = False
    """Not every conversion has it."""


class HubSource(Checked):
    """A repository on a hub that speaks the Hugging Face protocol."""

    kind: Literal["hub"]
    repository: Repository
    revision: Literal["main"] | Commit
    pinned: bool
    """Whether `revision` is a commit: then every file's SHA-256 is known too."""
    files: tuple[HubFile, ...]

    @model_validator(mode="after")
    def _pinned_means_known(self) -> "HubSource":
        if self.pinned == (self.revision == "main"):
            raise ValueError(f"{self.repository}: a revision is pinned exactly when it is a commit")
        if self.pinned and any(f.sha256 is None or f.size_bytes is None for f in self.files):
            raise ValueError(f"{self.repository}: a pinned revision names every size and SHA-256")
        return self


Source = Annotated[WheelSource | HubSource, Field(discriminator="kind")]


class Bilingual(Checked):
    """A sentence for people, in Russian and in English."""

    ru: str
    en: str


class ModelEntry(Checked):
    """One model that can be pulled."""

    name: Name
    family: Literal["whisper-ctranslate2"]
    description: Bilingual
    recommended_for: Bilingual
    languages: tuple[str, ...] = Field(min_length=1)
    """ISO 639-1 codes; `*`: all that Whisper knows."""
    parameters: int = Field(gt=0)
    licence: str
    """SPDX identifier of the weights."""
    sources: tuple[Source, ...] = Field(min_length=1)
    """Tried in order."""

    @property
    def download_bytes(self) -> int | None:
        """Bytes of the first source's files; None where the hub alone knows."""
        sizes = [file.size_bytes for file in self.sources[0].files]
        return None if None in sizes else sum(size for size in sizes if size)


class LabelMap(Checked):
    """Public punctuation checkpoints that share one set of labels, and what these mean.

    A label is a case, an underscore and a mark: UPPER_TOTAL_COMMA.
    """

    repositories: tuple[Repository, ...] = Field(min_length=1)
    description: Bilingual
    languages: tuple[str, ...] = Field(min_length=1)
    licence: str
    """SPDX identifier of the weights."""
    read: Literal["first", "last"]
    """The piece of a word that carries its label."""
    tokenizer: dict[str, bool] = {}
    """What the tokenizer has to be told, as the checkpoint's own page says."""
    cases: dict[str, Literal["lower", "title", "upper"]] = Field(min_length=1)
    marks: dict[str, Literal["", ",", ".", "?", "!", ":", "—", "…", ";"]] = Field(min_length=1)
    order: tuple[str, ...] = ()
    """Labels by row of the output where the checkpoint does not name them; "": means nothing."""


class Manifest(Checked):
    """All models."""

    version: Literal[1]
    models: tuple[ModelEntry, ...]
    punctuation: tuple[LabelMap, ...] = ()
    """Checkpoints that may take the place of the punctuation model that ships."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> "Manifest":
        if len({entry.name for entry in self.models}) != len(self.models):
            raise ValueError("two models have one name")
        return self

    def find(self, name: str) -> ModelEntry | None:
        """Give the model of that name, if there is one."""
        return next((entry for entry in self.models if entry.name == name), None)

    @property
    def names(self) -> tuple[str, ...]:
        """All names, in the manifest's order: from the smallest model up."""
        return tuple(entry.name for entry in self.models)


def bundled_manifest() -> Manifest:
    """Read and check the manifest that comes with AlfaVoice."""
    content = files("models").joinpath("manifest.json").read_bytes()
    return Manifest.model_validate_json(content)

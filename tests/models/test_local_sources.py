"""Models from installed packages and from folders."""

import hashlib
from pathlib import Path

import ctranslate2
import pytest

from models.errors import (
    ChecksumMismatch,
    InvalidName,
    PartMissing,
    SourceUnavailable,
    UnknownModel,
    WheelsNotInstalled,
)
from models.hub import HubAccess
from models.registry import ModelRegistry
from tests.models.conftest import (
    COMMIT,
    entry,
    flip_a_byte,
    manifest_of,
    pinned,
    unpinned,
    write_files,
)
from tests.models.hub_server import Hub
from tests.whisper_base import whisper_base_folder

Files = dict[str, bytes]


@pytest.mark.model
class TestWhisperBase:
    def test_the_packages_of_this_environment_give_a_model_that_loads(self, tmp_path: Path) -> None:
        whisper_base_folder()  # skips where the packages are not installed
        registry = ModelRegistry(tmp_path / "models", hub=HubAccess(offline=True))

        registry.pull("base")
        registry.use("base")

        active = registry.active()
        assert active is not None
        assert active.record.source == "wheels"
        whisper = ctranslate2.models.Whisper(str(active.path), device="cpu", compute_type="int8")
        assert whisper.is_multilingual

    def test_the_folder_for_tests_is_always_whole(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # the shared one is in use by others
        flip_a_byte(whisper_base_folder() / "config.json")

        healed = whisper_base_folder() / "config.json"

        assert hashlib.sha256(healed.read_bytes()).hexdigest().startswith("56a6d8110d31")

    def test_a_folder_with_the_same_files_is_recognised(self, tmp_path: Path) -> None:
        registry = ModelRegistry(tmp_path / "models", hub=HubAccess(offline=True))

        model = registry.pull("base", folder=whisper_base_folder())

        assert model.record.source == "folder"
        assert model.record.origin == "same files as whisper-base"


class TestPackages:
    @pytest.fixture
    def site(self, tmp_path: Path, files: Files, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Two packages as pip installs them: half of model.bin in one, the rest in the other."""
        site = tmp_path / "site"
        half = len(files["model.bin"]) // 2
        small = {name: content for name, content in files.items() if name != "model.bin"}
        write_files(site / "alfa_trial_1" / "data", {"model.bin.part1": files["model.bin"][:half]})
        write_files(
            site / "alfa_trial_2" / "data", {"model.bin.part2": files["model.bin"][half:], **small}
        )
        for number in (1, 2):
            metadata = f"Metadata-Version: 2.1\nName: alfa-trial-{number}\nVersion: 1.0.0\n"
            write_files(
                site / f"alfa_trial_{number}-1.0.0.dist-info", {"METADATA": metadata.encode()}
            )
        monkeypatch.syspath_prepend(site)
        return site

    @pytest.fixture
    def wheels(self, files: Files) -> dict[str, object]:
        half = len(files["model.bin"]) // 2
        places = {
            "model.bin": [
                (1, "model.bin.part1", slice(0, half)),
                (2, "model.bin.part2", slice(half, None)),
            ]
        }
        return {
            "kind": "wheels",
            "extra": "trial",
            "packages": {"alfa-trial-1": "1.0.0", "alfa-trial-2": "1.0.0"},
            "files": [
                {
                    "name": name,
                    "size_bytes": len(content),
                    "sha256": hashlib.sha256(content).hexdigest(),
                    "parts": [
                        {
                            "package": f"alfa-trial-{number}",
                            "path": f"alfa_trial_{number}/data/{part}",
                            "size_bytes": len(content[piece]),
                            "sha256": hashlib.sha256(content[piece]).hexdigest(),
                        }
                        for number, part, piece in places.get(name, [(2, name, slice(None))])
                    ],
                }
                for name, content in files.items()
            ],
        }

    @pytest.fixture
    def registry(
        self, tmp_path: Path, wheels: dict[str, object], files: Files, access: HubAccess
    ) -> ModelRegistry:
        manifest = manifest_of(entry("base", wheels, pinned(files)))
        return ModelRegistry(tmp_path / "models", manifest, hub=access)

    def test_parts_are_joined(self, site: Path, registry: ModelRegistry, files: Files) -> None:
        folder = registry.pull("base").path

        assert {path.name: path.read_bytes() for path in folder.iterdir()} == files

    def test_a_missing_part_is_named(self, site: Path, registry: ModelRegistry, hub: Hub) -> None:
        (site / "alfa_trial_2/data/model.bin.part2").unlink()

        with pytest.raises(PartMissing) as failure:
            registry.pull("base")

        assert failure.value.details["file"] == "model.bin.part2"
        assert hub.requests == []

    def test_a_damaged_part_is_named_and_no_other_source_papers_over_it(
        self, site: Path, registry: ModelRegistry, hub: Hub, files: Files
    ) -> None:
        hub.publish(COMMIT, files)
        flip_a_byte(site / "alfa_trial_1/data/model.bin.part1")

        with pytest.raises(ChecksumMismatch) as failure:
            registry.pull("base")

        assert failure.value.details["file"] == "model.bin.part1"
        assert registry.installed("base") is None
        assert registry.pull("base", source="hub").record.source == "hub"

    def test_without_the_packages_the_hub_is_tried(
        self, registry: ModelRegistry, hub: Hub, files: Files
    ) -> None:
        hub.publish(COMMIT, files)

        assert registry.pull("base").record.source == "hub"

    def test_without_packages_and_hub_the_error_says_what_to_install(
        self, registry: ModelRegistry
    ) -> None:
        with pytest.raises(WheelsNotInstalled, match="uv sync --extra trial"):
            registry.pull("base", source="wheels")
        with pytest.raises(SourceUnavailable, match="uv sync --extra trial"):
            registry.pull("base")

    def test_another_version_of_a_package_does_not_count(
        self, site: Path, registry: ModelRegistry
    ) -> None:
        old = site / "alfa_trial_1-1.0.0.dist-info"
        old.rename(site / "alfa_trial_1-1.1.0.dist-info")
        metadata = site / "alfa_trial_1-1.1.0.dist-info/METADATA"
        metadata.write_text(metadata.read_text().replace("1.0.0", "1.1.0"))

        with pytest.raises(WheelsNotInstalled) as failure:
            registry.pull("base", source="wheels")

        assert failure.value.details["package"] == "alfa-trial-1==1.0.0"


class TestFolders:
    @pytest.fixture
    def registry(self, tmp_path: Path, files: Files) -> ModelRegistry:
        manifest = manifest_of(
            entry("first", pinned(files)), entry("loose", unpinned(tuple(files)))
        )
        return ModelRegistry(tmp_path / "models", manifest, hub=HubAccess(offline=True))

    def test_the_files_are_copied_and_the_folder_is_left_alone(
        self, registry: ModelRegistry, tmp_path: Path, files: Files
    ) -> None:
        folder = write_files(tmp_path / "stick", files | {"README.md": b"not of the model"})

        model = registry.pull("first", folder=folder)

        assert {path.name: path.read_bytes() for path in model.path.iterdir()} == files
        assert len(list(folder.iterdir())) == len(files) + 1
        flip_a_byte(folder / "model.bin")
        registry.verify("first")

    def test_a_file_that_is_not_of_that_model_is_named(
        self, registry: ModelRegistry, tmp_path: Path, files: Files
    ) -> None:
        folder = write_files(tmp_path / "stick", files)
        flip_a_byte(folder / "tokenizer.json")

        with pytest.raises(ChecksumMismatch) as failure:
            registry.pull("first", folder=folder)

        assert failure.value.details["file"] == "tokenizer.json"

    @pytest.mark.parametrize("file", ["model.bin", "tokenizer.json", "vocabulary.json"])
    def test_a_missing_file_is_named(
        self, registry: ModelRegistry, tmp_path: Path, files: Files, file: str
    ) -> None:
        folder = write_files(tmp_path / "stick", files)
        (folder / file).unlink()

        with pytest.raises(PartMissing) as failure:
            registry.pull("first", folder=folder)

        assert failure.value.details["file"] == file

    def test_where_no_checksum_is_known_the_folder_is_trusted_and_then_held_to_it(
        self, registry: ModelRegistry, tmp_path: Path, files: Files
    ) -> None:
        model = registry.pull("loose", folder=write_files(tmp_path / "stick", files))

        assert model.record.origin == "trusted on first use"
        flip_a_byte(model.path / "model.bin")
        with pytest.raises(ChecksumMismatch):
            registry.verify("loose")

    def test_a_model_of_ones_own_gets_a_name_and_works_like_any_other(
        self, registry: ModelRegistry, tmp_path: Path, files: Files
    ) -> None:
        folder = write_files(tmp_path / "stick", files)

        registry.pull("our-team", folder=folder)
        registry.use("our-team")

        assert registry.list()[-1].name == "our-team"
        assert registry.list()[-1].active
        assert registry.pull("our-team").name == "our-team"
        with pytest.raises(InvalidName):
            registry.pull("Our Team/..", folder=folder)
        with pytest.raises(UnknownModel):
            registry.pull("their-team")

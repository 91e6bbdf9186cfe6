"""The client itself, on a desktop without a screen, before a real server."""

import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desktop.display import Desktop, desktop
from tests.desktop.programs import missing
from tests.storage.fixtures import database_url, new_data_folder, postgres_dsn
from tests.voice import voice

__all__ = ["database_url", "new_data_folder", "postgres_dsn"]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desktop]:
    """A desktop with everything."""
    if absent := missing():
        pytest.skip(f"needs {', '.join(absent)} (.ci/apt-install installs them in CI)")
    with desktop(tmp_path) as started:
        yield started


@pytest.fixture
def spoken(tmp_path: Path) -> Path:
    """Two seconds of babble, as a WAV file: speech to the server, whatever it says."""
    path = tmp_path / "babble.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(voice(2000))
    return path

"""The client itself, on a desktop without a screen, before a real server."""

import socket
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desktop.client import program
from tests.desktop.display import Desktop, desktop
from tests.desktop.programs import missing
from tests.desktop.serving import serving
from tests.storage.fixtures import database_url, new_data_folder, postgres_dsn
from tests.voice import voice

__all__ = ["database_url", "new_data_folder", "postgres_dsn"]


@pytest.fixture(scope="session")
def built() -> Path:
    """The client's program, or nothing that needs it is tried."""
    return program()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desktop]:
    """A desktop with everything."""
    if absent := missing():
        pytest.skip(f"needs {', '.join(absent)} (.ci/apt-install installs them in CI)")
    with desktop(tmp_path) as started:
        yield started


@pytest.fixture
def desk_without_keychain(tmp_path: Path) -> Iterator[Desktop]:
    """A desktop on which nobody keeps secrets."""
    if absent := missing():
        pytest.skip(f"needs {', '.join(absent)} (.ci/apt-install installs them in CI)")
    with desktop(tmp_path, keychain=False) as started:
        yield started


@pytest.fixture
def port() -> int:
    """A port on which nobody answers yet."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def server(database_url: str, new_data_folder: Path) -> Iterator[int]:
    """The port of a real server whose engine writes a sentence for whatever it hears."""
    with serving(new_data_folder, database_url, script={}) as port:
        yield port


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

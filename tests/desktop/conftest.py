"""The client itself, on a desktop without a screen, before a real server."""

import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desktop.display import Desktop, desktop
from tests.desktop.programs import missing


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desktop]:
    """A desktop with everything."""
    if absent := missing():
        pytest.skip(f"needs {', '.join(absent)} (.ci/apt-install installs them in CI)")
    with desktop(tmp_path) as started:
        yield started


@pytest.fixture
def spoken(tmp_path: Path) -> Path:
    """Half a second of a tone, as a WAV file: for tests in which what is said does not matter."""
    path = tmp_path / "tone.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        period = b"".join(
            (8000 * (1 if step < 20 else -1)).to_bytes(2, "little", signed=True)
            for step in range(40)
        )
        file.writeframes(period * 200)
    return path

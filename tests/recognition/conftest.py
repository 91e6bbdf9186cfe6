import csv
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.recognition.small_whisper import CONTROL, Small, small_whisper
from tests.recognition.windows import Spoken
from tests.whisper_base import whisper_base_folder
from workers.recognition.converted import read_model
from workers.recognition.decoder_network import DecoderNetwork
from workers.recognition.whisper import WhisperEngine


@pytest.fixture(scope="session")
def engine() -> WhisperEngine:
    return WhisperEngine.load(
        whisper_base_folder(), device="cpu", compute_type="auto", lanes=2, beam=1
    )


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    return small_whisper(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="session")
def network(small: Small) -> DecoderNetwork:
    return DecoderNetwork(read_model(small.folder / "model.bin"), CONTROL)


@pytest.fixture(scope="session")
def recordings() -> Path:
    named = os.environ.get("ALFAVOICE_SHARED")
    folder = Path(named) if named else Path(__file__).resolve().parents[3] / "shared"
    if not (folder / "speech_ru").is_dir():
        pytest.skip(f"NO RECORDINGS in {folder}: set ALFAVOICE_SHARED")
    return folder


@pytest.fixture
def clip(recordings: Path) -> Callable[[str], np.ndarray]:
    """Read one recording by its path under the folder of recordings."""

    def read(name: str) -> np.ndarray:
        samples, rate = soundfile.read(recordings / name, dtype="float32")
        assert rate == 16_000
        return samples[: 30 * rate]

    return read


@pytest.fixture(scope="session")
def referenced(recordings: Path) -> list[Spoken]:
    """Every referenced clip of at most 30 s."""
    found = []
    for language in ("ru", "en"):
        base = recordings / f"speech_{language}"
        with (base / "transcripts.tsv").open(encoding="utf-8", newline="") as table:
            for row in csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE):
                samples, _ = soundfile.read(base / row["file"], dtype="float32")
                if len(samples) <= 480_000:
                    found.append(Spoken(row["file"], language, row["text"], samples))
    return found

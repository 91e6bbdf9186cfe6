"""What an engine process is told by its environment has to arrive before its libraries read it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.whisper_base import whisper_base_folder

LOAD = """
import sys
from pathlib import Path
from workers.engines import EngineOptions, load
load(EngineOptions(engine="whisper", device="cpu", lanes=2, model_dir=Path(sys.argv[1])))
"""


@pytest.mark.model
@pytest.mark.timeout(300)
@pytest.mark.skipif(sys.platform != "linux", reason="asks GNU's OpenMP library")
def test_threads_of_the_encoder_sleep_when_they_have_nothing_to_do() -> None:
    told = {
        key: value for key, value in os.environ.items() if not key.startswith(("OMP_", "GOMP_"))
    }
    ended = subprocess.run(
        [sys.executable, "-c", LOAD, str(whisper_base_folder())],
        env={**told, "OMP_DISPLAY_ENV": "verbose"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
    )
    assert "OMP_WAIT_POLICY = 'PASSIVE'" in ended.stderr
    assert "GOMP_SPINCOUNT = '0'" in ended.stderr

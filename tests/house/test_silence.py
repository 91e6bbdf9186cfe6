"""Libraries report nothing to their makers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_SPEECH = "from service.dictation.detection import SileroModel; SileroModel()"
_DECODER = "import workers.recognition.decoder_network as d; d.SessionOptions()"


@pytest.mark.parametrize("program", [_SPEECH, _DECODER])
def test_the_onnx_runtime_leaves_no_trace_of_its_telemetry(program: str, tmp_path: Path) -> None:
    free = {k: v for k, v in os.environ.items() if k not in ("ORT_DISABLE_TELEMETRY", "HOME")}
    caches = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    subprocess.run([sys.executable, "-c", program], env=free | caches, check=True, timeout=120)
    assert not [path for path in tmp_path.rglob("*") if "icrosoft" in str(path)]

"""Silero VAD: the probability of speech in each 32 ms frame, its state kept between calls.

The model is the one faster-whisper ships (`silero_vad_v6.onnx`, MIT): an LSTM over frames of 512
samples that also sees the 64 samples before them. Keeping state and context between calls gives
the same probabilities as one run over the whole audio (measured difference: 0.0), and several
frames a call cost two thirds of one frame a call (58 against 90 µs, performance measurements).
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import onnxruntime

from service.dictation.endpointing import FRAME_SAMPLES
from service.problems import SetUpError
from workers.contract.audio import Samples

CONTEXT_SAMPLES: Final = 64
"""Samples of the frame before that the model is given again (Silero VAD, 16 kHz)."""


class SileroModel:
    """The network, loaded once and shared by all sessions; it holds no state of theirs."""

    def __init__(self) -> None:
        """Load the network.

        Raises:
            SetUpError: `setup.no_speech_detector`, the installation is not complete.
        """
        options = onnxruntime.SessionOptions()
        # One thread: it runs on the event loop, 60 µs a frame, and must not wake a pool for that.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 4
        self._session = onnxruntime.InferenceSession(
            str(_asset()), sess_options=options, providers=["CPUExecutionProvider"]
        )

    def run(
        self, frames: Samples, h: Samples, c: Samples
    ) -> tuple[npt.NDArray[np.float32], Samples, Samples]:
        """Run frames (float32, shape (n, 576)) in order from LSTM state h, c (1, 1, 128)."""
        probabilities, h, c = self._session.run(None, {"input": frames, "h": h, "c": c})
        return probabilities, h, c


class SileroDetector:
    """The state of one session."""

    def __init__(self, model: SileroModel) -> None:
        self._model = model
        self._h = np.zeros((1, 1, 128), dtype=np.float32)
        self._c = np.zeros((1, 1, 128), dtype=np.float32)
        self._context = np.zeros(CONTEXT_SAMPLES, dtype=np.float32)

    def probabilities(self, samples: Samples) -> list[float]:
        """See `service.dictation.session.SpeechDetector`."""
        if not len(samples):
            return []
        frames = samples.reshape(-1, FRAME_SAMPLES)
        ends = frames[:, -CONTEXT_SAMPLES:]
        contexts = np.vstack((self._context[np.newaxis], ends[:-1]))
        self._context = ends[-1].copy()
        probabilities, self._h, self._c = self._model.run(
            np.hstack((contexts, frames)), self._h, self._c
        )
        return [float(p) for p in probabilities.reshape(-1)]


def _asset() -> Path:
    # find_spec, because importing faster_whisper would load CTranslate2 into the service.
    spec = find_spec("faster_whisper")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "assets" / "silero_vad_v6.onnx"
        if path.is_file():
            return path
    raise SetUpError(
        "setup.no_speech_detector",
        "the speech detector is missing from the faster-whisper package; run `uv sync` again",
    )

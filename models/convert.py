"""Weights in the format of transformers, made into a CTranslate2 model.

Most Russian fine-tunes of Whisper are published that way. transformers and torch are not part of
AlfaVoice; they are needed here only, once per model, on any machine.
"""

import importlib
import importlib.util
import tempfile
from pathlib import Path
from typing import Final

from models.errors import ConversionFailed, ConverterMissing
from models.installation import InstalledModel
from models.registry import ModelRegistry

NEEDED_PACKAGES: Final = ("transformers", "torch")


def convert(registry: ModelRegistry, weights: str, name: str) -> InstalledModel:
    """Convert weights and install them as a model of the person's own.

    Args:
        registry: where to.
        weights: a folder, or the name of a hub repository, which transformers then downloads.
        name: the new model's name; none of the manifest's.

    Raises:
        ConverterMissing: transformers or torch is not installed.
        ConversionFailed: the weights are no Whisper model, or the name is taken.
        ModelError: the result could not be installed.
    """
    if name in registry.manifest.names:
        raise ConversionFailed(name, "the name belongs to a model of the manifest; choose another")
    registry.installed(name)  # refuses a name that no model can have, before the long work
    for package in NEEDED_PACKAGES:
        if importlib.util.find_spec(package) is None:
            raise ConverterMissing(package)
    registry.path.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".convert-", dir=registry.path) as folder:
        try:
            _write(weights, Path(folder) / "model")
        except (OSError, ValueError, RuntimeError, KeyError) as exc:
            raise ConversionFailed(name, type(exc).__name__) from exc
        return registry.pull(name, folder=Path(folder) / "model")


def _write(weights: str, into: Path) -> None:
    from ctranslate2.converters import TransformersConverter  # noqa: PLC0415 - loads torch

    transformers = importlib.import_module("transformers")  # not among our dependencies, so untyped

    TransformersConverter(weights, load_as_float16=True).convert(str(into), quantization="float16")
    # The recogniser reads the fast tokenizer's one file and the number of mel bands; fine-tunes
    # often publish neither, so both are written anew from what they do publish.
    processor = transformers.AutoProcessor.from_pretrained(weights)
    processor.tokenizer.backend_tokenizer.save(str(into / "tokenizer.json"))
    processor.feature_extractor.save_pretrained(str(into))

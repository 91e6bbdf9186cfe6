"""The sizes of an encoder, and how its weights are called wherever this package keeps them.

Weights are a mapping of names to float32 arrays. With H hidden and F feed-forward values:

    pieces.weight             [pieces, H]
    positions.weight          [positions, H]   the first row of BERT's token types is added in
    norm.weight, norm.bias    [H]              after the sum of both
    layers.N.query_key_value.weight, .bias      [3H, H], [3H]   in this order
    layers.N.attended.weight, .bias             [H, H], [H]
    layers.N.attended_norm.weight, .bias        [H]
    layers.N.widened.weight, .bias              [F, H], [F]
    layers.N.narrowed.weight, .bias             [H, F], [H]
    layers.N.narrowed_norm.weight, .bias        [H]
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A BERT encoder: post-norm, GELU (erf), learned positions."""

    pieces: int
    positions: int
    hidden: int
    layers: int
    heads: int
    feed_forward: int
    norm_epsilon: float = 1e-12

    def save(self, path: Path) -> None:
        """Write the sizes as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", "utf-8")

    @classmethod
    def load(cls, path: Path) -> "Shape":
        """Read what `save` wrote."""
        return cls(**json.loads(path.read_text("utf-8")))

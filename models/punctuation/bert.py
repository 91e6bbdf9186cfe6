"""The model in torch: a BERT encoder and two linear heads a word. Only training needs it."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from models.punctuation.labels import CASES, MARKS
from models.punctuation.shape import Shape

_INITIAL_DEVIATION = 0.02
"""Of weights that come from no checkpoint; as BERT was initialised (Devlin et al. 2018)."""


class Layer(nn.Module):
    """One layer of BERT: attention and a feed-forward network, each added and then normalised."""

    def __init__(self, shape: Shape, dropout: float) -> None:
        super().__init__()
        self.heads = shape.heads
        self.dropout = dropout
        self.query_key_value = nn.Linear(shape.hidden, 3 * shape.hidden)
        self.attended = nn.Linear(shape.hidden, shape.hidden)
        self.attended_norm = nn.LayerNorm(shape.hidden, eps=shape.norm_epsilon)
        self.widened = nn.Linear(shape.hidden, shape.feed_forward)
        self.narrowed = nn.Linear(shape.feed_forward, shape.hidden)
        self.narrowed_norm = nn.LayerNorm(shape.hidden, eps=shape.norm_epsilon)

    def forward(self, states: Tensor, seen: Tensor) -> Tensor:
        """Give the next states.

        Args:
            states: shape (batch, length, hidden).
            seen: bool, shape (batch, 1, 1, length): False where a row is padded.
        """
        batch, length, hidden = states.shape
        parts = self.query_key_value(states).view(batch, length, 3, self.heads, -1)
        query, key, value = parts.permute(2, 0, 3, 1, 4).unbind(0)
        rate = self.dropout if self.training else 0.0
        attended = _attention(query, key, value, seen)
        attended = self.attended(attended.transpose(1, 2).reshape(batch, length, hidden))
        states = self.attended_norm(states + functional.dropout(attended, rate))
        narrowed = self.narrowed(functional.gelu(self.widened(states)))
        return self.narrowed_norm(states + functional.dropout(narrowed, rate))


def _attention(query: Tensor, key: Tensor, value: Tensor, seen: Tensor) -> Tensor:
    if query.is_cuda:
        return functional.scaled_dot_product_attention(query, key, value, attn_mask=seen)
    # Written out: on a CPU torch's fused attention takes almost half of a step, most of it on the way back (measured with 2.15).
    scores = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])
    shares = scores.masked_fill(~seen, torch.finfo(scores.dtype).min).softmax(-1)
    return shares.to(value.dtype) @ value


class Encoder(nn.Module):
    """Pieces to hidden states. The names of its weights are those of `shape`."""

    def __init__(self, shape: Shape, dropout: float = 0.0) -> None:
        super().__init__()
        self.shape = shape
        self.dropout = dropout
        self.pieces = nn.Embedding(shape.pieces, shape.hidden)
        self.positions = nn.Embedding(shape.positions, shape.hidden)
        self.norm = nn.LayerNorm(shape.hidden, eps=shape.norm_epsilon)
        self.layers = nn.ModuleList(Layer(shape, dropout) for _ in range(shape.layers))

    def forward(self, pieces: Tensor, lengths: Tensor) -> Tensor:
        """Give the last hidden states, shape (batch, length, hidden).

        Args:
            pieces: int64, shape (batch, length), padded at the end.
            lengths: int64, shape (batch,): pieces of each row, padding left out.
        """
        places = torch.arange(pieces.shape[1], device=pieces.device)
        seen = (places[None, :] < lengths[:, None])[:, None, None, :]
        states = self.norm(self.pieces(pieces) + self.positions(places)[None])
        states = functional.dropout(states, self.dropout if self.training else 0.0)
        for layer in self.layers:
            states = layer(states, seen)
        return states


class PunctuationModel(nn.Module):
    """An encoder with a mark head and a case head."""

    def __init__(self, shape: Shape, dropout: float = 0.1) -> None:
        super().__init__()
        self.encoder = Encoder(shape, dropout)
        self.mark = nn.Linear(shape.hidden, len(MARKS))
        self.case = nn.Linear(shape.hidden, len(CASES))
        for module in self.modules():
            if isinstance(module, (nn.Linear, nn.Embedding)):
                nn.init.normal_(module.weight, std=_INITIAL_DEVIATION)
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)

    def forward(self, pieces: Tensor, lengths: Tensor, read: Tensor) -> tuple[Tensor, Tensor]:
        """Give the logits of marks and cases, shapes (words, 9) and (words, 3).

        Args:
            pieces: as `Encoder.forward` takes them.
            lengths: the same.
            read: int64, shape (words,): the place of each word's last piece in the flattened batch.
        """
        states = self.encoder(pieces, lengths).flatten(0, 1)[read]
        return self.mark(states), self.case(states)

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Give all weights by name: `encoder.…` as in `shape`, `mark.…`, `case.…`."""
        return {
            name: tensor.detach().to("cpu", torch.float32).numpy().copy()
            for name, tensor in self.state_dict().items()
        }


def from_encoder(
    weights: Mapping[str, NDArray[np.float32]], shape: Shape, *, dropout: float
) -> PunctuationModel:
    """Put the weights of a pretrained encoder under new heads."""
    model = PunctuationModel(shape, dropout)
    model.encoder.load_state_dict(
        {name: torch.from_numpy(np.asarray(each, np.float32)) for name, each in weights.items()}
    )
    return model


def save(model: PunctuationModel, path: Path, **more: object) -> None:
    """Write a model, and what else training wants back; the file is whole or not there at all."""
    partial = path.with_name(f"{path.name}.partial")
    torch.save({"shape": asdict(model.encoder.shape), "state": model.state_dict(), **more}, partial)
    partial.replace(path)


def load(path: Path, *, dropout: float = 0.0) -> tuple[PunctuationModel, dict[str, Any]]:
    """Read what `save` wrote: the model, and the rest. Runs no code out of the file."""
    kept: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    model = PunctuationModel(Shape(**kept.pop("shape")), dropout)
    model.load_state_dict(kept.pop("state"))
    return model, kept

"""Corpora of what is said, and texts with the times at which they were said."""

from dataclasses import replace
from pathlib import Path

from workers.text.tokens import Heard, Token, read

VECTORS = Path(__file__).parents[1] / "vectors"


def pairs(name: str) -> list[tuple[str, ...]]:
    """Read a corpus: its lines but for comments, cut at tabs; \\n and \\t are what they stand for."""
    return [
        tuple(part.replace("\\n", "\n").replace("\\t", "\t") for part in line.split("\t"))
        for line in (VECTORS / name).read_text("utf-8").splitlines()
        if line and not line.startswith("#")
    ]


def with_times(text: str, pauses: set[int]) -> tuple[Token, ...]:
    """Words of 0.3 s each, and a pause of 0.4 s before those at the given places."""
    tokens, now = [], 0
    for place, token in enumerate(read(text)):
        now += 6_400 if place in pauses else 320
        tokens.append(replace(token, heard=Heard(start=now, end=now + 4_800, probability=0.9)))
        now += 4_800
    return tuple(tokens)

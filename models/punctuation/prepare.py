"""Texts into arrays: words as numbers, labels as bytes, and the vocabulary cut to what they use.

corpus/words.json              every distinct word of the corpus, lower-cased; its place is its number
corpus/literature.train.npz    words int32, marks uint8, cases uint8
corpus/tokenizer.json          the cut vocabulary
corpus/rows.npy                which row of the encoder's embeddings each piece takes
"""

import json
import random
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np

from models.punctuation.corpus import (
    SOURCES,
    SPLITS,
    Source,
    Split,
    blocks,
    labelled_lines,
    lines_of,
    lowered,
    split_of,
)
from models.punctuation.labels import Labelled
from models.punctuation.noise import varied
from models.punctuation.pieces import Vocabulary, cut, distinct, folded, kept_rows, tokenizer_of
from models.punctuation.windows import Stream

PIECES: Final = 24_000
"""Of the cut vocabulary: 9 MB of the exported model."""


def prepare(
    texts: Path, vocabulary: Vocabulary, into: Path, *, pieces: int = PIECES
) -> dict[str, int]:
    """Write the corpus; running it again writes the same.

    Args:
        texts: the folder with the files of `SOURCES`.
        vocabulary: the encoder's pieces and their scores, in the order of its embeddings.
        into: the folder to write.
        pieces: of the cut vocabulary.

    Returns:
        Words by source and split, and how many distinct words and pieces there are.
    """
    into.mkdir(parents=True, exist_ok=True)
    numbers: dict[str, int] = {}
    counted: dict[str, int] = {}
    counts: Counter[int] = Counter()
    for source in SOURCES:
        for split, words in _by_split(source, texts).items():
            stream = _stream(source, words, numbers)
            np.savez(
                into / f"{source.name}.{split}.npz",
                words=stream.words,
                marks=stream.marks,
                cases=stream.cases,
            )
            counted[f"{source.name}.{split}"] = len(stream.words)
            if split == "train":
                counts.update(stream.words.tolist())
    names = list(numbers)
    (into / "words.json").write_text(json.dumps(names, ensure_ascii=False), "utf-8")
    kept = cut(vocabulary, {names[number]: n for number, n in counts.items()}, at_most=pieces)
    tokenizer_of(kept).save(str(into / "tokenizer.json"), pretty=False)
    np.save(into / "rows.npy", kept_rows(vocabulary, kept))
    return {**counted, "distinct words": len(names), "pieces": len(kept)}


def _by_split(source: Source, texts: Path) -> dict[Split, list[Labelled]]:
    found: dict[Split, list[Labelled]] = {split: [] for split in SPLITS}
    for block in blocks(lines_of(source, texts)):
        split = split_of(block)
        lines = labelled_lines(source, block)
        if split != "train":
            for line in lines:
                found[split] += line
            continue
        chance = random.Random("\n".join(block))  # noqa: S311 - noise, not secrets
        for line in lines:
            found[split] += varied(line, chance)
    return found


def _stream(source: Source, words: Iterable[Labelled], numbers: dict[str, int]) -> Stream:
    words = list(words)
    return Stream(
        name=source.name,
        share=source.share,
        words=np.array(distinct(map(folded, lowered(words)), numbers), dtype=np.int32),
        marks=np.array([each.mark for each in words], dtype=np.uint8),
        cases=np.array([each.case for each in words], dtype=np.uint8),
    )


def load_streams(corpus: Path, split: Split) -> list[Stream]:
    """Read one split of every source that has words in it."""
    streams = []
    for source in SOURCES:
        with np.load(corpus / f"{source.name}.{split}.npz", allow_pickle=False) as arrays:
            stream = Stream(
                name=source.name,
                share=source.share,
                words=arrays["words"],
                marks=arrays["marks"],
                cases=arrays["cases"],
            )
        if len(stream.words):
            streams.append(stream)
    return streams


def load_words(corpus: Path) -> list[str]:
    """Read the distinct words in the order of their numbers."""
    words: list[str] = json.loads((corpus / "words.json").read_text("utf-8"))
    return words

"""The texts to learn from: which files, how much of each, and which lines are kept for tests.

Lines are dealt out in blocks of neighbours, by a hash of the block: the same on every machine, and
a line to test with never stands between two lines learned from.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import resources
from io import TextIOWrapper
from pathlib import Path
from typing import Final, Literal, get_args

from models.punctuation.labels import LOWER, SENTENCE_ENDS, TITLE, UNKNOWN, Labelled, labelled

Split = Literal["train", "validation", "test"]
SPLITS: Final[tuple[Split, ...]] = get_args(Split)

BLOCK_LINES: Final = 16
"""Long enough to keep neighbours together, short enough that 1 % of each text is many blocks."""
_PER_CENT: Final[dict[int, Split]] = {0: "validation", 1: "test"}
PASSAGE_WORDS: Final = 60
"""A passage to test with ends with the line in which it reaches this length: about half a minute of
speech."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One text file to learn from."""

    name: str
    file: str
    """In the folder of texts; of the project's own text: in this package."""
    share: float
    """Of the words seen in training, 0.0 to 1.0; all shares together are 1."""
    has_captions: bool = False
    """Whether names of buttons and fields stand in its sentences with a capital letter. Such words
    say nothing of how Russian is written, so their case is not learned."""
    is_ours: bool = False


SOURCES: Final = (
    # Almost three quarters of the words are from before 1928: people dictate modern Russian, so
    # dialogues and business texts are seen more often than they are long.
    Source(name="literature", file="literature_pd.txt.zst", share=0.42),
    Source(name="drama", file="drama_pd.txt.zst", share=0.10),
    Source(name="business", file="business_docs_ccby.txt.zst", share=0.21, has_captions=True),
    Source(name="dialogues", file="dialogues_cc0.txt.zst", share=0.265),
    Source(name="written", file="written.txt", share=0.005, is_ours=True),
)
EVERYDAY: Final = "eval_everyday_cc0.txt"
UNIVERSAL_DEPENDENCIES: Final = "eval_ud_ru.tsv"
TOGETHER: Final = 3
"""Sentences of the test-only files have nothing to do with their neighbours. So many are joined, so
that finding where one ends is part of the task."""


def lines_of(source: Source, texts: Path) -> Iterator[str]:
    """Give the lines of a source that hold something."""
    if source.is_ours:
        own = resources.files("models.punctuation").joinpath(source.file).read_text("utf-8")
        yield from filter(str.strip, own.splitlines())
        return
    import zstandard  # noqa: PLC0415 - of the extra `training`

    with (
        (texts / source.file).open("rb") as packed,
        zstandard.ZstdDecompressor().stream_reader(packed) as stream,
    ):
        yield from filter(str.strip, TextIOWrapper(stream, encoding="utf-8"))


def blocks(lines: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """Cut lines into blocks of `BLOCK_LINES`; the last may be shorter."""
    block: list[str] = []
    for line in lines:
        block.append(line)
        if len(block) == BLOCK_LINES:
            yield tuple(block)
            block = []
    if block:
        yield tuple(block)


def split_of(block: Iterable[str]) -> Split:
    """Say what a block is for: 98 % to train, 1 % to validate, 1 % to test."""
    digest = hashlib.sha256("\n".join(line.strip() for line in block).encode()).digest()
    return _PER_CENT.get(int.from_bytes(digest[:4], "big") % 100, "train")


def labelled_lines(source: Source, block: Iterable[str]) -> Iterator[tuple[Labelled, ...]]:
    """Read the lines of a block that are fit to learn from."""
    for line in block:
        words = labelled(line)
        if words:
            yield without_captions(words) if source.has_captions else words


def without_captions(words: tuple[Labelled, ...]) -> tuple[Labelled, ...]:
    """Forget the case of Russian words that have a capital letter inside a sentence."""
    kept: list[Labelled] = []
    begins = True
    for each in words:
        is_caption = each.case == TITLE and not begins and not each.word.isascii()
        kept.append(Labelled(each.word, each.mark, UNKNOWN) if is_caption else each)
        begins = each.mark in SENTENCE_ENDS
    return tuple(kept)


def held_out(source: Source, texts: Path, split: Split) -> Iterator[tuple[Labelled, ...]]:
    """Give the passages of a source that are kept for validation or test."""
    for block in blocks(lines_of(source, texts)):
        if split_of(block) == split:
            yield from passages(labelled_lines(source, block))


def passages(lines: Iterable[tuple[Labelled, ...]]) -> Iterator[tuple[Labelled, ...]]:
    """Join lines until they are `PASSAGE_WORDS` long; very long lines are cut."""
    passage: tuple[Labelled, ...] = ()
    for line in lines:
        for at in range(0, len(line), 2 * PASSAGE_WORDS):
            passage += line[at : at + 2 * PASSAGE_WORDS]
            if len(passage) >= PASSAGE_WORDS:
                yield passage
                passage = ()
    if passage:
        yield passage


def test_only(texts: Path) -> Iterator[tuple[str, tuple[Labelled, ...]]]:
    """Give name and passage of the files that are never learned from.

    Universal Dependencies by its parts (wiki and blogs, news, social media), and everyday lines.
    """
    by_name: dict[str, list[tuple[Labelled, ...]]] = {}
    for row in (texts / UNIVERSAL_DEPENDENCIES).read_text("utf-8").splitlines()[1:]:
        treebank, *_, sentence = row.split("\t")
        name = treebank.removeprefix("ru_").split("-")[0]
        by_name.setdefault(name, []).append(labelled(sentence))
    everyday = (texts / EVERYDAY).read_text("utf-8").splitlines()
    by_name["everyday"] = [labelled(line) for line in everyday]
    for name, sentences in by_name.items():
        fit = [words for words in sentences if words]
        for at in range(0, len(fit), TOGETHER):
            yield name, tuple(word for words in fit[at : at + TOGETHER] for word in words)


def lowered(words: Iterable[Labelled]) -> list[str]:
    """Give the words as a recogniser without marks and capitals would."""
    return [each.word.lower() for each in words]


def unmarked(words: Iterable[Labelled]) -> list[tuple[int, int]]:
    """Answer as if nothing were done: no mark, small letters."""
    return [(0, LOWER) for _ in words]

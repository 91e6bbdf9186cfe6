"""When each word was said: an alignment of tokens with encoder positions turned into samples.

Some heads of the decoder's cross-attention listen to where the next token is being said; dynamic time
warping over them (`workers.recognition.warping`) gives every token a 20 ms position. Where our own
decoder wrote the text it noted where it listened; else CTranslate2 reads the text once more over the
encoder output that is already there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from workers.contract.audio import SAMPLE_RATE_HZ
from workers.contract.words import Word
from workers.recognition.loudness import FRAME_SAMPLES, Frames
from workers.recognition.vocabulary import Vocabulary

SAMPLES_PER_POSITION: Final = SAMPLE_RATE_HZ // 50
"""An encoder position is 20 ms: 320 samples."""

LONGEST_WORD_S: Final = 2.0
"""A word with a pause before it is stretched over the pause by the warping. Its start leaves the
silent frames, and, where the pause is not silent, is brought within this of its end. Longer spoken
words exist but are rare enough to lose half a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPath:
    """Which position belongs to which token of one window."""

    alignments: Sequence[tuple[int, int]]
    """(token, encoder position), both never falling."""
    probabilities: Sequence[float]
    """0.0 to 1.0, one a token."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Listening:
    """Where a decoder listened while it wrote a text."""

    tokens: tuple[int, ...]
    """Of the text."""
    probabilities: tuple[float, ...]
    """0.0 to 1.0, one a token."""
    shares: npt.NDArray[np.float32]
    """Shares of attention, (timing heads, tokens read, positions): of the start token, of those that
    follow it before the text, of which the last gives the text's first, and of the text's."""


def text_tokens(text: str, vocabulary: Vocabulary) -> list[int]:
    """Give the tokens to align for a text: as the decoder writes it, after a blank."""
    return vocabulary.encode(f" {text}") if text else []


def words_of(
    text: str,
    path: TokenPath,
    vocabulary: Vocabulary,
    *,
    language: str,
    samples: int,
    audible: Frames | None = None,
) -> tuple[Word, ...]:
    """Give the words of an aligned text.

    Args:
        text: what was aligned, blanks single; its tokens are `text_tokens(text)`.
        path: the alignment of those tokens.
        vocabulary: of the model that aligned it.
        language: decides whether words are separated by blanks.
        samples: length of the window's audio; no word ends after it.
        audible: of each 20 ms of it, whether there is something to hear (`active_frames`); None
            if not known: then no start is moved out of silence.

    Returns:
        Words whose texts joined (by single blanks where the language has blanks) are `text`;
        starts and ends never fall and lie within the audio.
    """
    groups = vocabulary.split_words(text_tokens(text, vocabulary), language=language)
    starts = _token_starts(path, tokens=sum(group.tokens for group in groups))
    words: list[Word] = []
    token = 0
    earliest = 0
    for group in groups:
        after = token + group.tokens
        end = min(samples, max(earliest, int(starts[after]) * SAMPLES_PER_POSITION))
        start = max(
            int(starts[token]) * SAMPLES_PER_POSITION, end - round(LONGEST_WORD_S * SAMPLE_RATE_HZ)
        )
        start = _out_of_silence(min(end, max(earliest, start)), end, audible)
        heard = list(path.probabilities[token:after])
        words.append(
            Word(
                text=group.text.strip(),
                start=start,
                end=end,
                probability=min(1.0, max(0.0, float(np.mean(heard)))) if heard else 0.0,
            )
        )
        token, earliest = after, end
    return tuple(words)


def _out_of_silence(start: int, end: int, audible: Frames | None) -> int:
    """Move a word's start to the first audible frame it spans; leave it if there is none."""
    if audible is None:
        return start
    first, after = start // FRAME_SAMPLES, -(-end // FRAME_SAMPLES)
    heard = np.flatnonzero(audible[first:after])
    return max(start, (first + int(heard[0])) * FRAME_SAMPLES) if len(heard) else start


def _token_starts(path: TokenPath, *, tokens: int) -> list[int]:
    """Give the first encoder position of every token, and of the end after the last one."""
    first: dict[int, int] = {}
    last = 0
    for token, position in path.alignments:
        first.setdefault(int(token), int(position))
        last = max(last, int(position))
    starts: list[int] = []
    for token in range(tokens + 1):
        starts.append(first.get(token, last if token >= tokens else (starts[-1] if starts else 0)))
    return starts

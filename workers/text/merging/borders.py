"""Sentences that endpointing cut in two, joined again for the transcript that is stored.

A pause ends an utterance, and the recogniser, which does not know what comes after it, ends the
sentence too: «Мы поехали. На вокзал.» With the words on both sides of the border the model can tell.
There are two texts then, and both are kept:

    the finals          as each utterance was merged alone: shown, typed and never changed
    the transcript      the same utterances after `rejoined`: what history stores and exports

Only the mark of the last word before a border and the case of the first after it differ. An exclamation stays: the
recogniser heard how it was said; a question has to be doubted more than a full stop. So does what stands between two numerals.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import Final

from workers.text.merging.confidence import end_probability
from workers.text.merging.letters import Script, script_of
from workers.text.merging.merge import CAREFUL, is_for_the_model, recased, remarked
from workers.text.merging.settled import parts_numbers
from workers.text.merging.thresholds import Thresholds
from workers.text.rubert.labels import MARKS, WordLabels
from workers.text.tokens import Token

CONTEXT_WORDS: Final = 24
"""Words shown to the model on each side of a border: as many as it wants where windows overlap."""
_QUESTION: Final = MARKS.index("?")
_ENDS: Final = 0.5
"""How likely a sentence has to end after a word to be taken to end there."""
_ASKS: Final = 0.05
"""How likely a question has to be at its end to be one. Of eight questions cut in two the least was 0.14, of five that were none the most 0.01."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Border:
    """Two utterances next to each other, and what the model should read to judge them."""

    before: int
    """Number of the utterance that ends here."""
    after: int
    """Number of the next that has words."""
    words: tuple[str, ...]
    """Up to `CONTEXT_WORDS` on each side, of as many utterances as it takes."""
    place: int
    """Which of these words is the last before the border."""


def borders(utterances: Sequence[Sequence[Token]]) -> tuple[Border, ...]:
    """Find the borders of a transcript; the words of all of them can be labelled in one call.

    Args:
        utterances: finals in order, merged each alone. Those without words are passed over, and so
            are borders between texts that are not for the model.
    """
    spoken = [number for number, tokens in enumerate(utterances) if any(t.word for t in tokens)]
    words = [token.word for number in spoken for token in utterances[number]]
    ends = list(accumulate(len(utterances[number]) for number in spoken))
    found = []
    for (before, after), end in zip(pairwise(spoken), ends, strict=False):
        if not (is_for_the_model(utterances[before]) and is_for_the_model(utterances[after])):
            continue
        start = max(0, end - CONTEXT_WORDS)
        found.append(
            Border(
                before=before,
                after=after,
                words=tuple(words[start : end + CONTEXT_WORDS]),
                place=end - start - 1,
            )
        )
    return tuple(found)


def rejoined(
    utterances: Sequence[Sequence[Token]],
    found: Sequence[Border],
    labels: Sequence[Sequence[WordLabels]],
    limits: Thresholds = CAREFUL,
) -> tuple[tuple[Token, ...], ...]:
    """Join the sentences that were cut, and part those that were run together.

    Args:
        utterances: as given to `borders`.
        found: what it gave, all or some.
        labels: for each of these borders, the labels of its words.
        limits: how sure the model has to be.

    Returns:
        The utterances with the same words.

    Raises:
        ValueError: there are more or fewer rows of labels than borders.
    """
    joined = [list(tokens) for tokens in utterances]
    for border, row in zip(found, labels, strict=True):
        before, after = joined[border.before], joined[border.after]
        last, first = before[-1], after[0]
        label, label_after = row[border.place], row[border.place + 1]
        if not (_is_cyrillic(last) and _is_cyrillic(first)):
            continue
        if not parts_numbers(last, first):
            at_border = _at_border(limits, row[border.place + 1 :])
            before[-1] = remarked(last, first, label, label_after, at_border)
        after[0] = recased(
            first,
            label_after,
            limits,
            before=before[-1],
            began=True,  # every utterance does, in the recogniser's eyes
            label_before=label,
        )
    return tuple(tuple(tokens) for tokens in joined)


def _at_border(limits: Thresholds, after: Sequence[WordLabels]) -> Thresholds:
    """Give the thresholds for the mark at a border: a question stays one if the sentence would be one when joined.

    «Ты готов? К экзамену.» was asked, «Если появятся вопросы? Звоните мне.» was not.
    """
    ends = (place for place, label in enumerate(after) if end_probability(label) >= _ENDS)
    sentence = after[: next(ends, len(after) - 1) + 1]
    asks = any(float(label.marks[_QUESTION]) >= _ASKS for label in sentence)
    return replace(
        limits,
        open_end=limits.open_border,
        open_asked=limits.open_asked if asks else limits.open_asked_border,
    )


def _is_cyrillic(token: Token) -> bool:
    return script_of(token.word) is Script.CYRILLIC

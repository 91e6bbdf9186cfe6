"""Marks and case for a batch of texts: what the pipeline calls, with a model or without."""

from collections.abc import Sequence
from dataclasses import dataclass

from workers.text.merging.borders import borders, rejoined
from workers.text.merging.merge import CAREFUL, first_inside, is_for_the_model, merge
from workers.text.merging.thresholds import Thresholds
from workers.text.rubert.labels import Punctuator, WordLabels
from workers.text.tokens import Token


@dataclass(frozen=True, slots=True, kw_only=True)
class Punctuated:
    """A text with its marks and case."""

    tokens: tuple[Token, ...]
    inside: str
    """Its first word as it is written where the text goes on with a sentence."""


def punctuated(
    texts: Sequence[Sequence[Token]],
    punctuator: Punctuator | None,
    limits: Thresholds = CAREFUL,
) -> list[Punctuated]:
    """Give texts their marks and case; all of them are labelled in one call.

    Args:
        texts: utterances as recognised, of one person or of many.
        punctuator: None: no model is installed; only what needs none is repaired.
        limits: how sure the model has to be.
    """
    if punctuator is None:
        return [_merged(tokens, None, limits) for tokens in texts]
    fit = [is_for_the_model(tokens) for tokens in texts]
    words = [
        [token.word for token in text] for text, is_fit in zip(texts, fit, strict=True) if is_fit
    ]
    labelled = iter(punctuator.label(words))
    return [
        _merged(tokens, next(labelled) if is_fit else None, limits)
        for tokens, is_fit in zip(texts, fit, strict=True)
    ]


def _merged(
    tokens: Sequence[Token], labels: Sequence[WordLabels] | None, limits: Thresholds
) -> Punctuated:
    return Punctuated(
        tokens=merge(tokens, labels, limits), inside=first_inside(tokens, labels, limits)
    )


def transcript(
    finals: Sequence[Sequence[Token]],
    punctuator: Punctuator | None,
    limits: Thresholds = CAREFUL,
) -> list[tuple[Token, ...]]:
    """Give the utterances of a session as history stores them: sentences cut by pauses joined again.

    Args:
        finals: as `punctuated` gave them, in order. What was typed stays; see `borders`.
        punctuator: None: they are given back as they are.
        limits: how sure the model has to be.
    """
    if punctuator is None:
        return [tuple(tokens) for tokens in finals]
    found = borders(finals)
    labels = punctuator.label([border.words for border in found]) if found else []
    return list(rejoined(finals, found, labels, limits))

"""The finals of a session that ends, as its transcript has them.

Two things happen to a text after it was shown: later finals erase some of it, and sentences that a pause
had cut are joined. Who typed the finals keeps what they typed; the transcript is stored as it should have
been, each final with what was shown of it beside (`StoredFinal.typed`), for a client that asks again.
"""

from collections.abc import Sequence
from dataclasses import replace

import structlog

from service.dictation.composition import surviving
from service.dictation.transcripts import StoredFinal, StoredWord, as_shown
from workers.contract.texts import FinishingFailed, TextFinisher

log = structlog.get_logger()


async def as_transcribed(
    finals: Sequence[StoredFinal], texts: TextFinisher, *, joins: bool
) -> tuple[StoredFinal, ...]:
    """Give the finals as the transcript has them; those with `typed` differ from what was shown.

    Args:
        finals: all of a session, in order.
        texts: joins sentences; if it fails, they stay as they are.
        joins: whether sentences are to be joined.
    """
    kept, glues = _with_marks(surviving(finals), [final.glue for final in finals])
    if joins and sum(map(bool, kept)) > 1:
        try:
            kept = await texts.rejoined(
                [(text, final.language) for text, final in zip(kept, finals, strict=True)]
            )
        except FinishingFailed as exc:
            log.warning("sentences_left_cut", code=exc.code)
    return tuple(
        _rewritten(final, text, glue) for final, text, glue in zip(finals, kept, glues, strict=True)
    )


def _with_marks(texts: list[str], glues: list[str]) -> tuple[list[str], list[str]]:
    """Bring marks that stand in the glue («. », of a chat) to the end of the text before."""
    last: int | None = None
    for number, text in enumerate(texts):
        if not text:
            continue
        mark = glues[number].rstrip()
        if mark and last is not None:
            texts[last] += mark
            glues[number] = glues[number][len(mark) :]
        last = number
    return texts, glues


def _rewritten(final: StoredFinal, text: str, glue: str) -> StoredFinal:
    if (text, glue, 0) == (final.text, final.glue, final.erase):
        return final
    return replace(
        final,
        text=text,
        words=_words(final, text),
        glue=glue,
        erase=0,
        typed=final.typed or as_shown(final),
    )


def _words(final: StoredFinal, text: str) -> tuple[StoredWord, ...]:
    """Give the words that are left, written as in the text; none where they cannot be told apart."""
    written, before = text.split(), final.text.split()
    if len(before) != len(final.words):
        return final.words if len(written) == len(before) else ()
    return tuple(replace(word, text=one) for word, one in zip(final.words, written, strict=False))

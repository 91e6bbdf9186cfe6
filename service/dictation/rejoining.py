"""The finals of a session that ends, as its transcript has them.

Two things happen to a text after it was shown: later finals erase some of it, and sentences that a pause
had cut are joined. Who typed the finals keeps what they typed; the transcript is stored as it should have
been, each final with what was shown of it beside (`StoredFinal.typed`), for a client that asks again.
"""

from collections.abc import Sequence
from dataclasses import replace

import structlog

from service.dictation.composition import surviving
from service.dictation.transcripts import StoredFinal, StoredWord, Typed
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
    kept = surviving(finals)
    if joins and sum(map(bool, kept)) > 1:
        try:
            kept = await texts.rejoined(
                [(text, final.language) for text, final in zip(kept, finals, strict=True)]
            )
        except FinishingFailed as exc:
            log.warning("sentences_left_cut", code=exc.code)
    return tuple(
        _rewritten(final, text) if text != final.text or final.erase else final
        for final, text in zip(finals, kept, strict=True)
    )


def _rewritten(final: StoredFinal, text: str) -> StoredFinal:
    return replace(
        final,
        text=text,
        words=_words(final, text),
        erase=0,
        typed=final.typed or Typed(text=final.text, erase=final.erase),
    )


def _words(final: StoredFinal, text: str) -> tuple[StoredWord, ...]:
    """Give the words that are left, written as in the text; none where they cannot be told apart."""
    written, before = text.split(), final.text.split()
    if len(before) != len(final.words):
        return final.words if len(written) == len(before) else ()
    return tuple(replace(word, text=one) for word, one in zip(final.words, written, strict=False))

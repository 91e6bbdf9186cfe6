"""What the text pipeline needs of a person's dictionary and snippets, made once and kept.

An index is made in a thread of its own, because thousands of terms take a second, and nobody else's
text is to wait for that. It is kept for as long as the same tuple comes again: the service gives the
same one while nothing changed.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import structlog

from workers.contract.finishing import Finishing, Snippet, Term
from workers.text.pipeline import Wishes
from workers.text.snippets import Triggers
from workers.text.snippets import indexed as triggers_of
from workers.text.terms.dictionary import Dictionary
from workers.text.terms.dictionary import indexed as terms_of

log = structlog.get_logger()

PATIENCE_S: Final = 1.0
"""How long a text waits for an index; without it, it goes out without terms and snippets."""
KEPT_S: Final = 3600.0
"""An index that nobody asked for in this time goes: somebody's words are not kept for ever."""
MOST_FORMS: Final = 200_000
"""Terms, the ways they sound, and snippets, of all people together: about 150 MB."""

_Index = tuple[Dictionary, Triggers]
_Key = tuple[int, int]


@dataclass(slots=True, kw_only=True)
class _Kept:
    terms: tuple[Term, ...]  # held, so that no other tuple can have its id
    snippets: tuple[Snippet, ...]
    index: asyncio.Future[_Index]
    forms: int
    used_at: float


class Indexes:
    """The indexes of the people who spoke last. Use it from one event loop."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="alfavoice-dictionaries")
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()
        self._forms = 0

    async def wishes(self, finishing: Finishing) -> Wishes:
        """Give a person's wishes with their indexes; without these while they are not ready."""
        kept = self._of(finishing)
        try:
            async with asyncio.timeout(PATIENCE_S):
                terms, triggers = await asyncio.shield(kept.index)
        except TimeoutError:
            log.warning("dictionary_not_ready", terms=len(finishing.terms))
            terms, triggers = _NOTHING
        except Exception as exc:  # noqa: BLE001 - a dictionary is worth no text
            # Its words may carry a person's: only its kind is told.
            log.error("dictionary_failed", kind=type(exc).__name__)  # noqa: TRY400
            terms, triggers = _NOTHING
        return Wishes(finishing, terms=terms, triggers=triggers)

    def close(self) -> None:
        """Begin no more work."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _of(self, finishing: Finishing) -> _Kept:
        now = self._clock()
        key = id(finishing.terms), id(finishing.snippets)
        kept = self._kept.get(key)
        if kept is None:
            terms, snippets = finishing.terms, finishing.snippets
            index = asyncio.get_running_loop().run_in_executor(
                self._threads, lambda: (terms_of(terms), triggers_of(snippets))
            )
            forms = sum(1 + len(term.sounds_like) for term in terms) + len(snippets) + 1
            kept = _Kept(terms=terms, snippets=snippets, index=index, forms=forms, used_at=now)
            self._kept[key] = kept
            self._forms += forms
        kept.used_at = now
        self._kept.move_to_end(key)
        self._let_go(now)
        return kept

    def _let_go(self, now: float) -> None:
        """Let those go that were not asked for the longest."""
        while len(self._kept) > 1:
            oldest = next(iter(self._kept.values()))
            if self._forms <= MOST_FORMS and now - oldest.used_at < KEPT_S:
                return
            self._kept.popitem(last=False)
            self._forms -= oldest.forms


_NOTHING: Final[_Index] = (terms_of(()), triggers_of(()))

"""The dictionary as the recogniser is given it: the adapter of `service.dictation.personal_terms`."""

from typing import Final
from uuid import UUID

import structlog

from service.library.kinds import Kind
from service.library.merging import Contents
from service.storage.items import PostgresItems

MOST_TERMS: Final = 100
"""The newest of a dictionary. The recogniser takes 64 tokens of them, about 20 terms
(workers/recognition/prompts.py); the rest makes up for those of other languages."""

log = structlog.get_logger()


class DictionaryTerms:
    """Reads the terms each time: one lookup in an index, a millisecond for all of them."""

    def __init__(self, items: PostgresItems) -> None:
        self._items = items

    async def of(self, user: UUID, language: str | None) -> tuple[str, ...]:
        """Give the newest terms of a user in a language or in none; see the port."""
        try:
            found = await self._items.page(user, Kind.TERM, limit=MOST_TERMS)
        except Exception as exc:  # noqa: BLE001 - hints are worth no session; its words may be terms
            log.warning("terms_not_read", kind=type(exc).__name__)
            return ()
        terms = []
        for item in found:
            if not isinstance(item.contents, Contents):
                continue
            fields = {name: written.value for name, written in item.contents.fields.items()}
            if language is None or fields.get("language") in (None, language):
                terms.append(fields.get("term"))
        return tuple(term for term in terms if isinstance(term, str) and term.strip())

"""Triggers of snippets as they are said: by the words that are looked for in what somebody dictates.

Asks the very step that inserts snippets. Whatever compared triggers by itself would soon take two for
different that are said alike («подпись два», «подпись 2»), and one of them would never be inserted.
"""

from collections.abc import Set
from typing import Final

from service.library.wishes import MOST_SNIPPETS
from service.problems import RequestRefused
from service.storage.unlike import Unlike
from workers.contract.finishing import Snippet
from workers.text.snippets import indexed


def ways_to_say(trigger: str) -> Set[tuple[str, ...]]:
    """Give the rows of words by which a trigger is known; none: nobody can say it."""
    firsts = indexed([Snippet(trigger=trigger, text="")]).by_first
    return {words for triggers in firsts.values() for words, _ in triggers}


ONE_OF_A_KIND: Final = Unlike(
    field="trigger",
    ways=ways_to_say,
    among=MOST_SNIPPETS,
    code="library.trigger_taken",
    message="another snippet has this trigger already: change that one, or take other words",
)
"""No two snippets are said with the same words: one would never be inserted. Devices that were away from
each other may still make two, and both are kept: the newer is used."""


def check_sayable(trigger: str | None) -> None:
    """Check that a trigger has words; None: it is not changed.

    Raises:
        RequestRefused: 422, `library.trigger_unsayable`.
    """
    if trigger is not None and not ways_to_say(trigger):
        raise RequestRefused(
            "library.trigger_unsayable",
            "nobody can say this trigger: it has no words, only marks",
            status=422,
        )

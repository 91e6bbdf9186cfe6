"""Whether the words of a command are meant as one, judged by what stands around them.

What speaks for a command: what sets its words off (`evidence`), other commands in the same text. What
speaks against: a word beside it that it belongs to (`refusals`), a question that it answers, a dash or a
capital that make it a word (`answers`), for those that delete what was said or may be chosen
(`deletions`), quotes around it, an enumeration of marks.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from workers.text.commands.answers import (
    is_a_name,
    is_answer,
    is_at_a_place,
    is_explained,
    is_judged,
    is_subject,
)
from workers.text.commands.deletions import is_broken_off, is_choice, is_told
from workers.text.commands.evidence import (
    DASHES,
    DESTROY,
    LINES,
    MARKS,
    SIGNS,
    Found,
    Signs,
    closes_a_letter,
    has_stops,
    is_enough,
    is_set_off_after,
    signs_of,
)
from workers.text.commands.refusals import IDIOMS_BEFORE, may_go_on, refuses_after, refuses_before
from workers.text.commands.table import PHRASES, Effect, Phrase, Surety
from workers.text.tokens import Token

_QUOTES: Final = frozenset('«»„“”"()')
_BETWEEN_WORDS: Final = MARKS | {Effect.SPACE}
_HALVES: Final = frozenset({Effect.OPEN, Effect.CLOSE})
_ENUMERATED: Final = _BETWEEN_WORDS | _HALVES
_PAIRS_OF_MARKS: Final = frozenset(
    {
        ("comma", "dash"),
        ("question_mark", "exclamation_mark"),
        ("exclamation_mark", "exclamation_mark"),
        ("question_mark", "question_mark"),
    }
)
"""Marks that people do say one after the other; of others it is an enumeration."""
_IDIOMS: Final = frozenset({("точка",), ("абзац",)})
_NEAR: Final = 3
_LIST: Final = 3
"""New lines: a text of so many is dictated line by line."""
_ASKING: Final = frozenset("как где какой какая какое что почему зачем".split())
_AFTER_A_HYPHEN: Final = frozenset({"нибудь", "то", "либо"})
"""«Как дефис нибудь»."""
_IN_GRAMMARS: Final = frozenset("раздельно через или а и как но".split())
"""«Не слитно, а раздельно»."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """How often the phrases of each command are said."""

    all: Counter[str]
    inside: Counter[str]
    """Not at the beginning of a sentence."""


def find(tokens: Sequence[Token]) -> tuple[Found, ...]:
    """Find the phrases of all commands; the longest where several begin, none inside another."""
    found: list[Found] = []
    place = 0
    while place < len(tokens):
        phrase = _phrase_at(tokens, place)
        if phrase is not None:
            found.append(Found(place, place + len(phrase.words), phrase))
        place += len(phrase.words) if phrase is not None else 1
    return tuple(found)


def meant(tokens: Sequence[Token], found: Sequence[Found]) -> tuple[Found, ...]:
    """Give those of the phrases that are commands; phrases that end a command are none.

    Args:
        tokens: a text.
        found: all phrases of the text, as `find` gives them.
    """
    commas = sum(each.phrase.command.name == "comma" for each in found)
    possible = [
        place
        for place, each in enumerate(found)
        if not each.phrase.is_end and not _is_refused(tokens, found, place, commas=commas)
    ]
    sure = {place for place in possible if is_enough(tokens, found, place)}
    said = _Said(
        all=Counter(found[place].phrase.command.name for place in possible),
        inside=Counter(
            found[place].phrase.command.name
            for place in possible
            if found[place].start and not tokens[found[place].start - 1].ends_sentence
        ),
    )
    paired = _paired(tokens, found, possible)
    last_end = max((place for place, each in enumerate(found) if each.phrase.is_end), default=-1)
    obeyed: list[Found] = []
    for place in possible:
        here = found[place]
        if (
            place in sure
            or place in paired
            or _is_backed(tokens, here, said, sure=len(sure))
            or (here.phrase.command.effect is Effect.CAPITALS and place < last_end)
            or _ends_with_it(here, obeyed)
        ):
            obeyed.append(here)
    return tuple(obeyed)


def _phrase_at(tokens: Sequence[Token], place: int) -> Phrase | None:
    for phrase in PHRASES.get(tokens[place].key, ()):
        end = place + len(phrase.words)
        said = tokens[place:end]
        if tuple(token.key for token in said) == phrase.words and not any(
            token.trail or "\n" in token.gap for token in said[:-1]
        ):
            return phrase
    return None


def _is_refused(
    tokens: Sequence[Token], found: Sequence[Found], place: int, *, commas: int
) -> bool:
    here = found[place]
    command, first = here.phrase.command, here.phrase.words[0]
    said = tokens[here.start : here.end]
    if any(set(token.lead + token.trail) & _QUOTES for token in said):
        return True
    signs = signs_of(tokens, found, place)
    if (
        _is_enumeration(found, place)
        or _is_corrected(tokens, found, place)
        or _is_defined(tokens, here, signs)
        or _is_idiom(tokens, here)
        or _is_talked_about(tokens, here, signs)
        or (command.effect is not Effect.DASH and set(said[-1].trail) & DASHES)
        # «одним словом: точка»
        or (command.effect in MARKS and here.start and ":" in tokens[here.start - 1].trail)
    ):
        return True
    after = tokens[here.end] if here.end < len(tokens) else None
    if (
        command.effect is Effect.JOIN
        and after is not None
        and after.key in _AFTER_A_HYPHEN
        and here.start
        and tokens[here.start - 1].key in _ASKING
    ):
        return False
    if here.start and not signs.left:
        before = tokens[here.start - 1]
        begins = here.start == 1 or tokens[here.start - 2].ends_sentence
        if refuses_before(before.word, before.key, first, command.effect, begins=begins):
            return True
    if command.name == "comma" and commas > 1 and _goes_on(tokens, found, place):
        return False
    return (
        after is not None
        and not signs.right
        and not (
            (command.effect in LINES or command.name == "period") and closes_a_letter(tokens, here)
        )
        and refuses_after(after.word, after.key, first, command.effect)
    )


def _is_talked_about(tokens: Sequence[Token], here: Found, signs: Signs) -> bool:
    """Whether what was said before makes the phrase an answer, a choice, a name or an explanation."""
    span = (tokens, here.start, here.end, here.phrase)
    destroys = here.phrase.command.effect in DESTROY
    if destroys and is_broken_off(tokens, here.end):
        return True
    if is_explained(*span) or _is_of_grammar(tokens, here) or (destroys and is_answer(*span)):
        return True
    return not signs.follows and (
        (here.start > 0 and is_a_name(tokens, here.start, here.phrase, is_set_off=signs.left))
        or is_answer(*span)
        or is_told(tokens, here.start, here.phrase)
        or (not signs.right and not signs.leads and is_judged(*span))
        or (not signs.leads and is_choice(*span))
        or (not signs.left and (is_at_a_place(*span) or is_subject(*span)))
    )


def _is_of_grammar(tokens: Sequence[Token], here: Found) -> bool:
    """Whether «слитно» tells how something is written: «Как пишется? Слитно.»."""
    if here.phrase.words != ("слитно",):
        return False
    after = tokens[here.end].key if here.end < len(tokens) else ""
    return after in _IN_GRAMMARS or here.start == 0 or tokens[here.start - 1].ends_sentence


def _is_enumeration(found: Sequence[Found], place: int) -> bool:
    """Whether the names of several marks follow each other: «точка, запятая, двоеточие».

    Quotes and brackets with nothing between them are named, too.
    """
    here = found[place]
    if here.phrase.command.effect not in _ENUMERATED:
        return False
    for left, right in ((place - 1, place), (place, place + 1)):
        if left < 0 or right >= len(found) or found[left].end != found[right].start:
            continue
        names = (found[left].phrase.command.name, found[right].phrase.command.name)
        effects = {found[left].phrase.command.effect, found[right].phrase.command.effect}
        if effects <= _BETWEEN_WORDS and names not in _PAIRS_OF_MARKS:
            return True
        if effects == _HALVES and names[0].startswith("open"):
            return True  # «Кавычки открываются, кавычки закрываются.»
    return False


def _goes_on(tokens: Sequence[Token], found: Sequence[Found], place: int) -> bool:
    """Whether a sentence goes on after a comma, which is not one of several marks: «запятая и точка»."""
    end = found[place].end
    if place + 1 < len(found) and found[place + 1].start <= end + 1:
        return False
    return end + 1 < len(tokens) and may_go_on(tokens[end].key, tokens[end + 1].key)


def _is_corrected(tokens: Sequence[Token], found: Sequence[Found], place: int) -> bool:
    """Whether a text begins with a mark that is said instead of another: «Запятая. Нет, точка.»."""
    if place > 1 or len(found) == 1 or found[0].start or found[0].end + 1 != found[1].start:
        return False
    effects = {each.phrase.command.effect for each in found[:2]}
    return effects <= SIGNS and tokens[found[0].end].key == "нет"


def _is_defined(tokens: Sequence[Token], here: Found, signs: Signs) -> bool:
    """Whether a text begins by telling what a mark is: «Двоеточие, скобка — это смайлик», «пробел… это»."""
    command, trail = here.phrase.command, tokens[here.end - 1].trail
    if not signs.is_first or command.effect not in _BETWEEN_WORDS or here.end == len(tokens):
        return False
    if not trail:
        return command.name != "period" and tokens[here.end].key == "это"
    told = tokens[here.end : here.end + _NEAR]
    return not signs.right_end and any(
        set(left.trail) & DASHES and right.key == "это" for left, right in pairwise(told)
    )


def _is_idiom(tokens: Sequence[Token], here: Found) -> bool:
    """Whether it is «на этом точка», «и точка», «Всё. Точка.», «Ну всё, абзац»."""
    if here.phrase.words not in _IDIOMS or here.start == 0:
        return False
    before = tokens[here.start - 1]
    if before.key == "и":
        return True
    if before.key == "этом" and here.start > 1 and tokens[here.start - 2].key == "на":
        return True
    begins = (
        here.start == 1
        or tokens[here.start - 2].ends_sentence
        or (here.start == 2 and tokens[0].key == "ну")
    )
    return begins and before.key in IDIOMS_BEFORE


def _is_backed(tokens: Sequence[Token], here: Found, said: _Said, *, sure: int) -> bool:
    """Whether other commands in the text make up for what does not set off this one."""
    command = here.phrase.command
    begins = here.start == 0 or tokens[here.start - 1].ends_sentence
    if here.phrase.is_english or (begins and command.effect not in LINES):
        return False
    if command.effect in LINES:
        return _is_one_of_lines(tokens, here, said, sure=sure, begins=begins)
    if command.name == "comma":
        return sure > 0 or said.all[command.name] > 1
    if command.name == "period":
        return sure > 1 or (sure > 0 and said.all[command.name] > 1)
    return sure > 0 and here.phrase.surety is Surety.SIDE and command.effect in MARKS


def _is_one_of_lines(
    tokens: Sequence[Token], here: Found, said: _Said, *, sure: int, begins: bool
) -> bool:
    """Whether others of its kind in the text show that a line is meant."""
    name = here.phrase.command.name
    if name == "new_line" and said.all[name] >= _LIST:
        return True
    if is_set_off_after(tokens, here):
        return False
    if not begins:
        return sure > 0 or said.all[name] > 1
    is_list = here.start == 0 and not has_stops(tokens, here.start, here.end)
    return said.inside[name] > (0 if is_list else 1)


def _ends_with_it(here: Found, obeyed: Sequence[Found]) -> bool:
    """Whether a line ends right after a mark that was said: «двоеточие новая строка»."""
    return (
        here.phrase.command.effect in LINES
        and bool(obeyed)
        and obeyed[-1].end == here.start
        and obeyed[-1].phrase.command.effect in MARKS
    )


def _paired(
    tokens: Sequence[Token], found: Sequence[Found], possible: Sequence[int]
) -> frozenset[int]:
    """Give the places of quotes and brackets that open what another phrase closes, and of those that close it.

    A mark after the first half alone, and none before either, is where a clause ends that talks of it:
    «Не забудь открыть скобку, а потом закрыть скобку». Unless another command follows at once: «… закрыть скобку точка».
    """
    starts = {each.start for each in found}
    paired: set[int] = set()
    closes: dict[str, int] = {}
    for place in reversed(possible):
        kind, what = _half(found[place])
        if kind is Effect.CLOSE:
            closes[what] = place
        elif kind is Effect.OPEN and what in closes:
            begins, ends = (signs_of(tokens, found, each) for each in (place, closes[what]))
            goes_on = found[closes[what]].end in starts
            if begins.left or ends.left or goes_on or not is_set_off_after(tokens, found[place]):
                paired.add(place)
    opened: set[str] = set()
    for place in possible:
        kind, what = _half(found[place])
        if place in paired:
            opened.add(what)
        elif kind is Effect.CLOSE and what in opened:
            paired.add(place)
    return frozenset(paired)


def _half(found: Found) -> tuple[Effect, str]:
    command = found.phrase.command
    return command.effect, command.name.partition("_")[2]

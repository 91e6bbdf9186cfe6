"""Words that only fill a pause are left out: «э-э», «ну вот», «um».

Sounds of hesitation always go. Words that can mean something go only where they are set off on both
sides (by marks, by pauses, by where a sentence begins), or begin a sentence before a word that shows
they are empty; a sentence made of nothing else stays. When in doubt a word stays.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from typing import Final

from workers.text.frequent import PERSONS
from workers.text.hesitations import is_hesitation
from workers.text.pauses import is_pause
from workers.text.removal import without
from workers.text.tokens import SENTENCE_ENDS, Token


@dataclass(frozen=True, slots=True)
class Filler:
    """Words that may be empty, and where they are."""

    words: tuple[str, ...]
    opens_before: frozenset[str] = frozenset()
    """Before these it is empty at the beginning of a sentence, though nothing sets it off."""
    stays_before: frozenset[str] = frozenset()
    """Before these it means something."""
    stays_joined_to: frozenset[str] = frozenset()
    """Before these it means something where no mark parts them."""
    only_after: frozenset[str] | None = None
    """Only after these, or after another filler, is it empty."""
    may_end: bool = True
    """Whether it is empty at the end of a sentence."""
    compares: bool = False
    """Whether it is a comparative too: then it is what a dash tells of the word before it."""
    calls: bool = False
    """Whether it means something in a sentence that ends with an exclamation mark."""


_SPEAKS: Final = (PERSONS - {"ты", "вы"}) | frozenset("это у меня мне нам".split())
"""«Ну ты даёшь!» is left out: there it means something."""
FILLERS: Final = (
    Filler(
        ("ну", "вот"),
        opens_before=_SPEAKS | frozenset("в на потом там тут если когда сегодня завтра".split()),
        stays_before=frozenset("и опять снова еще зачем что где так же уж видишь вам тебе".split()),
    ),
    Filler(
        ("как", "бы"),
        stays_before=frozenset("ни то там".split()),
        stays_joined_to=frozenset({"не"}),
    ),
    Filler(("типа",), stays_before=frozenset("того этого такого".split())),
    Filler(
        ("короче",),
        opens_before=PERSONS - {"оно"},
        stays_before=frozenset("говоря чем и но зато".split()),
        may_end=False,
        compares=True,
        calls=True,
    ),
    Filler(("в", "общем"), opens_before=PERSONS - {"оно"}, stays_before=frozenset({"и"})),
    Filler(("это", "самое"), stays_before=frozenset("что которое как чего".split())),
    Filler(("так", "сказать"), stays_before=frozenset("что чтобы можно нельзя".split())),
    Filler(
        ("значит",),
        stays_before=frozenset("ли что так".split()),
        only_after=PERSONS | frozenset("вот ну".split()),
        may_end=False,
    ),
    Filler(
        ("ну",),
        opens_before=_SPEAKS | frozenset("вообще потом там тут если когда для по то".split()),
        stays_before=frozenset(
            "и да нет что ладно а же конечно давай давайте уж погоди хорошо пожалуйста ну "
            "почему где кто вот очень ты вы слава извини извините наконец-то".split()
        ),
        stays_joined_to=frozenset({"как"}),
        may_end=False,
        calls=True,
    ),
)
"""In the order in which they are tried."""
_SIZES: Final = frozenset("длиннее шире выше ниже толще тоньше дольше".split())
"""«Рукава, короче, подол длиннее»: what one is, too, where the other is one of these."""
_FAR: Final = 30
"""Words in which the beginning or the end of a sentence is looked for."""
_BY_FIRST: Final = {
    first: tuple(filler for filler in FILLERS if filler.words[0] == first)
    for first in {filler.words[0] for filler in FILLERS}
}


def leave_out_fillers(tokens: Sequence[Token], language: str | None = None) -> tuple[Token, ...]:
    """Leave out what only fills a pause; the marks and capital letters around it are repaired.

    Args:
        tokens: a text.
        language: ISO 639-1 code; Russian fillers go from Russian, English ones from English and
            from Russian. In other languages «um» is a word, and all stays. None: not known, both.
    """
    if language not in (None, "ru", "en"):
        return tuple(tokens)
    gone = _you_know(tokens)
    sounds = {place for place in range(len(tokens)) if is_hesitation(tokens, place, language)}
    if language != "en":
        gone |= _empty_words(tokens, sounds)
    gone |= sounds
    return without(tokens, gone) if gone else tuple(tokens)


def _you_know(tokens: Sequence[Token]) -> set[int]:
    """Find «you know» between commas."""
    return {
        place
        for start in range(1, len(tokens) - 1)
        if tokens[start].key == "you"
        and tokens[start + 1].key == "know"
        and tokens[start - 1].trail == ","
        and tokens[start].trail == ""
        and tokens[start + 1].trail == ","
        for place in (start, start + 1)
    }


def _empty_words(tokens: Sequence[Token], sounds: Set[int]) -> set[int]:
    """Find empty words.

    Args:
        tokens: a text.
        sounds: places of hesitations; they set off what is beside them.
    """
    gone: set[int] = set()
    sentence: set[int] = set()  # of the sentence at hand
    keeps = False  # whether a word of it stays
    place = 0
    while place < len(tokens):
        length = 1 if place in sounds else 0
        if not length and tokens[place].key in _BY_FIRST:
            here = _Here(tokens, place, sounds, begins=not keeps, follows=place - 1 in sentence)
            length = _empty_here(here)
        if length and place not in sounds:
            sentence.update(range(place, place + length))
        elif not length:
            keeps, length = True, 1
        place += length
        if tokens[place - 1].ends_sentence and not (
            place - 1 in sounds and place < len(tokens) and tokens[place].word[:1].islower()
        ):
            gone |= sentence if keeps else set()
            sentence, keeps = set(), False
    return gone | sentence if keeps else gone


@dataclass(frozen=True, slots=True, kw_only=True)
class _Beside:
    """What is beside a filler."""

    before: Token | None
    after: Token | None
    """In the same sentence."""
    left: bool
    """Set off from what is before."""
    right: bool


@dataclass(frozen=True, slots=True)
class _Here:
    """A place where a filler may be."""

    tokens: Sequence[Token]
    place: int
    sounds: Set[int]
    begins: bool = field(kw_only=True)
    """Whether no word before it in the sentence stays."""
    follows: bool = field(kw_only=True)
    """Whether the word before it is a filler."""

    def is_called_out(self) -> bool:
        """Whether its sentence ends with an exclamation mark: «Ну, довели страну!»."""
        ahead = self.tokens[self.place : self.place + _FAR]
        return "!" in next((token.trail for token in ahead if token.ends_sentence), "")

    def compares_sizes(self) -> bool:
        """Whether its sentence says of something else how big it is: «Рукава, короче, подол длиннее»."""
        first = last = self.place
        while first > max(0, self.place - _FAR) and not self.tokens[first - 1].ends_sentence:
            first -= 1
        while (
            last < min(len(self.tokens), self.place + _FAR) and not self.tokens[last].ends_sentence
        ):
            last += 1
        return any(token.key in _SIZES for token in self.tokens[first : last + 1])

    def beside(self, end: int) -> _Beside:
        """Look at what is beside the words from here to a place."""
        last = self.tokens[end - 1]
        before = self.tokens[self.place - 1] if self.place else None
        after = self.tokens[end] if end < len(self.tokens) and not last.ends_sentence else None
        return _Beside(
            before=before,
            after=after,
            left=before is None
            or self.begins
            or self.follows
            or self.place - 1 in self.sounds
            or bool(set(before.trail) & {",", "…", "—", "–"})
            or is_pause(before, self.tokens[self.place]),
            right=after is None
            or end in self.sounds
            or bool(set(last.trail) & (SENTENCE_ENDS | {","}))
            or is_pause(last, after),
        )


def _empty_here(here: _Here) -> int:
    """Say how many words from a place on are an empty filler; 0: none."""
    for filler in _BY_FIRST.get(here.tokens[here.place].key, ()):
        said = here.tokens[here.place : here.place + len(filler.words)]
        found = tuple(token.key for token in said) == filler.words
        if (
            found
            and all(token.trail in ("", ",") for token in said[:-1])
            and _is_empty(filler, here)
        ):
            return len(filler.words)
    return 0


def _is_empty(filler: Filler, here: _Here) -> bool:
    end = here.place + len(filler.words)
    beside = here.beside(end)
    before, after = beside.before, beside.after
    if _means_something(filler, here, beside, here.tokens[end - 1]):
        return False
    if filler.only_after is not None and not here.follows:
        if before is None or here.begins or before.key not in filler.only_after:
            return False
    elif (
        here.begins
        and after is not None
        and not here.tokens[end - 1].trail
        and (after.key in filler.opens_before)
    ):
        return True
    return beside.left and beside.right


def _means_something(filler: Filler, here: _Here, beside: _Beside, last: Token) -> bool:
    """Whether what is around the words shows that they mean something; `last` is the last of them."""
    before, after = beside.before, beside.after
    if after is None:
        goes_on = not filler.may_end
    else:
        goes_on = after.key in filler.stays_before or (
            after.key in filler.stays_joined_to and not last.trail
        )
    is_told = before is not None and bool(set(before.trail) & {"—", "–"})
    return (
        goes_on
        or (filler.compares and (is_told or here.compares_sizes()))
        or (filler.calls and here.is_called_out())
    )

"""Terms of several words, wherever they are said.

A hyphen between Cyrillic words parts them as a blank does: nobody says it. So «Анна-Мария Ковач» is
known in «анна мария ковач» and in «анне-марии ковач», which becomes «Анне-Марии Ковач».
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from workers.contract.finishing import Term
from workers.text.frequent import FREQUENT
from workers.text.letters import capitalised, is_cyrillic, is_title
from workers.text.terms.dictionary import (
    HEAD,
    Dictionary,
    PhraseForm,
    heads_of,
    keys_of,
    parted,
    sounds_of,
)
from workers.text.terms.endings import LONGEST
from workers.text.terms.sounds import plain
from workers.text.tokens import Token, read


@dataclass(frozen=True, slots=True)
class Phrase:
    """A term, where it was said."""

    length: int
    """How many tokens said it."""
    written: str


class Parts:
    """A text as phrases are looked for in it: words with hyphens are several."""

    def __init__(self, tokens: Sequence[Token], terms: Dictionary) -> None:
        self._tokens: Final = tokens
        self._terms: Final = terms
        each = [parted(token.word) for token in tokens]
        self._words: Final = tuple(word for words in each for word in words)
        self._keys: Final = tuple(word.lower().replace("ё", "е") for word in self._words)
        self._begins: Final = (0, *accumulate(map(len, each)))
        """Where each token begins, and where the last ends."""
        self._places: Final = {at: place for place, at in enumerate(self._begins)}
        self._sounds: Final = self._heard() if terms.phrases else ()

    def phrase_at(self, place: int, language: str | None) -> Phrase | None:
        """Give the term of several words that begins with a token, the longest; None: none does.

        Args:
            place: of the token.
            language: of what is said; None: not known.
        """
        if not self._sounds:
            return None
        begin = self._begins[place]
        longest: PhraseForm | None = None
        for forms in self._candidates(begin):
            for form in forms:
                if longest is not None and len(form.sounds) <= len(longest.sounds):
                    break
                if self._is_said(form, place, language):
                    longest = form
                    break
        if longest is None:
            return None
        end = begin + len(longest.sounds)
        return Phrase(self._places[end] - place, _written(self._words[begin:end], longest))

    def _heard(self) -> tuple[str, ...]:
        """Give the sounds of the words where a phrase can begin or go on, "" for the others."""
        phrases, inflected = self._terms.phrases, self._terms.inflected
        heads = {sound[:HEAD] for sound in phrases}
        longest = max(len(forms[0].sounds) for forms in phrases.values())
        wanted: dict[int, str] = {}
        for begin in self._begins[:-1]:
            key = self._keys[begin]
            if heads.isdisjoint(heads_of(key)) and not any(cut in inflected for cut in _cuts(key)):
                continue
            for following in range(begin, min(begin + longest, len(self._keys))):
                wanted[following] = self._keys[following]
        found = dict(zip(wanted, sounds_of(wanted.values()), strict=True))
        return tuple(found.get(place, "") for place in range(len(self._keys)))

    def _candidates(self, begin: int) -> list[tuple[PhraseForm, ...]]:
        """Give the forms that may begin with a word, the longest of each row first."""
        rows = [self._terms.phrases.get(self._sounds[begin], ())]
        if self._sounds[begin]:
            rows += [self._terms.inflected.get(cut, ()) for cut in _cuts(self._keys[begin])]
        return rows

    def _is_said(self, form: PhraseForm, place: int, language: str | None) -> bool:
        begin = self._begins[place]
        end = begin + len(form.sounds)
        if end not in self._places or not counts(form.term, language):
            return False
        if self._sounds[begin:end] != form.sounds and not self._is_case_of(form, begin):
            return False
        said = self._tokens[place : self._places[end] - 1]
        if any(token.trail or "\n" in token.gap for token in said):
            return False
        if any(token.lead for token in self._tokens[place + 1 : self._places[end]]):
            return False
        return _is_no_chance(self._keys[begin:end], form)

    def _is_case_of(self, form: PhraseForm, begin: int) -> bool:
        """Whether each word sounds like that of a form, or has another ending of its declension."""
        if not form.cases:
            return False
        for at, (sound, (stem, endings)) in enumerate(
            zip(form.sounds, form.cases, strict=True), start=begin
        ):
            if self._sounds[at] == sound:
                continue
            word = plain(self._keys[at])
            if not stem or not word.startswith(stem) or word[len(stem) :] not in endings:
                return False
            if self._keys[at] in FREQUENT:
                return False  # «дома» is «Дом» less often than not
        return True


def _cuts(key: str) -> list[str]:
    """Give what may be the stem of a word."""
    word = plain(key)
    return [word[: len(word) - length] for length in range(min(LONGEST, len(word) - 1) + 1)]


def counts(term: Term, language: str | None) -> bool:
    """Whether a term is of the language that is said, or of none."""
    return term.language is None or language is None or term.language == language


def _is_no_chance(keys: Sequence[str], form: PhraseForm) -> bool:
    """Whether a phrase of frequent words is the term as the person wrote it, not a form of it."""
    if not all(key in FREQUENT for key in keys):
        return True
    texts = [form.term.term, *form.term.sounds_like]
    return tuple(keys) in {keys_of(text) for text in texts}


def _written(said: Sequence[str], form: PhraseForm) -> str:
    """Write a term; one in Cyrillic letters in the case in which its words were said."""
    term = form.term.term
    words = read(term)
    parts = [parted(token.word) for token in words]
    if not form.is_own or not is_cyrillic(term) or sum(map(len, parts)) != len(said):
        return term
    cased = [
        _cased(*pair) for pair in zip(said, (part for each in parts for part in each), strict=True)
    ]
    if is_title(said[0]):
        cased[0] = capitalised(cased[0])
    ends = list(accumulate(map(len, parts)))
    return " ".join(
        token.lead + "-".join(cased[end - len(part) : end]) + token.trail
        for token, part, end in zip(words, parts, ends, strict=True)
    )


def _cased(said: str, word: str) -> str:
    """Give a said word the capitals of the term's word, and its letters if it is the same."""
    if said.lower().replace("ё", "е") == word.lower().replace("ё", "е"):
        return word
    if word.isupper():
        return said.upper()
    if word.islower():
        return said.lower()
    return capitalised(said) if is_title(word) else said

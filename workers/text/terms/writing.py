"""Words that sound like a person's terms are written as those.

What is said is a term if it is spelt like it or like what it is said to sound like; if it is one of its
forms; if a Latin term is read that way in Russian; or, from six letters on, if only vowels and voices
differ. Frequent words are never taken for a term that is spelt in another way. An ending that was said
stays on a Cyrillic term («в альфавойсе» -> «в Альфавойсе»); a Latin term has none («в кубернетесе» ->
«в Kubernetes»).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from workers.text.frequent import FREQUENT
from workers.text.letters import capitalised, is_cyrillic, is_title
from workers.text.terms.dictionary import (
    SHORTEST_FUZZY,
    SHORTEST_STEM,
    Dictionary,
    Stem,
)
from workers.text.terms.endings import LONGEST, declined
from workers.text.terms.phrases import Parts, counts
from workers.text.terms.sounds import code, differing, plain, skeleton
from workers.text.tokens import Token, one

_SHORTEST_JOINED: Final = 7
"""Letters of a term from which it is known when it was heard as two words."""
_LONGEST_WORD: Final = 60
"""Letters of a word that can be a term heard wrongly."""


def write_terms(
    tokens: Sequence[Token], terms: Dictionary, language: str | None = None
) -> tuple[Token, ...]:
    """Write terms as the person wants them.

    Args:
        tokens: a text.
        terms: the person's, indexed.
        language: ISO 639-1 code of what is said; terms of other languages are left alone. None: not
            known, all terms count.
    """
    if not terms.words and not terms.phrases:
        return tuple(tokens)
    parts = Parts(tokens, terms)
    row: list[Token] = []
    place = 0
    while place < len(tokens):
        phrase = parts.phrase_at(place, language)
        if phrase is not None:
            row += _pieces(tokens[place : place + phrase.length], phrase.written)
            place += phrase.length
            continue
        pair = _joined_at(tokens, place, terms, language)
        if pair is not None:
            row += _pieces(tokens[place : place + 2], pair)
            place += 2
            continue
        token = tokens[place]
        written = _word_written(token, terms, language)
        row += [token] if written is None else _pieces([token], written)
        place += 1
    return tuple(row)


def _pieces(said: Sequence[Token], written: str) -> list[Token]:
    """Put a term, of one word or more, in the place of what was said."""
    whole = replace(one(said, written), is_spelt=True)
    words = written.split()
    if len(words) < 2:
        return [whole]
    return [
        replace(
            whole,
            word=word,
            lead=whole.lead if place == 0 else "",
            trail=whole.trail if place == len(words) - 1 else "",
            gap=whole.gap if place == len(words) - 1 else " ",
        )
        for place, word in enumerate(words)
    ]


def _word_written(token: Token, terms: Dictionary, language: str | None) -> str | None:
    term = terms.words.get(token.key)
    if term is not None and counts(term, language):
        return _as_begun(term.term, token)
    if token.key in FREQUENT or not SHORTEST_STEM <= len(token.key) <= _LONGEST_WORD:
        return None
    if not is_cyrillic(token.word):
        return None
    word = plain(token.key)
    found = _form_of(word, terms, language) or _slip_of(word, terms, language)
    if found is None:
        return None
    stem, ending = found
    return _as_begun(_inflected(stem.term.term, ending, token.key), token)


def _form_of(word: str, terms: Dictionary, language: str | None) -> tuple[Stem, str] | None:
    for length in range(min(LONGEST, len(word) - SHORTEST_STEM) + 1):
        cut = len(word) - length
        for stem in terms.stems.get(word[:cut], ()):
            if word[cut:] in stem.endings and counts(stem.term, language):
                return stem, word[cut:]
    return None


def _slip_of(word: str, terms: Dictionary, language: str | None) -> tuple[Stem, str] | None:
    best: tuple[int, Stem, str] | None = None
    for length in range(min(LONGEST, len(word) - SHORTEST_FUZZY) + 1):
        cut = len(word) - length
        coded = code(word[:cut])
        for stem in terms.skeletons.get(skeleton(coded), ()):
            if word[cut:] not in stem.endings or not counts(stem.term, language):
                continue
            if coded[:1] != stem.coded[:1]:
                continue
            most = len(coded) // 4 - 1  # 1 letter from 8 on, 2 from 12 on
            away = differing(coded, stem.coded)
            if away <= most and (best is None or away < best[0]):
                best = (away, stem, word[cut:])
    return None if best is None else best[1:]


def _inflected(term: str, ending: str, key: str) -> str:
    """Put the said ending on a Cyrillic term; Latin ones and phrases have none."""
    if not is_cyrillic(term) or len(term.split()) > 1 or term.isupper():
        return term
    stem, endings = declined(term.lower().replace("ё", "е"))
    if key.endswith("ью") and "ью" in endings:
        ending = "ью"
    if ending not in endings or (ending == "" and term[-1:] == "ь"):
        return term
    return term[: len(stem)] + ending


def _as_begun(written: str, token: Token) -> str:
    """Keep the capital letter of a sentence's beginning on a Cyrillic term that has none."""
    if is_title(token.word) and is_cyrillic(written) and written == written.lower():
        return capitalised(written)
    return written


def _joined_at(
    tokens: Sequence[Token], place: int, terms: Dictionary, language: str | None
) -> str | None:
    """Know a term that was heard as two words: «кубер нетес»."""
    if place + 1 >= len(tokens):
        return None
    left, right = tokens[place], tokens[place + 1]
    if left.trail or right.lead or not is_cyrillic(left.word) or not is_cyrillic(right.word):
        return None
    if left.key in FREQUENT or right.key in FREQUENT:
        return None
    key = left.key + right.key
    if not _SHORTEST_JOINED <= len(key) <= _LONGEST_WORD:
        return None
    found = _form_of(plain(key), terms, language)
    if found is None:
        return None
    stem, ending = found
    return _as_begun(_inflected(stem.term.term, ending, key), left)

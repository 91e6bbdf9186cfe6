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

from workers.contract.finishing import Term
from workers.text.frequent import FREQUENT
from workers.text.letters import capitalised, is_cyrillic, is_title
from workers.text.terms.dictionary import (
    HEAD,
    SHORTEST_FUZZY,
    SHORTEST_STEM,
    Dictionary,
    PhraseForm,
    Stem,
    heads_of,
    sounds_of,
)
from workers.text.terms.endings import LONGEST, declined
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
    sounds = _sounds(tokens, terms)
    row: list[Token] = []
    place = 0
    while place < len(tokens):
        form = _phrase_at(tokens, sounds, place, terms, language)
        if form is not None:
            said = tokens[place : place + len(form.sounds)]
            row += _pieces(said, _phrase_written(said, form))
            place += len(said)
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


def _sounds(tokens: Sequence[Token], terms: Dictionary) -> list[str]:
    """Give the sounds of the words where a phrase can begin or go on, "" for the others."""
    heads = {sound[:HEAD] for sound in terms.phrases}
    longest = max((len(forms[0].sounds) for forms in terms.phrases.values()), default=0)
    wanted: dict[int, str] = {}
    for place, token in enumerate(tokens):
        if heads and not heads.isdisjoint(heads_of(token.key)):
            for following in range(place, min(place + longest, len(tokens))):
                wanted[following] = tokens[following].key
    found = dict(zip(wanted, sounds_of(wanted.values()), strict=True))
    return [found.get(place, "") for place in range(len(tokens))]


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


def _counts(term: Term, language: str | None) -> bool:
    return term.language is None or language is None or term.language == language


def _word_written(token: Token, terms: Dictionary, language: str | None) -> str | None:
    term = terms.words.get(token.key)
    if term is not None and _counts(term, language):
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
            if word[cut:] in stem.endings and _counts(stem.term, language):
                return stem, word[cut:]
    return None


def _slip_of(word: str, terms: Dictionary, language: str | None) -> tuple[Stem, str] | None:
    best: tuple[int, Stem, str] | None = None
    for length in range(min(LONGEST, len(word) - SHORTEST_FUZZY) + 1):
        cut = len(word) - length
        coded = code(word[:cut])
        for stem in terms.skeletons.get(skeleton(coded), ()):
            if word[cut:] not in stem.endings or not _counts(stem.term, language):
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


def _phrase_at(
    tokens: Sequence[Token],
    sounds: Sequence[str],
    place: int,
    terms: Dictionary,
    language: str | None,
) -> PhraseForm | None:
    for form in terms.phrases.get(sounds[place], ()):
        end = place + len(form.sounds)
        said = tokens[place:end]
        if (
            tuple(sounds[place:end]) == form.sounds
            and _counts(form.term, language)
            and not any(token.trail or "\n" in token.gap for token in said[:-1])
            and _is_no_chance(said, form)
        ):
            return form
    return None


def _is_no_chance(said: Sequence[Token], form: PhraseForm) -> bool:
    """Whether a phrase of frequent words is the term as the person wrote it, not a form of it."""
    keys = [token.key for token in said]
    if not all(key in FREQUENT for key in keys):
        return True
    texts = [form.term.term, *form.term.sounds_like]
    return " ".join(keys) in {" ".join(text.lower().replace("ё", "е").split()) for text in texts}


def _phrase_written(said: Sequence[Token], form: PhraseForm) -> str:
    words = form.term.term.split()
    if not form.is_own or len(words) != len(said) or not is_cyrillic(form.term.term):
        return form.term.term
    return " ".join(_cased(token, word) for token, word in zip(said, words, strict=True))


def _cased(token: Token, word: str) -> str:
    """Give a said word the capitals of the term's word, and its letters if it is the same."""
    if token.key == word.lower().replace("ё", "е"):
        return word if not is_title(token.word) else capitalised(word)
    if word.isupper():
        return token.word.upper()
    return capitalised(token.word) if is_title(word) else token.word

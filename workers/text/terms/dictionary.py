"""A person's terms, indexed by how they sound."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice, product
from typing import Final

from workers.contract.finishing import Term
from workers.text.frequent import CONJUNCTIONS, PREPOSITIONS
from workers.text.letters import has_latin, is_cyrillic
from workers.text.stemming import stems
from workers.text.terms.endings import declined
from workers.text.terms.sounds import code, plain, readings, skeleton, spelt_out
from workers.text.tokens import read

SHORTEST_STEM: Final = 4
"""Letters below which a term is known only as it is written or as the person says it sounds."""
SHORTEST_FUZZY: Final = 6
"""Letters of a stem from which other vowels and voices are taken for a slip. Shorter words have too
many neighbours: «слог» sounds like Slack."""
HEAD: Final = 3
"""Letters of a sound by which most words are told from the beginning of a phrase, before their stem,
which is dear, is looked for."""
_SHORTEST_INFLECTED: Final = 3
"""Letters of a word of a phrase from which it is looked for in all its cases."""
_HAVE_NO_CASES: Final = PREPOSITIONS | CONJUNCTIONS
_MOST_PHRASE_READINGS: Final = 12
LONGEST_PHRASE: Final = 8
"""Words of a term or of a form; longer ones are no terms but texts, which snippets are for."""
MOST_PHRASES: Final = 5_000
"""Forms of several words in one dictionary: each is stemmed, and takes a fifth of a millisecond."""
_MOST_ALIKE: Final = 50
"""Stems with the same consonants that a slip is looked for among."""


@dataclass(frozen=True, slots=True)
class Stem:
    """A term as one said word without its ending."""

    term: Term
    endings: frozenset[str]
    coded: str
    """Its code, for comparing."""


@dataclass(frozen=True, slots=True)
class PhraseForm:
    """A term as several said words."""

    sounds: tuple[str, ...]
    term: Term
    is_own: bool
    """Whether it is the term itself, so that the said forms of its words can be kept."""
    cases: tuple[tuple[str, frozenset[str]], ...] = ()
    """Of each word the plain stem and the endings it may have, as of a noun; "" and none where it has
    no cases. Snowball takes «систему» for an adjective, and short words have no stem for it."""


@dataclass(frozen=True, slots=True)
class Dictionary:
    """Terms by how they sound; make it once for a person, with `indexed`."""

    words: Mapping[str, Term]
    """By the word as it is written or said to sound, small letters."""
    stems: Mapping[str, tuple[Stem, ...]]
    """By the plain stem."""
    skeletons: Mapping[str, tuple[Stem, ...]]
    """By the consonants of the stem."""
    phrases: Mapping[str, tuple[PhraseForm, ...]]
    """By the sound of the first word; the longest first."""
    inflected: Mapping[str, tuple[PhraseForm, ...]]
    """By the plain stem of the first word, of those that have cases; the longest first."""


def indexed(terms: Iterable[Term]) -> Dictionary:
    """Index terms; of two that sound alike the first wins.

    What goes beyond `MOST_PHRASES` and `LONGEST_PHRASE` is left out, so that no dictionary takes more
    than a second or two.
    """
    words: dict[str, Term] = {}
    found: dict[str, list[Stem]] = {}
    skeletons: dict[str, list[Stem]] = {}
    phrases: dict[str, list[PhraseForm]] = {}
    inflected: dict[str, list[PhraseForm]] = {}
    count = 0
    for term in terms:
        own = _keys(term.term)
        said = [own, *(_keys(form) for form in term.sounds_like)]
        for keys in said:
            if len(keys) == 1 and not (term.is_case_sensitive and keys == own):
                words.setdefault(keys[0], term)
                _index_word(term, keys[0], found, skeletons)
        for form in islice(_phrase_forms(term, own, said), MOST_PHRASES - count):
            phrases.setdefault(form.sounds[0], []).append(form)
            if form.cases and form.cases[0][0]:
                inflected.setdefault(form.cases[0][0], []).append(form)
            count += 1
    return Dictionary(
        words=words,
        stems={stem: tuple(each) for stem, each in found.items()},
        skeletons={sound: tuple(each) for sound, each in skeletons.items()},
        phrases=_longest_first(phrases),
        inflected=_longest_first(inflected),
    )


def _longest_first(phrases: Mapping[str, list[PhraseForm]]) -> dict[str, tuple[PhraseForm, ...]]:
    return {
        first: tuple(sorted(forms, key=lambda form: -len(form.sounds)))
        for first, forms in phrases.items()
    }


def parted(word: str) -> tuple[str, ...]:
    """Part a word where it has hyphens that nobody hears: between Cyrillic words."""
    parts = tuple(word.split("-")) if "-" in word else (word,)
    return parts if all(part.isalpha() and is_cyrillic(part) for part in parts) else (word,)


def keys_of(text: str) -> tuple[str, ...]:
    """Give the words of a term or of a form as they are compared, those with hyphens parted."""
    return tuple(part for key in _keys(text) for part in parted(key))


def sounds_of(keys: Iterable[str]) -> tuple[str, ...]:
    """Spell the words of a phrase by their sound, without endings; short words as they are."""
    plains = [plain(key) if not has_latin(key) else key for key in keys]
    return tuple(
        code(stem) if len(word) >= SHORTEST_STEM and is_cyrillic(word) else word
        for word, stem in zip(plains, stems(plains), strict=True)
    )


def heads_of(key: str) -> tuple[str, ...]:
    """Give the beginnings, of up to three letters, of what `sounds_of` may give for a word."""
    word = plain(key) if not has_latin(key) else key
    if len(word) >= SHORTEST_STEM and is_cyrillic(word):
        word = code(word)
    return word[:1], word[:2], word[:HEAD]


def _keys(text: str) -> tuple[str, ...]:
    return tuple(token.key for token in read(text) if token.word)


def _index_word(
    term: Term, key: str, found: dict[str, list[Stem]], skeletons: dict[str, list[Stem]]
) -> None:
    said = [key] if is_cyrillic(key) else list(readings(_written_like(term.term, key)))
    for word in said:
        stem, endings = declined(word)
        stem = plain(stem)
        if len(stem) < SHORTEST_STEM:
            continue
        coded = code(stem)
        entry = Stem(term, endings, coded)
        found.setdefault(stem, []).append(entry)
        same = skeletons.setdefault(skeleton(coded), [])
        if len(stem) >= SHORTEST_FUZZY and len(same) < _MOST_ALIKE and entry not in same:
            same.append(entry)


def _read_so(keys: tuple[str, ...]) -> Iterable[tuple[str, ...]]:
    """Give a phrase as it is spelt, and as its Latin words may be read."""
    read_so = [readings(key)[:2] if has_latin(key) else (key,) for key in keys]
    return (keys, *islice(product(*read_so), _MOST_PHRASE_READINGS))


def _cases_of(key: str) -> tuple[str, frozenset[str]]:
    if len(key) < _SHORTEST_INFLECTED or key in _HAVE_NO_CASES or not is_cyrillic(key):
        return "", frozenset()
    stem, endings = declined(key)
    return plain(stem), endings


def _written_like(term: str, key: str) -> str:
    """Give the capitals inside a term to its key: they tell where its parts begin."""
    return term if term.lower() == key else key


def _phrase_forms(
    term: Term, own: tuple[str, ...], said: Iterable[tuple[str, ...]]
) -> Iterable[PhraseForm]:
    for keys in said:
        is_own = keys == own
        if is_own and term.is_case_sensitive:
            continue
        parts = tuple(part for key in keys for part in parted(key))
        for words in dict.fromkeys((parts, *_read_so(keys))):
            if 2 <= len(words) <= LONGEST_PHRASE:
                cases = tuple(map(_cases_of, words)) if words == parts else ()
                yield PhraseForm(sounds_of(words), term, is_own, cases)
    letters = spelt_out(term.term)
    if letters:
        yield PhraseForm(sounds_of(letters), term, False)

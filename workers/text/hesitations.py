"""Sounds of hesitation: «э-э», «эм», «ммм», “um”.

Most are nothing else. «Э», «эм», «мм» and «ааа» are names of letters, of a unit and of a rating too, and a
letter that is left out of a number plate or a formula is worse than a sound that stays: they go only where
something shows that somebody hesitates.
"""

import re
from collections.abc import Sequence
from typing import Final

from workers.text.frequent import CONJUNCTIONS, PERSONS, PREPOSITIONS, SENTENCE_OPENERS
from workers.text.numbers.numerals import NUMERALS
from workers.text.pauses import is_pause
from workers.text.tokens import SENTENCE_ENDS, Token

_SOUNDS: Final = re.compile(r"э(?:-?э)*(?:-?м)*|м(?:-?м)+|а(?:-а){2,}|а{3,}")
_ENGLISH: Final = re.compile(r"u+h+|u+h*m+|e+rm+")
_LETTER_NAMES: Final = frozenset(
    "бэ вэ гэ дэ жэ зэ ка эль эл эм эн пэ эр эс тэ эф ха цэ че ша ща ю "
    "эй би си ди джи ай джей кей оу пи кью ар ти ви экс уай зет".split()
)
_NAMES: Final = frozenset({"э", "эм", "мм", "ммм", "ааа"})
"""Sounds that are names of letters, of a unit, a firm or a rating too."""
_NAMES_A_LETTER: Final = re.compile(
    r"букв\w{0,3}|звук\w{0,3}|батаре\w{0,5}|рейтинг\w{0,3}|класс\w?|размер\w{0,3}|компани\w{1,2}|акци\w{1,2}"
)
_HESITATES: Final = SENTENCE_ENDS | {","}
"""After these no letter is named: «Размер, эм, большой.»"""
_EMPTY: Final = frozenset({"ну", "вот", "короче", "значит", "типа"})
_UNFINISHED: Final = (PREPOSITIONS | CONJUNCTIONS | PERSONS | _EMPTY) - {"или", "по"}
"""With a mark after the sound behind these somebody hesitates: «хлеба и эм, молока»."""
_OPENERS: Final = SENTENCE_OPENERS | {"ну"}
_NEAR: Final = 3
"""Words after a dash that tell what a letter is."""


def is_hesitation(tokens: Sequence[Token], place: int, language: str | None) -> bool:
    """Whether a word is a sound that only fills a pause.

    Args:
        tokens: a text.
        place: of the word.
        language: ISO 639-1 code; None: not known.
    """
    key = "" if _is_all_capitals(tokens[place].word) else tokens[place].key
    if key[:1] in "ue" and _ENGLISH.fullmatch(key):
        return bool(key)
    if language == "en" or key[:1] not in "эма" or not _SOUNDS.fullmatch(key):
        return False
    return key not in _NAMES or not _is_a_name(tokens, place)


def _is_a_name(tokens: Sequence[Token], place: int) -> bool:
    """Whether a sound may be the name of something."""
    token = tokens[place]
    before = tokens[place - 1] if place else None
    after = tokens[place + 1] if place + 1 < len(tokens) else None
    if _is_explained(tokens, place) or (before is not None and _is_named(before)):
        return True
    near = (*tokens[max(0, place - 2) : place], *tokens[place + 1 : place + 3])
    if token.key in {"э", "эм"} and any(_is_letter(each.key) for each in near):
        return True
    if token.key == "эм":
        return not _interrupts(before, token, after)
    # «до н. э.» is none
    return token.key in {"э", "мм"} and not (
        token.trail[:1] != "."
        and _is_set_off_before(before, token)
        and _is_set_off_after(token, after)
    )


def _interrupts(before: Token | None, token: Token, after: Token | None) -> bool:
    """Whether «эм» shows by what is around it that it is no letter."""
    left, right = _is_set_off_before(before, token), _is_set_off_after(token, after)
    begins = before is None or before.ends_sentence
    if before is not None and "?" in before.trail and token.ends_sentence:
        return False  # «Какой размер? Эм.»
    if left and right:
        return True
    if left and after is not None:
        return not _is_numeral(after) and after.key in (_OPENERS if begins else PERSONS | _EMPTY)
    if before is None:
        return False
    if right:
        return not token.ends_sentence and before.key in _UNFINISHED
    return before.key in PERSONS | _EMPTY and not (after is not None and _is_numeral(after))


def _is_set_off_before(before: Token | None, token: Token) -> bool:
    return (
        before is None
        or bool(before.trail.strip())
        or is_pause(before, token)
        or _is_sound(before.key)
    )


def _is_set_off_after(token: Token, after: Token | None) -> bool:
    return (
        after is None or bool(token.trail.strip()) or is_pause(token, after) or _is_sound(after.key)
    )


def _is_sound(key: str) -> bool:
    """Whether a word is a sound of hesitation and nothing else."""
    return key not in _NAMES and _SOUNDS.fullmatch(key) is not None


def _is_explained(tokens: Sequence[Token], place: int) -> bool:
    """Whether it is told what a letter is: «Э — это буква.», «Эм — средний размер.»."""
    if tokens[place].trail.strip() not in ("—", "–"):
        return False
    told = tokens[place + 1 : place + 1 + _NEAR]
    return any(token.key == "это" or _NAMES_A_LETTER.fullmatch(token.key) for token in told)


def _is_named(before: Token) -> bool:
    """Whether the word before says that a letter, a unit or a rating follows."""
    return not _HESITATES.intersection(before.trail) and (
        _NAMES_A_LETTER.fullmatch(before.key) is not None or before.key[-1:].isdigit()
    )


def _is_all_capitals(word: str) -> bool:
    """Whether it names something: «МММ», a rating «ААА»; not «Э», «М-М-М»."""
    return len(word) > 1 and word.isupper() and "-" not in word


def _is_letter(key: str) -> bool:
    """Whether a word is a letter or the name of one; «я», «и», «в» are words."""
    return key in _LETTER_NAMES or (
        len(key) == 1 and key.isalpha() and key not in PREPOSITIONS | CONJUNCTIONS | PERSONS
    )


def _is_numeral(token: Token) -> bool:
    return token.key in NUMERALS or token.key[:1].isdigit()

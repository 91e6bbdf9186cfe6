"""Obscene words are masked but for their first and last letter: «б***ь». Off by default.

The patterns are ours: the roots of Russian obscenity with the prefixes and endings they take. They
match whole words, so «застрахуй», «хлебать», «оскорблять», «команда» and «Scunthorpe» are none; a word
that looks like one all the same is in `INNOCENT`. Rude words that are not obscene are left alone.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from workers.text.tokens import Token

_AWAY: Final = (
    "на|по|за|до|вы|у|о|про|при|пере|недо|не|ни|долбо|мозго|разъ|разь|раз|подъ|подь|отъ|оть|объ|обь|"
    "повы|поза|пона|изъ|изь|съ|сь|въ|вь|взъ|взь|межъ|худо|"
)
_OBSCENE: Final = re.compile(
    rf"(?:{_AWAY})[её]б(?:[аеиоуыялнкшщ]\w*|)|"  # the verb and all that comes of it
    r"(?:на|по|за|до|о|а|не|ни|от|рас|при|пере|вы|под|у|)ху(?:[йеияю]\w*)|хули|"
    r"\w*пизд\w*|"
    r"(?:вы|на|по|про|за|разъ?|от|пере|)бляд\w*|бля|блят[ьи]|"
    r"манд(?:а|ы|е|у|ой|ою)|мандавош\w*|"
    r"муд(?:ак|ач|ац|ил|озвон|ень)\w*|"
    r"(?:за|)залуп\w*|"
    r"пид(?:о|а)р(?:ас\w*|ок|к\w|ы|а|у|ом|ов|ам|ами|ах|ск\w*|)|"
    r"г[ао]ндон\w*|"
    r"сук(?:а|и|е|у|ой|ою|ам|ами|ах)"
)
_ENGLISH_OBSCENE: Final = re.compile(
    r"(?:mother|cluster|)fuck(?:s|ed|er|ers|ing|in|up|ups|face|wit|)|"
    r"(?:bull|horse|dip|chicken|)shit(?:s|ty|ting|ted|head|heads|hole|holes|show|storm|)|"
    r"cunts?|bitch(?:es|y|ing|)|(?:ass|arse)holes?"
)
INNOCENT: Final = frozenset("ебитда ебитды ебитде ебитду ебитдой ебук ебука ебуки".split())
"""Words that the patterns would take for obscene."""
_SHORTEST: Final = 3
_LONGEST: Final = 40
"""Letters between which a word can be obscene."""


def mask_profanity(tokens: Sequence[Token]) -> tuple[Token, ...]:
    """Mask obscene words of Russian and English; the parts of «бля-бля» are words of their own."""
    return tuple(_masked(token) for token in tokens)


def is_obscene(key: str) -> bool:
    """Whether a word is obscene.

    Args:
        key: in small letters, ё as е.
    """
    if not _SHORTEST <= len(key) <= _LONGEST or key in INNOCENT:
        return False
    pattern = _ENGLISH_OBSCENE if key.isascii() else _OBSCENE
    return pattern.fullmatch(key) is not None


def _masked(token: Token) -> Token:
    parts = token.word.split("-")
    hidden = [
        f"{part[0]}{'*' * (len(part) - 2)}{part[-1]}"
        if is_obscene(part.lower().replace("ё", "е"))
        else part
        for part in parts
    ]
    return replace(token, word="-".join(hidden)) if hidden != parts else token

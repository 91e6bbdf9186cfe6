"""Words of a command that deletes, which somebody said, or which are one of several choices.

«Мама пишет. Отмени.» and «Варианты. Принять. Отменить.» are sentences of their own as such commands are. The
verbs are listed by their stems: a deletion that is not obeyed is seen at once, words that are lost are not.
"""

import re
from collections.abc import Sequence
from typing import Final

from workers.text.commands.evidence import DESTROY, sentence_before
from workers.text.commands.table import Phrase
from workers.text.frequent import PERSONS
from workers.text.merging.marks import mark_of
from workers.text.tokens import Token

_SAYS: Final = re.compile(
    # he says
    r"(?:с|у|при|подс|выс)каз(?:ал|ыва|ан[оы])\w{0,3}|(?:под|при)?скаж\w{1,3}|(?:про)?говор[ияю]\w{0,3}|"
    r"отве(?:ча|ти|тя|ть)\w{0,3}|(?:за|вы|про)?кри[кч]\w{1,4}|(?:про)?шеп(?:н|т|ч)\w{2,4}|"
    r"объяв(?:и|ля)\w{1,3}|заяв(?:и|ля)\w{1,3}|повтор[ия]\w{1,3}|глас(?:ит|ил\w?)|"
    # he writes
    r"(?:на|от|пере|при)?пи(?:са[лн]|сать|сыва|ш)\w{1,3}|(?:на|от|пере|при)?писал|(?:про)?дикт(?:ова|у)\w{1,3}|"
    # he wants
    r"(?:по|у|с)?прос(?:и[лтм]|ят|и)\w{0,2}|(?:по)?прошу|команд(?:а|у[ею]|ова)\w{0,3}|вел(?:ел\w{0,2}|ит|ят|ено)|"
    r"(?:при|у)каж\w{1,3}|(?:по)?треб(?:ует|уют|уем|ую|ова[лт]\w?)|(?:по)?совет(?:у[ею]|ова)\w{0,3}|"
    r"рекоменд(?:у|ова)\w{1,3}|предл(?:ага\w{1,3}|ож(?:и[лт]\w?|у|ат))|умол[яи]\w{1,3}|"
    r"распоря(?:ди|жа)\w{1,4}|поруч(?:[аи]|ен)\w{1,3}|настаива\w{1,3}|"
    r"say|says|said|tells?|told|orders|ordered|writes?|wrote|asks?|asked|shout(?:s|ed)|replie[sd]|reads"
)
"""At the end of a sentence, or before the one it is said to: what follows is what was said."""
_DECIDES: Final = re.compile(
    r"реш(?:ил|а[ею]|ен)\w{0,3}|постанов(?:ил|ля|лен)\w{0,3}|надпись|слов[оа]|(?:по)?думал\w?"
)
"""At the end of a sentence only: «Мы решили. Отменить.», but «Решили проблему. Отмени.»"""
_TO_WHOM: Final = re.compile(r"\w+(?:у|(?<!ь)ю|е|[аяе]м|им|ей)|им|ей|так|me|him|her|us|them")
_ADDRESSED: Final = frozenset("мне тебе ему ей нам вам им".split())
"""«Она мне. Отмени.»"""
_ORDERS: Final = re.compile(
    r"(?:приказ|указани|распоряжени|требовани|рекомендаци|просьб|решени|предложени|задач|совет)\w?"
)
"""Before an infinitive: «Есть указание. Отменить.»"""
_CHOOSES: Final = re.compile(
    r"(?:вариант|кнопк|выбор|выб[еи]р|нажм|нажал|нажат)\w{0,4}|голос(?:у|ова)\w{1,4}|предлага\w{1,3}|"
    r"предлож(?:и[лт]\w?|у|ат|ен[оы])"
)
_UNDO: Final = frozenset({"отмени", "отменить"})
_INFINITIVE: Final = re.compile(
    r"(?!(?:ночь|дочь|речь|печать|кровать|память|опять|девять|десять|\w+дцать|\w+ости|власти|области)$)"
    r"\w{2,}(?:ать|ять|ить|еть|уть|оть|сти|зти|чь|ться|тись|чься)"
)
"""Frequent words that only end like one are none."""
_INFINITIVES: Final = frozenset({"отменить", "удалить"})
_SUBORDINATING: Final = frozenset({"если", "когда", "пока", "if", "when", "unless"})
"""At the beginning of a sentence without a comma: a clause whose main one is to come, «Если не отправили. Отмени.»"""
_ANNOUNCES: Final = re.compile(r"так(?:ое|ие|ой|ая|ово|овы)|следующ\w{2,3}")


def is_told(tokens: Sequence[Token], start: int, phrase: Phrase) -> bool:
    """Whether a phrase that deletes is what somebody said: «Мама пишет. Отмени.», «Врач велел мне. Отменить.»."""
    if phrase.command.effect not in DESTROY:
        return False
    said = sentence_before(tokens, start)
    *rest, last = ["", *(token.key for token in said)]
    is_condition = (
        phrase.words[0] in _UNDO
        and bool(said)
        and said[0].key in _SUBORDINATING
        and not any(token.trail for token in said[:-1])
    )
    return (
        is_condition
        or _SAYS.fullmatch(last) is not None
        or _DECIDES.fullmatch(last) is not None
        or _ANNOUNCES.fullmatch(last) is not None
        or (
            bool(rest)
            and _SAYS.fullmatch(rest[-1]) is not None
            and _TO_WHOM.fullmatch(last) is not None
        )
        or (len(rest) > 1 and rest[-1] in PERSONS and last in _ADDRESSED)
    )


def is_broken_off(tokens: Sequence[Token], end: int) -> bool:
    """Whether somebody stopped to think after a phrase that ends before a place: «Отмени… встречу»."""
    return end < len(tokens) and mark_of(tokens[end - 1].trail) == "…"


def is_choice(tokens: Sequence[Token], start: int, end: int, phrase: Phrase) -> bool:
    """Whether the phrase is one of what may be done: «Варианты. Принять. Отменить.», «Нажмите кнопку. Отменить.»."""
    if phrase.command.effect not in DESTROY:
        return False
    said = sentence_before(tokens, start)
    if phrase.words[0] in _UNDO and any(_CHOOSES.fullmatch(token.key) for token in said):
        return True
    if phrase.words[0] not in _INFINITIVES:
        return False
    if end < len(tokens) and _INFINITIVE.fullmatch(tokens[end].key):
        return True
    return bool(said) and (
        len(said) == 1
        or _INFINITIVE.fullmatch(said[0].key) is not None
        or _ORDERS.fullmatch(said[-1].key) is not None
    )

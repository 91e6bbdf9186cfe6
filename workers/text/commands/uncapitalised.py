"""Words that lose their capital letter where a command makes them go on with a sentence.

A word that is none of these may be a name, and keeps its capital: «Директор. Тире. Иван.».
"""

import re
from typing import Final

from workers.text.frequent import FREQUENT

_DAYS_AND_MONTHS: Final = frozenset(
    "понедельник понедельника понедельнику вторник вторника вторнику среда среды среду среде четверг "
    "четверга четвергу пятница пятницы пятницу пятнице суббота субботы субботу субботе воскресенье "
    "воскресенья воскресенью январь января январе февраль февраля феврале март марта марте апрель "
    "апреля апреле мая мае июнь июня июне июль июля июле августе сентябрь сентября сентябре октябрь "
    "октября октябре ноябрь ноября ноябре декабрь декабря декабре".split()
)
"""But for those that are first names too."""
_ENDINGS: Final = re.compile(
    r"\w{2,}(?:ция|ции|цию|цией|ность|ности|остью|ение|ению|ением|ание|анию|анием|ство|ством)"
)
"""Of nouns made from verbs and adjectives: no name of a person ends so."""
_OTHERS: Final = frozenset(
    "поздно рано тихо громко холодно жарко тепло темно светло долго легко трудно дорого дешево весело "
    "грустно страшно странно интересно столица спросил спросила ответил ответила ответили крикнул "
    "крикнула подумал подумала добавил добавила глава раздел".split()
)


def is_common(key: str) -> bool:
    """Whether nobody would write a word with a capital letter inside a sentence; key as rules look for it."""
    return (
        key in FREQUENT
        or key in _OTHERS
        or key in _DAYS_AND_MONTHS
        or _ENDINGS.fullmatch(key) is not None
    )

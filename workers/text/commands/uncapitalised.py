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
    r"(?!флор|гораци|далмаци)\w+(?:[аякпу]|ен|лю)ци(?:я|и|ю|ей)|"
    r"\w{2,}(?:ность|ности|остью|ение|ением|ание|анием|ство|ством)"
)
"""Of nouns made from verbs and adjectives: but for the three, no name of a person or a country ends so,
as Франция, Греция, Турция, Патриция do, and Германию and Армению."""
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

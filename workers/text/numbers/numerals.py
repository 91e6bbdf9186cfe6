"""The words of Russian numbers in all their forms: cardinals, ordinals, and what divides.

The forms are those of the Academy grammar (Russkaya grammatika, 1980, §§ 1364-1376), made from
tables of stems and endings. Words are in small letters with ё as е.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import Final


class Rank(IntEnum):
    """The place of a numeral in a number said in words."""

    ZERO = 0
    UNIT = 1  # 1 to 9
    TEEN = 2  # 10 to 19
    TEN = 3  # 20, 30, … 90
    HUNDRED = 4  # 100, 200, … 900
    SCALE = 5  # 1000, 1,000,000 and so on


@dataclass(frozen=True, slots=True)
class Numeral:
    """A word that is a number, or a part of one."""

    value: int
    rank: Rank
    ending: str = ""
    """Of an ordinal, what is written after the digits: «й», «го», «я»; "" of a cardinal."""
    nominative: bool = True
    """Whether it can be the form that answers "how many?" without a preposition."""
    singular: bool = True
    """Of a scale, whether it is «тысяча», «тысячу», not «тысячи»."""

    @property
    def is_ordinal(self) -> bool:
        """Whether it is «пятый», not «пять»."""
        return bool(self.ending)


_UNITS: Final = {
    1: "один одна одно одну | одного одному одним одном одной одною",
    2: "два две | двух двум двумя",
    3: "три | трех трем тремя",
    4: "четыре | четырех четырем четырьмя",
    5: "пять | пяти пятью",
    6: "шесть | шести шестью",
    7: "семь | семи семью",
    8: "восемь | восьми восемью восьмью",
    9: "девять | девяти девятью",
}
_TEENS: Final = (
    "десят одиннадцат двенадцат тринадцат четырнадцат пятнадцат шестнадцат семнадцат "
    "восемнадцат девятнадцат"
).split()
_TENS: Final = {
    20: "двадцать | двадцати двадцатью",
    30: "тридцать | тридцати тридцатью",
    40: "сорок | сорока",
    50: "пятьдесят | пятидесяти пятьюдесятью",
    60: "шестьдесят | шестидесяти шестьюдесятью",
    70: "семьдесят | семидесяти семьюдесятью",
    80: "восемьдесят | восьмидесяти восемьюдесятью восьмьюдесятью",
    90: "девяносто | девяноста",
}
_HUNDREDS: Final = {
    100: "сто | ста",
    200: "двести | двухсот двумстам двумястами двухстах",
    300: "триста | трехсот тремстам тремястами трехстах",
    400: "четыреста | четырехсот четыремстам четырьмястами четырехстах",
    500: "пятьсот | пятисот пятистам пятьюстами пятистах",
    600: "шестьсот | шестисот шестистам шестьюстами шестистах",
    700: "семьсот | семисот семистам семьюстами семистах",
    800: "восемьсот | восьмисот восьмистам восемьюстами восьмьюстами восьмистах",
    900: "девятьсот | девятисот девятистам девятьюстами девятистах",
}
_SCALES: Final = {
    1_000: ("тысяча тысячу тысяче тысячей тысячью", "тысячи тысяч тысячам тысячами тысячах"),
    10**6: ("миллион", "миллиона миллионов миллионе миллиону миллионом миллионы миллионам "
                       "миллионами миллионах"),
    10**9: ("миллиард", "миллиарда миллиардов миллиарде миллиарду миллиардом миллиарды "
                        "миллиардам миллиардами миллиардах"),
    10**12: ("триллион", "триллиона триллионов триллионе триллиону триллионом триллионы "
                         "триллионам триллионами триллионах"),
}  # fmt: skip
_ZERO: Final = "ноль нуль | ноля нуля нолю нулю нолем нулем ноле нуле"

_HARD: Final = "ый ого ому ым ом ая ой ую ою ое ые ых ыми"
_STRESSED: Final = "ой ого ому ым ом ая ую ою ое ые ых ыми"
_SOFT: Final = {
    "третий": "третий третьего третьему третьим третьем третья третьей третью третье третьи "
    "третьих третьими"
}
_ORDINAL_STEMS: Final[Mapping[int, tuple[str, str]]] = {
    1: ("перв", _HARD),
    2: ("втор", _STRESSED),
    4: ("четверт", _HARD),
    5: ("пят", _HARD),
    6: ("шест", _STRESSED),
    7: ("седьм", _STRESSED),
    8: ("восьм", _STRESSED),
    9: ("девят", _HARD),
    **{10 + n: (stem, _HARD) for n, stem in enumerate(_TEENS)},
    20: ("двадцат", _HARD),
    30: ("тридцат", _HARD),
    40: ("сороков", _STRESSED),
    50: ("пятидесят", _HARD),
    60: ("шестидесят", _HARD),
    70: ("семидесят", _HARD),
    80: ("восьмидесят", _HARD),
    90: ("девяност", _HARD),
    100: ("сот", _HARD),
    200: ("двухсот", _HARD),
    300: ("трехсот", _HARD),
    400: ("четырехсот", _HARD),
    500: ("пятисот", _HARD),
    600: ("шестисот", _HARD),
    700: ("семисот", _HARD),
    800: ("восьмисот", _HARD),
    900: ("девятисот", _HARD),
    1_000: ("тысячн", _HARD),
    2_000: ("двухтысячн", _HARD),
    3_000: ("трехтысячн", _HARD),
    5_000: ("пятитысячн", _HARD),
    10_000: ("десятитысячн", _HARD),
    10**6: ("миллионн", _HARD),
}
_VOWELS: Final = frozenset("аеиоуыэюя")


def written_ending(ordinal: str) -> str:
    """Give what is written after the digits of an ordinal: «пятый» → «й», «пятого» → «го».

    One letter when the last but one is a vowel or «й» follows one, else two (Rules of Russian
    orthography and punctuation, Lopatin, 2006, § 6.2: «5-й», «5-го», «5-му», «5-ми»).
    """
    last, before = ordinal[-1], ordinal[-2]
    if last in _VOWELS and before not in _VOWELS and before != "ь":
        return ordinal[-2:]
    return last


def _rank(value: int) -> Rank:
    for most, rank in ((0, Rank.ZERO), (9, Rank.UNIT), (19, Rank.TEEN), (99, Rank.TEN),
                       (999, Rank.HUNDRED)):  # fmt: skip
        if value <= most:
            return rank
    return Rank.SCALE


def _cardinals() -> Iterable[tuple[str, Numeral]]:
    for value, forms in {0: _ZERO, **_UNITS, **_TENS, **_HUNDREDS}.items():
        straight, _, oblique = forms.partition("|")
        for form in straight.split():
            yield form, Numeral(value, _rank(value))
        for form in oblique.split():
            yield form, Numeral(value, _rank(value), nominative=False)
    for n, stem in enumerate(_TEENS):
        yield f"{stem}ь", Numeral(10 + n, Rank.TEEN)
        yield f"{stem}и", Numeral(10 + n, Rank.TEEN, nominative=False)
        yield f"{stem}ью", Numeral(10 + n, Rank.TEEN, nominative=False)
    for value, (singular, plural) in _SCALES.items():
        for form in singular.split():
            straight_form = form in ("тысяча", "тысячу", "миллион", "миллиард", "триллион")
            yield form, Numeral(value, Rank.SCALE, nominative=straight_form)
        for form in plural.split():
            yield form, Numeral(value, Rank.SCALE, singular=False)


def _ordinals() -> Iterable[tuple[str, Numeral]]:
    for form in _SOFT["третий"].split():
        yield form, Numeral(3, Rank.UNIT, written_ending(form))
    for value, (stem, endings) in _ORDINAL_STEMS.items():
        for ending in endings.split():
            form = stem + ending
            yield form, Numeral(value, _rank(value), written_ending(form))


# Of two readings the cardinal counts: «пяти» and not a form of something else.
NUMERALS: Final[Mapping[str, Numeral]] = MappingProxyType(
    {**dict(_ordinals()), **dict(_cardinals())}
)
"""Every form, with its reading."""

DIVISORS: Final[Mapping[str, int]] = MappingProxyType(
    {
        form: digits
        for digits, stem in ((1, "десят"), (2, "сот"), (3, "тысячн"))
        for form in (f"{stem}ая", f"{stem}ых", f"{stem}ые", f"{stem}ой", f"{stem}ую", f"{stem}ыми")
    }
)
"""What ends a decimal: «две целых пять десятых», with how many digits it has."""
WHOLES: Final = frozenset("целая целых целые целой целую целыми".split())
"""What stands before its parts."""

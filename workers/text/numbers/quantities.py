"""How much and how many: percentages, measures, money, counts, and ordinals."""

import re
from typing import Final

from workers.text.numbers.counted import MANY, is_one_of
from workers.text.numbers.formats import GROUP, grouped, ordinal
from workers.text.numbers.numerals import NUMERALS
from workers.text.numbers.replacement import Piece
from workers.text.numbers.runs import Number, Row
from workers.text.numbers.series import series
from workers.text.numbers.surroundings import (
    BY_MEASURE,
    CODES,
    LABELS,
    MEASURES,
    NEGATIONS,
    PERCENT,
    PREPOSITIONS,
    SHARES,
    UNHURRIED,
)

THOUSAND: Final = 1000
_PARTED_BY_COMMAS: Final = re.compile("[1-9][0-9]{0,2}(,[0-9]{3}){2,}")
_MILLION: Final = 10**6
SMALL: Final = 10
"""Below it a count is a word, unless something asks for digits (Milchin, 2003, § 6.1.1)."""
_LAST_DAY: Final = 31
_DAY_OF_MONTH: Final = frozenset("числа числу".split())
_SOME: Final = frozenset("несколько нескольких пара пару пары".split())
_OF: Final = frozenset("от из с со".split())
_COSTS: Final = frozenset("стоит стоят стоил стоила стоило стоили цена за по обошлось".split())
_MONEY: Final = (
    "руб",
    "долл",
    "евро",
    "юан",
    "гривн",
    "тенге",
    "йен",
    "фунт",
    "крон",
    "лир",
    "песо",
    "цент",
)
_MEASURED_ONCE: Final = frozenset("метр час рубль километр килограмм кило".split())
_COLLECTIVES: Final = frozenset(
    "двое двоих двоим двоими трое троих троим троими четверо четверых четверым четверыми пятеро "
    "пятерых пятерым пятерыми шестеро шестерых семеро семерых восьмеро восьмерых девятеро".split()
)
_ONE_PART: Final = frozenset("одна одну одной".split())
_OBLIQUE: Final = ("ов", "ев", "ей", "ам", "ям", "ами", "ями", "ах", "ях")
"""How plurals end after «сорока»."""


def written(number: Number) -> tuple[Piece, ...]:
    """Write a cardinal; millions and more stay words where they end it: «5 миллионов»."""
    if number.in_digits:
        return ((number.length, None),)
    if number.scale >= _MILLION and number.before_scale:
        return ((number.length - 1, grouped(number.before_scale)), (1, None))
    return ((number.length, grouped(number.value)),)


def percentages(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «двадцать процентов», also «20 процентов»."""
    number = row.amount(place)
    if number is None or _is_negated(row, place) or _is_many(number):
        return ()
    noun = row.follows(place + number.length - 1)
    if noun not in PERCENT or (number.value == 1 and not is_one_of(row.key(place), noun)):
        return ()
    return ((number.length + 1, f"{grouped(number.value)}%"),)


def shares(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «от десяти миллионов двадцать процентов»: a share of a number."""
    whole = row.number(place)
    if whole is None or not whole.scales or row.precedes(place) not in _OF:
        return ()
    at = place + whole.length
    share = percentages(row, at) if row.joined(at - 1) and row.number(at) is not None else ()
    return (*written(whole), *share) if share else ()


def is_measured(row: Row, last: int) -> bool:
    """Tell whether a measure follows the word at a place: «километров», «квадратных метров»."""
    noun = row.follows(last)
    return noun in MEASURES or (noun.startswith(BY_MEASURE) and row.follows(last + 1) in MEASURES)


def measures(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «пять километров», «тысяча рублей», «пять миллионов долларов»."""
    number = row.number(place)
    if number is None or number.is_ordinal or _is_negated(row, place):
        return ()
    last = place + number.length - 1
    if not is_measured(row, last):
        return ()
    noun = row.follows(last)
    if number.value == 1 and (noun in UNHURRIED or not is_one_of(row.key(place), noun)):
        return ()
    return () if _is_many(number) else written(number)


def _is_many(number: Number) -> bool:
    """Tell whether it is «тысячи» or «миллион» alone."""
    return number.is_bare and (number.value >= _MILLION or not number.first.singular)


def begun_in_digits(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «3 миллиона двести тысяч»: the recogniser wrote the beginning in digits."""
    number = row.amount(place)
    if number is None or not number.in_digits or not 1 <= number.value < THOUSAND:
        return ()
    scale = row.scale(place + 1) if row.joined(place) else 0
    rest = row.number(place + 2) if scale and row.joined(place + 1) else None
    if rest is None or rest.is_ordinal or rest.is_bare:
        return ()
    if not scale // 100 <= rest.value < scale:
        return ()
    return ((2 + rest.length, grouped(number.value * scale + rest.value)),)


def parted_by_commas(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «1,250,000», as recognisers write it; «1,250» may be a fraction, and stays."""
    key = row.key(place)
    if _PARTED_BY_COMMAS.fullmatch(key) is None:
        return ()
    beside = row.key(place - 1) + row.key(place + 1)
    if beside.isascii() and any(letter.isalpha() for letter in beside):
        return ()  # English, within a text in several languages
    return ((1, key.replace(",", GROUP)),)


def prices(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «за три пятьсот»: thousands and hundreds, as prices are said."""
    found = row.cardinals(place, 3)
    if len(found) != 2 or not found[0].is_digit or found[0].value < 2:
        return ()
    thousands, rest = found
    if rest.is_ordinal or not 100 <= rest.value < THOUSAND:
        return ()
    after = row.follows(place + rest.length)
    if row.precedes(place) not in _COSTS and not after.startswith("руб"):
        return ()
    is_named = row.precedes(place) in LABELS or row.precedes(place) in CODES
    if is_named or (after in MEASURES and not after.startswith(_MONEY)) or after in MANY:
        return ()  # «за три пятьсот граммов»
    return ((1 + rest.length, grouped(thousands.value * THOUSAND + rest.value)),)


def after_one_measure(row: Row, place: int) -> tuple[Piece, ...]:
    """Keep «метр восемьдесят», «час двадцать», «рубль пятьдесят»: the one is not said."""
    number = row.number(place)
    if number is None or number.is_ordinal or row.precedes(place) not in _MEASURED_ONCE:
        return ()
    before = row.precedes(place - 1)
    if before.partition("-")[0] in NUMERALS or before[:1].isdigit() or number.value >= THOUSAND:
        return ()
    return ((number.length, None),)


def of_people(row: Row, place: int) -> tuple[Piece, ...]:
    """Keep «двадцать трое», which has no other form in digits than that of «двадцать три»."""
    number = row.number(place)
    if number is None or number.is_ordinal:
        return ()
    following = row.follows(place + number.length - 1)
    return ((number.length + 1, None),) if following in _COLLECTIVES else ()


def counts(row: Row, place: int) -> tuple[Piece, ...]:
    """Read any other cardinal from 10 on."""
    number = row.number(place)
    if number is None or number.is_ordinal or number.is_bare or number.value < SMALL:
        return ()
    if row.key(place) == "сорока" and number.length == 1 and not _is_forty(row, place):
        return ()
    return written(number)


def _is_forty(row: Row, place: int) -> bool:
    """Tell «около сорока» from a magpie."""
    if row.precedes(place) in PREPOSITIONS:
        return True
    after = row.follows(place)
    return after.endswith(_OBLIQUE) or after in {"лет", "человек", "раз"}


def ordinals(row: Row, place: int) -> tuple[Piece, ...]:
    """Read any other ordinal from 10 on, its smaller neighbours, and days of a month: «пятого числа»."""
    number = row.number(place)
    if number is None or not number.is_ordinal:
        return ()
    after = row.follows(place + number.length - 1)
    if after in _DAY_OF_MONTH and 1 <= number.value <= _LAST_DAY:
        return ((number.length, ordinal(number.value, number.ending)),)
    before = row.precedes(place)
    is_share = after in SHARES and number.length == 1 and number.value in {10, 100}
    # «тысячный посетитель», «несколько десятых», «сотая часть», «на одной двадцатой»
    if number.is_scale or is_share or before in _SOME or before in _ONE_PART:
        return ()
    if together := _in_a_series(row, place):
        return together
    return ((number.length, ordinal(number.value, number.ending)),) if number.value >= SMALL else ()


def _in_a_series(row: Row, place: int) -> tuple[Piece, ...]:
    """Read «с пятой по двадцатую», «восьмой, девятый и десятый»: if one is in digits, so are all."""
    found = series(row, place)
    if found is None or len(found.members) == 1 or found.noun in SHARES:
        return ()
    values = [member.value for member in found.members]
    is_of_days = found.noun in _DAY_OF_MONTH and max(values) <= _LAST_DAY
    # «на пятнадцатое, второе — …»: a comma alone can part two sentences.
    if not found.links[-1] or any(member.is_scale for member in found.members):
        return ()
    if max(values) < SMALL and not is_of_days:
        return ()
    return found.pieces(lambda member: ordinal(member.value, member.ending))


def _is_negated(row: Row, place: int) -> bool:
    return row.precedes(place) in NEGATIONS

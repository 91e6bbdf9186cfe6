"""What stays words though there are numerals in it: sayings, titles, and counting aloud."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from workers.text.numbers.codes import is_after_code
from workers.text.numbers.ranges import lists
from workers.text.numbers.runs import Number, Row

_SAYINGS: Final = (
    "сто лет",
    "тысяча извинений",
    "тысячу извинений",
    "сто раз",
    "тысячу раз",
    "миллион раз",
    "во сто крат",
    "на все сто",
    "сто к одному",
    "сто пудов",
    "сто очков вперед",
    "имей сто рублей",
    "имей сто друзей",
    "сто одежек",
    "сорок сороков",
    "прилетела сорока",
    "сорока прилетела",
    "в десятый раз",
    "в двадцатый раз",
    "в сотый раз",
    "в тысячный раз",
    "сорок разбойников",
    "сорока разбойников",
    "сорок бочек",
    "тридцать серебреников",
    "тридцати серебреников",
    "тридцать сребреников",
    "тридцати сребреников",
    "тридцать три несчастья",
    "тридцать три богатыря",
    "тридцать три удовольствия",
    "тридцать лет и три года",
    "двадцать пятый час",
    "двадцать пятый кадр",
    "двадцать пятого кадра",
    "двадцать пятым кадром",
    "двадцать тысяч лье",
    "в двадцать одно",
    "девяносто девять и девять",
    "десять заповедей",
    "десяти заповедей",
    "двенадцать апостолов",
    "двенадцати апостолов",
    "десять негритят",
    "дело десятое",
    "десятое дело",
    "десятой дорогой",
    "десятой стороной",
    "с пятого на десятое",
    "пятое на десятое",
    "пятое десятое",
    "через пятое на десятое",
    "одиннадцатая заповедь",
    "первый встречный",
    "один на один",
    "враг номер один",
    "врага номер один",
    "врагом номер один",
    "сто грехов",
    "сто бед",
    "сто потов",
)


def _by_first_word() -> Mapping[str, tuple[tuple[str, ...], ...]]:
    found: dict[str, list[tuple[str, ...]]] = {}
    for saying in _SAYINGS:
        words = tuple(saying.split())
        found.setdefault(words[0], []).append(words)
    return MappingProxyType({first: tuple(some) for first, some in found.items()})


_BY_FIRST_WORD: Final = _by_first_word()
_QUOTES: Final = ("«", '"', "“", "„")
_END_QUOTES: Final = ("»", '"', "”", "“")
_LONGEST_TITLE: Final = 6
_SHORTEST_COUNT: Final = 3
_LARGEST_START: Final = 10
"""Who counts begins, or ends, at ten or below."""
_LARGEST: Final = 100


def said(row: Row, place: int) -> int:
    """Give how many words from a place on are a saying."""
    longest = 0
    for words in _BY_FIRST_WORD.get(row.key(place), ()):
        end = place + len(words)
        if row.keys[place:end] == words and all(row.joined(at) for at in range(place, end - 1)):
            longest = max(longest, len(words))
    return longest


def entitled(row: Row, place: int) -> int:
    """Give how many words from a place on are a title in quotes: «Двенадцать стульев».

    Direct speech follows a colon, or has a mark before or after the closing quote.
    """
    token = row.tokens[place]
    if not token.lead.endswith(_QUOTES) or not token.word[:1].isupper() or place == 0:
        return 0
    if ":" in row.tokens[place - 1].trail or row.tokens[place - 1].ends_sentence:
        return 0
    if row.number(place) is None:
        return 0
    for end in range(place, min(place + _LONGEST_TITLE, len(row))):
        last = row.tokens[end]
        if last.trail:
            is_title = last.trail.startswith(_END_QUOTES) and "—" not in last.trail
            return end + 1 - place if is_title and end > place else 0
    return 0


def counted_aloud(row: Row, place: int) -> int:
    """Give how many words from a place on count up or down: «десять, девять, восемь»."""
    number = row.number(place)
    if number is None or not _counts(number) or is_after_code(row, place):
        return 0
    before = row.tokens[place - 1] if place else None
    since = before is not None and row.key(place - 1) == "раз" and before.trail in {"", ","}
    at, numbers = place, [number]
    while True:
        last = row.tokens[at + numbers[-1].length - 1]
        if last.trail not in {"", ","} or last.gap != " ":
            break
        following = row.number(at + numbers[-1].length)
        if following is None or not _counts(following):
            break
        step = following.value - numbers[-1].value
        if step > 0 and number.value > _LARGEST_START:
            break
        if abs(step) != 1 or (len(numbers) > 1 and step != numbers[1].value - numbers[0].value):
            break
        at += numbers[-1].length
        numbers.append(following)
    enough = _SHORTEST_COUNT - (1 if since and number.value == 2 else 0)
    starts = min(numbers[0].value, numbers[-1].value) <= _LARGEST_START
    length = at + numbers[-1].length - place
    if len(numbers) < enough or not starts:
        return 0
    # «Показания: три, четыре, пять, сорок.»
    is_list = not since and sum(words for words, _ in lists(row, place)) > length
    return 0 if is_list else length


def _counts(number: Number) -> bool:
    return not number.is_ordinal and number.nominative and number.value <= _LARGEST

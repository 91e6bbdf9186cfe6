"""Numbers written in digits."""

from typing import Final

GROUP: Final = "\N{NO-BREAK SPACE}"
_GROUPED_FROM: Final = 10_000
"""Four digits stay together, five and more are grouped (GOST R 7.0.97-2016; Milchin, 2003, § 6.1)."""
_ROMAN: Final = (
    (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"),
    (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
)  # fmt: skip


def grouped(value: int) -> str:
    """Write a whole number: 1000, 25 000."""
    return str(value) if value < _GROUPED_FROM else f"{value:,}".replace(",", GROUP)


def ordinal(value: int, ending: str) -> str:
    """Write an ordinal: 25-й."""
    return f"{value}-{ending}"


def decimal(whole: int, part: int, digits: int) -> str:
    """Write a decimal fraction: 3,05 of 3, 5 and 2."""
    return f"{grouped(whole)},{part:0{digits}}"


def clock(hour: int, minute: int) -> str:
    """Write a time of day: 9:05."""
    return f"{hour}:{minute:02}"


def roman(value: int) -> str:
    """Write a number from 1 to 3999 in Roman digits."""
    written = ""
    for worth, sign in _ROMAN:
        times, value = divmod(value, worth)
        written += sign * times
    return written

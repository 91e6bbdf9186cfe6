"""The date and the time of day as a person's language writes them, for texts of snippets. Pure."""

from datetime import datetime
from typing import Final, Literal

from workers.contract.finishing import Moment

_RUSSIAN: Final = (
    "января", "февраля", "марта", "апреля", "мая", "июня",
    "июля", "августа", "сентября", "октября", "ноября", "декабря",
)  # fmt: skip
_ENGLISH: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def moment_of(now: datetime, *, language: Literal["ru", "en"], name: str) -> Moment:
    """Write a moment out: «22 ноября 2026 г.», «14:05»; “November 22, 2026”, “2:05 PM”.

    Args:
        now: in the person's time zone.
        language: of their interface.
        name: the person's.
    """
    if language == "ru":
        return Moment(
            date=f"{now.day} {_RUSSIAN[now.month - 1]} {now.year} г.",
            time=f"{now.hour:02}:{now.minute:02}",
            name=name,
        )
    half = "AM" if now.hour < 12 else "PM"
    return Moment(
        date=f"{_ENGLISH[now.month - 1]} {now.day}, {now.year}",
        time=f"{now.hour % 12 or 12}:{now.minute:02} {half}",
        name=name,
    )

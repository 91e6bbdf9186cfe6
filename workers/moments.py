"""The date and the time of day as a person's language writes them, for texts of snippets."""

from datetime import UTC, datetime, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from workers.contract.finishing import Moment, Person

_RUSSIAN: Final = (
    "января", "февраля", "марта", "апреля", "мая", "июня",
    "июля", "августа", "сентября", "октября", "ноября", "декабря",
)  # fmt: skip
_ENGLISH: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def moment_of(moment: datetime, person: Person) -> Moment:
    """Write a moment out: «22 ноября 2026 г.», «14:05»; “November 22, 2026”, “2:05 PM”.

    Args:
        moment: aware.
        person: for whom.
    """
    now = moment.astimezone(_zone(person.time_zone))
    name = person.name
    if person.language == "ru":
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


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (
        ZoneInfoNotFoundError,
        ValueError,
        OSError,
    ):  # this machine knows fewer zones than the service's
        return UTC

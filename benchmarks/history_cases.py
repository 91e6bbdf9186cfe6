"""What is asked of a history: lists and searches of every kind, drawn by chance."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from benchmarks.history_filling import APPS, YEARS, Filled
from service.library.history_cursor import write_cursor
from service.library.history_entries import Position

Request = tuple[str, str, dict[str, Any]]
"""Method, path, and query or body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One kind of request."""

    name: str
    make: Callable[[random.Random], Request]


def list_cases(filled: Filled) -> list[Case]:
    """Lists: the newest, random pages, each filter."""

    def listed(**query: Any) -> Request:  # noqa: ANN401
        return "GET", "/v1/history", query

    def month(chance: random.Random) -> Request:
        since = _moment(filled, chance)
        return listed(
            since=since.isoformat(), until=(since + _span(filled) / (12 * YEARS)).isoformat()
        )

    return [
        Case(name="newest page", make=lambda _: listed()),
        Case(name="random page", make=lambda chance: listed(cursor=_cursor(filled, chance))),
        Case(
            name="random page of 200",
            make=lambda chance: listed(cursor=_cursor(filled, chance), limit=200),
        ),
        Case(name="a month", make=month),
        Case(
            name="app, any page",
            make=lambda chance: listed(
                app=chance.choice(APPS[:-1]), cursor=_cursor(filled, chance)
            ),
        ),
        Case(name="app with 0.1 %", make=lambda _: listed(app=APPS[-1])),
        Case(name="app never used", make=lambda _: listed(app="Никакое")),
        Case(name="device", make=lambda chance: listed(device=str(chance.choice(filled.devices)))),
        Case(name="kind with 0.1 %", make=lambda _: listed(kind="import")),
        Case(
            name="favourites, any page",
            make=lambda chance: listed(favourite=True, cursor=_cursor(filled, chance)),
        ),
        Case(name="deleted", make=lambda _: listed(deleted=True)),
    ]


def search_cases(filled: Filled, *, transcripts: int) -> list[Case]:
    """Searches: by how many transcripts the words are in."""

    def between(low: float, high: float) -> list[str]:
        return [
            stem
            for stem, count in filled.documents.items()
            if low * transcripts <= count < high * transcripts and len(stem) > 1
        ]

    common, medium = between(0.2, 1.0), between(0.01, 0.05)
    border, rare = between(0.018, 0.03), between(2 / transcripts, max(0.0002, 5 / transcripts))

    def searched(q: str, **more: Any) -> Request:  # noqa: ANN401
        return "POST", "/v1/history/search", {"q": q, **more}

    def of(name: str, words: Sequence[str]) -> Case:
        return Case(name=name, make=lambda chance: searched(chance.choice(words)))

    return [
        of("common word (20 % and more)", common),
        of("medium word (1 to 5 %)", medium),
        of("word at the border (1.8 to 3 %)", border),
        of("rare word (below 0.02 %)", rare),
        Case(
            name="two words, common and medium",
            make=lambda chance: searched(f"{chance.choice(common)} {chance.choice(medium)}"),
        ),
        Case(
            name="two words, both medium",
            make=lambda chance: searched(" ".join(chance.sample(medium, 2))),
        ),
        Case(
            name="two words, medium and rare",
            make=lambda chance: searched(f"{chance.choice(medium)} {chance.choice(rare)}"),
        ),
        Case(
            name="nothing found",
            make=lambda chance: searched(f"{chance.choice(rare)}ъыь {chance.choice(common)}"),
        ),
        Case(
            name="medium word, random page",
            make=lambda chance: searched(chance.choice(medium), cursor=_cursor(filled, chance)),
        ),
        Case(
            name="common word in a rare app",
            make=lambda chance: searched(chance.choice(common), app=APPS[-1]),
        ),
        Case(
            name="medium word among favourites",
            make=lambda chance: searched(chance.choice(medium), favourite=True),
        ),
    ]


def other_cases(filled: Filled) -> list[Case]:
    """What has no promise, for the record."""
    return [
        Case(
            name="phrase of three words",
            make=lambda _: ("POST", "/v1/history/search", {"q": f'"{filled.phrase}"'}),
        ),
        Case(
            name="statistics of everything",
            make=lambda _: ("GET", "/v1/history/statistics", {"time_zone": "Europe/Moscow"}),
        ),
    ]


def mixed(cases: Sequence[Case]) -> Case:
    """Draw one of them each time."""
    return Case(name="all of these, mixed", make=lambda chance: chance.choice(cases).make(chance))


def _span(filled: Filled) -> timedelta:
    return filled.ends - filled.begins


def _moment(filled: Filled, chance: random.Random) -> datetime:
    moment: datetime = filled.begins + _span(filled) * chance.uniform(0.05, 0.95)
    return moment


def _cursor(filled: Filled, chance: random.Random) -> str:
    return str(write_cursor(Position(started_at=_moment(filled, chance), id=UUID(int=0))))

"""What somebody dictated, added up: words, minutes, speed, days in a row.

Days are those of the person's time zone. A *streak* is days in a row with at least one transcript; the
current one goes on until a whole day passed without.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from service.accounts.principal import Principal, Scope
from service.library.time_zones import TimeZone
from service.parts import Parts
from service.problems import RequestRefused
from service.storage.history import Day, PostgresHistory
from service.storage.postgres import StatementRefused

_SAMPLES_A_MINUTE: Final = 60 * 16_000
_INVALID_PARAMETER_VALUE: Final = "22023"
_DAY: Final = timedelta(days=1)


class SumModel(BaseModel):
    """What was dictated in some time."""

    transcripts: int
    words: int
    minutes: float
    """Of audio, pauses included."""
    words_per_minute: float | None
    """`null`: there was no audio."""


class DayModel(SumModel):
    """One day with transcripts."""

    day: date


class WeekModel(SumModel):
    """One week with transcripts."""

    monday: date
    """Its first day."""


class StatisticsModel(BaseModel):
    """What somebody dictated and did not delete."""

    time_zone: str
    today: date
    total: SumModel
    days: list[DayModel]
    """Days with transcripts among the last `days`, oldest first."""
    weeks: list[WeekModel]
    """Weeks with transcripts among the last `weeks`, oldest first; this one is not over."""
    active_days: int
    current_streak_days: int
    longest_streak_days: int


class StatisticsQuery(BaseModel):
    """For whom, and how far back."""

    model_config = ConfigDict(extra="forbid")

    time_zone: TimeZone = "UTC"
    days: int = Field(default=30, ge=1, le=366)
    weeks: int = Field(default=12, ge=1, le=104)


@dataclass(frozen=True, slots=True, kw_only=True)
class Streaks:
    """Days in a row."""

    current: int
    longest: int


def streaks(days: Sequence[date], *, today: date) -> Streaks:
    """Count days in a row.

    Args:
        days: with transcripts, oldest first, each once.
        today: the current streak ends today or yesterday.
    """
    longest = length = 0
    last: date | None = None
    for day in days:
        length = length + 1 if last is not None and day - last == _DAY else 1
        longest = max(longest, length)
        last = day
    is_current = last is not None and last >= today - _DAY
    return Streaks(current=length if is_current else 0, longest=longest)


def statistics(
    days: Sequence[Day], *, time_zone: str, today: date, asked: StatisticsQuery
) -> StatisticsModel:
    """Add up.

    Args:
        days: with transcripts, oldest first.
        time_zone: whose days they are.
        today: there.
        asked: how far back.
    """
    first_day = today - (asked.days - 1) * _DAY
    this_monday = _monday(today)
    first_monday = this_monday - 7 * (asked.weeks - 1) * _DAY
    weeks: dict[date, list[Day]] = {}
    for day in days:
        if _monday(day.day) >= first_monday:
            weeks.setdefault(_monday(day.day), []).append(day)
    found = streaks([day.day for day in days], today=today)
    return StatisticsModel(
        time_zone=time_zone,
        today=today,
        total=_sum(days),
        days=[DayModel(day=day.day, **dict(_sum([day]))) for day in days if day.day >= first_day],
        weeks=[WeekModel(monday=monday, **dict(_sum(week))) for monday, week in weeks.items()],
        active_days=len(days),
        current_streak_days=found.current,
        longest_streak_days=found.longest,
    )


def statistics_routes(parts: Parts, history: PostgresHistory) -> APIRouter:
    """Make the router with `/v1/history/statistics`."""
    router = APIRouter()

    @router.get("/v1/history/statistics")
    async def history_statistics(
        principal: Annotated[Principal, parts.gate.needs(Scope.LIBRARY)],
        asked: Annotated[StatisticsQuery, Query()],
    ) -> StatisticsModel:
        """Give how much was dictated, by day and week of a time zone."""
        try:
            days = await history.days(principal.user, asked.time_zone)
        except StatementRefused as exc:
            if exc.sqlstate != _INVALID_PARAMETER_VALUE:
                raise
            raise RequestRefused(
                "request.invalid", "the database does not know this time zone", status=422
            ) from None
        today = datetime.now(UTC).astimezone(ZoneInfo(asked.time_zone)).date()
        return statistics(days, time_zone=asked.time_zone, today=today, asked=asked)

    return router


def _monday(day: date) -> date:
    return day - day.weekday() * _DAY


def _sum(days: Sequence[Day]) -> SumModel:
    words = sum(day.words for day in days)
    minutes = sum(day.samples for day in days) / _SAMPLES_A_MINUTE
    return SumModel(
        transcripts=sum(day.transcripts for day in days),
        words=words,
        minutes=round(minutes, 2),
        words_per_minute=round(words / minutes, 1) if minutes else None,
    )

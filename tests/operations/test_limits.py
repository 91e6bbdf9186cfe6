"""What one person may take of a server that others use as well."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID, uuid4

import pytest

from service.accounts.principal import LOCAL_USER
from service.dictation.wire import CloseCode
from service.operations.limits import PersonLimits
from service.problems import Refused

NOON = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)


class Spoken:
    """So many minutes were spoken, at one moment."""

    def __init__(self, minutes: float, at: datetime = NOON) -> None:
        self._minutes, self._at = minutes, at

    async def audio_s(self, user: UUID, since: datetime) -> float:
        return 60 * self._minutes if since <= self._at else 0.0


def limits(minutes: float = 0, **changes: object) -> PersonLimits:
    return PersonLimits(
        **{
            "max_sessions": 2,
            "max_minutes_per_day": 60,
            "usage": Spoken(minutes),
            "now": lambda: NOON,
            **changes,
        }
    )


def test_one_account_has_so_many_sessions_and_is_told_when_to_come_back():
    user = uuid4()
    limits().admit(user, sessions=1)
    with pytest.raises(Refused) as refused:
        limits().admit(user, sessions=2)

    assert refused.value.code == "session.too_many"
    assert refused.value.close_code == CloseCode.TOO_MANY_SESSIONS
    assert refused.value.retry_after_ms


def test_whoever_sits_at_this_machine_is_not_counted():
    limits().admit(LOCAL_USER, sessions=500)


async def test_the_minutes_of_a_day_end_and_begin_anew_at_midnight_utc():
    user = uuid4()
    await limits(minutes=59.9).check_day(user)
    with pytest.raises(Refused) as refused:
        await limits(minutes=60).check_day(user)

    assert refused.value.code == "session.quota"
    assert refused.value.retry_after_ms == (11 * 60 + 30) * 60_000
    midnight = NOON + timedelta(hours=11, minutes=30)
    await limits(minutes=60, now=lambda: midnight).check_day(user)


async def test_the_day_is_that_of_utc_wherever_the_clock_stands():
    east = timezone(timedelta(hours=12))
    # Already tomorrow there; the minutes of this UTC day are used up all the same.
    with pytest.raises(Refused):
        await limits(minutes=60, now=lambda: NOON.astimezone(east)).check_day(uuid4())


async def test_without_a_limit_nobody_is_counted():
    class Broken:
        async def audio_s(self, user: UUID, since: datetime) -> float:
            raise AssertionError

    await limits(max_minutes_per_day=0, usage=Broken()).check_day(uuid4())

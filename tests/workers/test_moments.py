"""Dates and times of day as people write them."""

from datetime import UTC, datetime

import pytest

from workers.contract.finishing import Finishing, Moment, Person, Snippet
from workers.contract.texts import Text
from workers.finishing import Finisher
from workers.moments import moment_of

AFTERNOON = datetime(2026, 11, 22, 11, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("person", "moment"),
    [
        (Person(time_zone="Europe/Moscow"), Moment(date="22 ноября 2026 г.", time="14:05")),
        (
            Person(name="Вера", language="en", time_zone="Asia/Vladivostok"),
            Moment(date="November 22, 2026", time="9:05 PM", name="Вера"),
        ),
        (
            Person(language="en", time_zone="America/New_York"),
            Moment(date="November 22, 2026", time="6:05 AM"),
        ),
        (
            Person(time_zone="Pacific/Kiritimati"),
            Moment(date="23 ноября 2026 г.", time="01:05"),
        ),
        (Person(language="en"), Moment(date="November 22, 2026", time="11:05 AM")),
    ],
)
def test_a_moment_is_written_in_the_language_and_the_zone_of_the_person(person, moment):
    assert moment_of(AFTERNOON, person) == moment


def test_midnight_and_noon_are_twelve_in_english():
    for hour, written in ((0, "12:00 AM"), (12, "12:00 PM")):
        at = datetime(2026, 1, 1, hour, tzinfo=UTC)
        assert moment_of(at, Person(language="en")).time == written


@pytest.mark.parametrize(
    "zone", ["Nowhere/Else", "", "../etc/passwd", "Europe/Мск", "Europe", "я" * 300]
)
def test_a_zone_this_machine_does_not_know_is_universal_time(zone):
    assert moment_of(AFTERNOON, Person(time_zone=zone)).time == "11:05"


async def test_a_snippet_is_filled_when_it_is_inserted():
    person = Person(name="Вера", time_zone="Asia/Vladivostok")
    stamp = Finishing(
        snippets=(Snippet(trigger="печать", text="{date} {time} {name}"),), person=person
    )
    texts = Finisher("off")
    await texts.start()
    try:
        before = moment_of(datetime.now(UTC), person)
        (done,) = await texts.finish([Text(text="печать", language="ru", finishing=stamp)])
        after = moment_of(datetime.now(UTC), person)
    finally:
        texts.close()

    assert done.text in {f"{each.date} {each.time} Вера" for each in (before, after)}

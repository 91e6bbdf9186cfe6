"""What is known of a person while the database does not answer."""

import pytest
from structlog.testing import capture_logs

from service.dictation.personal import UNKNOWN
from service.library.wishes import HELD_S, LibraryWishes
from service.problems import RequestRefused, StoreUnavailable
from service.storage.opening import Storage
from service.storage.wishes import PostgresWishes
from tests.library.pen import Pen, asked, on
from tests.storage.fixtures import new_user


async def test_a_database_that_does_not_answer_costs_the_wishes_alone():
    class Away:
        async def standing(self, user, *, since):
            raise StoreUnavailable("Алиса")

    with capture_logs() as logs:
        assert await asked(LibraryWishes(Away())) == UNKNOWN
    assert logs == [
        {"event": "wishes_not_read", "kind": "StoreUnavailable", "log_level": "warning"}
    ]


class Failing:
    """What is stored, where one of the two questions fails as told."""

    def __init__(self, storage: Storage) -> None:
        self._stored = PostgresWishes(storage.postgres, storage.keys)
        self.fault: dict[str, Exception] = {}

    async def standing(self, user, *, since):
        return await self._answered("standing", self._stored.standing(user, since=since))

    async def newest(self, user, most):
        return await self._answered("newest", self._stored.newest(user, most))

    async def _answered(self, question, answer):
        if fault := self.fault.get(question):
            answer.close()
            raise fault
        return await answer


@pytest.mark.postgres
@pytest.mark.parametrize("question", ["standing", "newest"])
async def test_what_was_known_lately_serves_while_the_database_does_not_answer(storage, question):
    vera, now = await new_user(storage.dsn), [0.0]
    await on(storage, "UPDATE users SET name = 'Вера' WHERE id = $1", vera)
    pen, stored = Pen(storage, vera), Failing(storage)
    await pen.prefers(style="raw")
    wishes = LibraryWishes(stored, clock=lambda: now[0])
    before = await asked(wishes, vera)
    await pen.term("Алиса")  # so that there is something to read

    stored.fault = {question: StoreUnavailable("away")}
    meanwhile = await asked(wishes, vera)
    stranger = await asked(wishes)
    now[0] = HELD_S
    much_later = await asked(wishes, vera)

    assert before.finishing.style == "raw"
    assert meanwhile == before
    assert stranger == UNKNOWN
    assert much_later == UNKNOWN


@pytest.mark.postgres
async def test_nothing_is_served_of_who_is_gone_or_where_it_can_never_be_read(storage):
    vera, stored = await new_user(storage.dsn), Failing(storage)
    pen = Pen(storage, vera)
    await pen.term("Тайна")
    wishes = LibraryWishes(stored)
    assert (await asked(wishes, vera)).terms == ("Тайна",)

    await pen.term("Алиса")
    stored.fault = {"newest": RequestRefused("account.gone", "gone", status=404)}
    gone = await asked(wishes, vera)
    stored.fault = {"newest": StoreUnavailable("away")}
    await on(storage, "UPDATE user_changes SET epoch = gen_random_uuid() WHERE user_id = $1", vera)
    numbered_anew = await asked(wishes, vera)

    assert gone == UNKNOWN
    assert numbered_anew == UNKNOWN

"""A person's library and preferences become their wishes."""

import asyncio

import pytest
from structlog.testing import capture_logs

from service.dictation.personal import UNKNOWN, Personal
from service.library.kinds import PREFERENCES, Kind
from service.library.wishes import HELD_S, LibraryWishes
from service.storage.opening import Storage
from service.storage.wishes import PostgresWishes
from tests.library.pen import Pen, asked, on
from tests.library.said import tell
from tests.storage.fixtures import new_user
from workers.contract.finishing import USUAL_STEPS, Finishing, Person, Snippet, Step, Term


def wishes_in(storage: Storage, **options) -> LibraryWishes:
    stored = PostgresWishes(storage.postgres, storage.keys)
    return LibraryWishes(stored, **options)


class Counting:
    """The database, counting what it is asked."""

    def __init__(self, storage: Storage) -> None:
        self._postgres = storage.postgres
        self.statements = 0

    async def call(self, action):
        async def counted(connection):
            return await action(_Counted(connection, self))

        return await self._postgres.call(counted)

    async def call_as(self, user, action):
        self.statements += 1
        return await self._postgres.call_as(user, action)


class _Counted:
    def __init__(self, connection, counting) -> None:
        self._connection = connection
        self._counting = counting

    async def fetchrow(self, *statement):
        self._counting.statements += 1
        return await self._connection.fetchrow(*statement)


@pytest.mark.postgres
async def test_who_never_said_anything_gets_what_is_usual(storage):
    personal = await asked(wishes_in(storage))

    person = Person(time_zone="Europe/Moscow")
    assert personal == Personal(terms=(), finishing=Finishing(person=person))
    assert personal.finishing.steps == USUAL_STEPS


@pytest.mark.postgres
async def test_each_preference_switches_its_step(storage):
    wishes, pen = wishes_in(storage), Pen(storage)
    before = (await asked(wishes)).finishing.steps

    for name, step in {
        "adds_punctuation": Step.PUNCTUATION,
        "removes_fillers": Step.FILLERS,
        "writes_numbers": Step.NUMBERS,
        "obeys_commands": Step.COMMANDS,
        "expands_snippets": Step.SNIPPETS,
        "masks_profanity": Step.PROFANITY,
    }.items():
        await pen.prefers(**{name: step not in before})
        after = (await asked(wishes)).finishing.steps
        assert before ^ after == {step}, name
        before = after

    assert before == {Step.TERMS, Step.STYLE, Step.PROFANITY}


@pytest.mark.postgres
async def test_the_style_of_an_application_goes_before_the_persons(storage):
    wishes = wishes_in(storage)
    await Pen(storage).prefers(style="formal", app_styles={"Mail": "email", "Терминал": "raw"})

    assert (await asked(wishes, app="Word")).finishing.style == "formal"
    assert (await asked(wishes, app="mail")).finishing.style == "email"
    assert (await asked(wishes, app="ТЕРМИНАЛ")).finishing.style == "raw"


@pytest.mark.postgres
async def test_commands_can_be_switched_off_one_by_one(storage):
    await Pen(storage).prefers(commands_off=["undo", "of_a_newer_version"])

    off = (await asked(wishes_in(storage))).finishing.commands_off

    assert off == {"undo", "of_a_newer_version"}


@pytest.mark.postgres
async def test_what_changed_is_known_at_the_next_call(storage):
    wishes, pen = wishes_in(storage), Pen(storage)
    await asked(wishes)

    lost = await pen.term("Алиса", language="ru")
    await pen.term("Kubernetes", sounds_like=["кубер"], is_case_sensitive=True)
    await pen.snippet("подпись", "{name}")
    taught = await asked(wishes)
    await pen.delete(Kind.TERM, lost)
    forgotten = await asked(wishes)

    kept = Term(term="Kubernetes", sounds_like=("кубер",), is_case_sensitive=True)
    assert taught.terms == ("Kubernetes", "Алиса")
    assert taught.finishing.terms == (kept, Term(term="Алиса", language="ru"))
    assert taught.finishing.snippets == (Snippet(trigger="подпись", text="{name}"),)
    assert (forgotten.terms, forgotten.finishing.terms) == (("Kubernetes",), (kept,))


@pytest.mark.postgres
async def test_terms_of_other_languages_stay_out(storage):
    wishes, pen = wishes_in(storage), Pen(storage)
    for term, language in (("Zürich", "de"), ("Kubernetes", None), ("Алиса", "ru")):
        await pen.term(term, language=language)

    assert (await asked(wishes, language="ru")).terms == ("Алиса", "Kubernetes")
    assert (await asked(wishes, language="en")).terms == ("Kubernetes",)
    assert (await asked(wishes, language=None)).terms == ("Алиса", "Kubernetes", "Zürich")


@pytest.mark.postgres
async def test_an_unchanged_library_is_the_same_tuples_for_one_statement(storage):
    counting, pen = Counting(storage), Pen(storage)
    wishes = LibraryWishes(PostgresWishes(counting, storage.keys))
    await pen.term("Алиса", language="ru")
    await pen.term("Zürich", language="de")
    await pen.snippet("подпись", "Анна")
    first = (await asked(wishes)).finishing

    await tell(storage, "Привет.")  # a dictation changes the number of the newest change
    counting.statements = 0
    second = (await asked(wishes)).finishing

    assert counting.statements == 1
    assert second.terms is first.terms
    assert second.snippets is first.snippets

    await pen.prefers(style="chat")
    await pen.snippet("почта", "a@example.ru")
    third = (await asked(wishes)).finishing

    assert third.terms is first.terms
    assert (third.style, len(third.snippets)) == ("chat", 2)


@pytest.mark.postgres
async def test_many_sessions_of_one_person_share_the_tuples(storage):
    wishes = wishes_in(storage)
    await Pen(storage).term("Алиса")

    found = await asyncio.gather(*(asked(wishes) for _ in range(5)))

    assert len({id(each.finishing.terms) for each in found}) == 1


@pytest.mark.postgres
async def test_nobody_gets_what_is_somebody_elses(storage):
    wishes, vera = wishes_in(storage), await new_user(storage.dsn)
    await Pen(storage).term("Алиса")
    await Pen(storage).snippet("подпись", "Анна")
    await Pen(storage).prefers(style="chat")

    before = await asked(wishes, vera)
    await asked(wishes)
    await Pen(storage, vera).term("Вера")
    after = await asked(wishes, vera)

    assert (before.terms, before.finishing.snippets) == ((), ())
    assert (after.terms, after.finishing.snippets, after.finishing.style) == (
        ("Вера",), (), "neutral",
    )  # fmt: skip
    assert (await asked(wishes)).terms == ("Алиса",)


@pytest.mark.postgres
async def test_language_zone_and_name_are_those_of_the_person(storage):
    vera = await new_user(storage.dsn)
    await on(storage, "UPDATE users SET name = 'Вера' WHERE id = $1", vera)
    wishes, pen = wishes_in(storage), Pen(storage, vera)

    await pen.prefers(interface_language="en", time_zone="Asia/Vladivostok")
    far = (await asked(wishes, vera)).finishing.person
    await pen.prefers(interface_language="system", time_zone="America/New_York")
    early = (await asked(wishes, vera)).finishing.person
    await pen.prefers(interface_language="en")
    await on(storage, "UPDATE users SET name = 'Вера Ж.' WHERE id = $1", vera)
    renamed = (await asked(wishes, vera)).finishing.person

    assert far == Person(language="en", time_zone="Asia/Vladivostok", name="Вера")
    assert early == Person(language="ru", time_zone="America/New_York", name="Вера")
    assert renamed == Person(language="en", time_zone="America/New_York", name="Вера Ж.")


@pytest.mark.postgres
async def test_values_that_cannot_be_understood_take_nothing_else_along(storage):
    wishes, pen = wishes_in(storage), Pen(storage)
    await pen.term("Алиса", sounds_like=[1, "алис"], language=7, is_case_sensitive="да")
    await pen.term(["не", "слово"])
    await pen.term("  ")
    await pen.snippet(None, "текст")
    await pen.snippet("подпись", 5)
    await pen.prefers(style="loud", time_zone="Nowhere/Else", removes_fillers=False, newer=[1])

    finishing = (await asked(wishes)).finishing

    assert finishing.terms == (Term(term="Алиса", sounds_like=("алис",)),)
    assert finishing.snippets == ()
    assert (finishing.style, finishing.person.time_zone) == ("neutral", "Europe/Moscow")
    assert finishing.steps == USUAL_STEPS - {Step.FILLERS}


@pytest.mark.postgres
async def test_what_cannot_be_opened_takes_nothing_else_along(storage):
    pen = Pen(storage)
    damaged = await pen.term("Тайна")
    await pen.term("Алиса")
    await pen.prefers(style="chat")
    damage = "UPDATE library_items SET sealed = sha256('x') || sha256('y') WHERE id = any($1)"
    await on(storage, damage, [damaged, PREFERENCES])

    with capture_logs() as logs:
        personal = await asked(wishes_in(storage))

    assert (personal.terms, personal.finishing.style) == (("Алиса",), "neutral")
    assert {(log["event"], log["kind"], log["items"]) for log in logs} == {
        ("items_not_opened", "term", 1),
        ("items_not_opened", "preferences", 1),
    }


@pytest.mark.postgres
async def test_of_an_account_that_is_gone_nothing_is_known(storage):
    vera = await new_user(storage.dsn)
    await Pen(storage, vera).term("Тайна")
    wishes = wishes_in(storage)
    known = await asked(wishes, vera)

    await on(storage, "UPDATE users SET deleted_at = now() WHERE id = $1", vera)

    assert known.terms == ("Тайна",)
    assert await asked(wishes, vera) == UNKNOWN


@pytest.mark.postgres
async def test_a_numbering_that_began_anew_is_read_anew(storage):
    wishes = wishes_in(storage)
    await Pen(storage).term("Алиса")
    await asked(wishes)

    await on(storage, "DELETE FROM library_items")
    await on(storage, "UPDATE user_changes SET epoch = gen_random_uuid(), last = 0")

    assert (await asked(wishes)).terms == ()


@pytest.mark.postgres
@pytest.mark.parametrize("why", ["others", "an hour"])
async def test_what_nobody_needs_is_held_no_longer(storage, why):
    now = 0.0
    room = {"most_bytes": 10_000} if why == "others" else {}
    wishes, vera = wishes_in(storage, clock=lambda: now, **room), await new_user(storage.dsn)
    await Pen(storage).term("Алиса")
    first = (await asked(wishes)).finishing.terms
    still = (await asked(wishes)).finishing.terms

    now = HELD_S if why == "an hour" else 1.0
    for user in (vera, await new_user(storage.dsn), await new_user(storage.dsn)):
        await asked(wishes, user)
    again = (await asked(wishes)).finishing.terms

    assert still is first
    assert again == first
    assert again is not first

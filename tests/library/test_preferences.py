"""Preferences: typed where we know them, kept where we do not; one document a person."""

import httpx
import pytest

from service.library.preferences import understood


@pytest.fixture
async def http(server):
    async with httpx.AsyncClient(base_url=server.url, timeout=20) as client:
        yield client


async def test_what_was_never_said_has_its_default(http):
    answer = (await http.get("/v1/preferences")).json()

    assert answer["change"] == 0
    assert (answer["values"]["language"], answer["values"]["adds_punctuation"]) == ("ru", True)


async def test_a_client_sees_what_was_said_and_what_is_a_default(http):
    """So it can fill in the zone of a person who never chose one, and of nobody else."""
    before = (await http.get("/v1/preferences")).json()
    filled = {"time_zone": before["values"]["time_zone"], "voice.colour": "red"}
    after = (await http.patch("/v1/preferences", json=filled)).json()
    again = await http.patch(
        "/v1/preferences", params={"if_change": before["change"]}, json={"time_zone": "Asia/Omsk"}
    )

    assert before["said"] == []
    assert after["said"] == ["time_zone", "voice.colour"]
    assert (again.status_code, again.json()["code"]) == (409, "library.changed")
    assert (await http.get("/v1/preferences")).json() == after


async def test_changes_add_up_and_keys_of_newer_clients_are_kept(http):
    await http.patch("/v1/preferences", json={"style": "chat", "app_styles": {"Почта": "formal"}})
    await http.patch("/v1/preferences", json={"voice.colour": {"hue": [0.5, None]}})
    answer = (await http.patch("/v1/preferences", json={"time_zone": "Asia/Omsk"})).json()

    values = (await http.get("/v1/preferences")).json()["values"]
    assert answer["values"] == values
    assert (values["style"], values["app_styles"]) == ("chat", {"Почта": "formal"})
    assert values["voice.colour"] == {"hue": [0.5, None]}
    assert values["time_zone"] == "Asia/Omsk"


async def test_texts_have_any_style_and_commands_of_newer_clients_can_be_off(http):
    wishes = {
        "style": "raw",
        "app_styles": {"Почта": "email", "Терминал": "code"},
        "masks_profanity": True,
        "commands_off": ["undo", "of_a_newer_client"],
    }
    values = (await http.patch("/v1/preferences", json=wishes)).json()["values"]

    assert {name: values[name] for name in wishes} == wishes


NO_PREFERENCES = [
    '{"style": "loud"}',
    '{"app_styles": {"Почта": "loud"}}',
    '{"commands_off": ["Новая строка"]}',
    '{"commands_off": ["' + "a" * 41 + '"]}',
    '{"commands_off": [' + ",".join(f'"c{n}"' for n in range(101)) + "]}",
    '{"time_zone": "Europe"}',
    '{"time_zone": "zone.tab"}',
    '{"time_zone": "../../etc/passwd"}',
    '{"keeps_audio_days": 1e3}',
    '{"Ключ": 1}',
    '{"x": NaN}',
    '{"x": 1e999}',
    '{"x": 99999999999999999999}',
    '{"x": "\\u0000"}',
    '{"x": {"\\ud800": 1}}',
    '{"x": ' + "[" * 500 + "]" * 500 + "}",
    '{"x": ' + "[" * 50_000 + "]" * 50_000 + "}",
    '{"x": "' + "a" * 5000 + '"}',
    '{"app_styles": {"": "chat"}}',
    "{" + ",".join(f'"k{n}": 1' for n in range(201)) + "}",
]


async def test_what_cannot_be_a_preference_is_refused(http):
    as_json = {"Content-Type": "application/json"}
    for body in NO_PREFERENCES:
        answer = await http.patch("/v1/preferences", content=body, headers=as_json)

        assert answer.status_code in (400, 422), body[:50]
        assert answer.json()["code"] == "request.invalid"
    assert (await http.get("/v1/preferences")).json()["change"] == 0


async def test_keys_cannot_pile_up_for_ever(http):
    codes = set()
    for first in (0, 200, 400):
        body = {f"k{n}": n for n in range(first, first + 200)}
        codes.add((await http.patch("/v1/preferences", json=body)).json().get("code"))

    assert "library.full" in codes
    assert (await http.get("/v1/preferences")).status_code == 200


def test_stored_values_that_are_wrong_here_do_not_take_the_right_ones_along():
    values = understood({"style": "shouting", "language": "en", "newer": 1})

    assert (values.style, values.language, values.model_extra) == ("neutral", "en", {"newer": 1})

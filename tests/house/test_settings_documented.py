"""`.env.example` and the settings say the same."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from service.language.catalogue import preferred_language
from service.settings import Settings

EXAMPLE = Path(__file__).parents[2] / ".env.example"
OF_THE_MACHINE = {"data_dir"}
"""Settings whose default is not the same everywhere, so the example leaves them empty."""
LANGUAGE = "ALFAVOICE_LANGUAGE"
"""Read by the catalogue: it must speak before there are settings."""


def documented() -> dict[str, str]:
    return dict(re.findall(r"^#([A-Z][A-Z0-9_]*)=(.*)$", EXAMPLE.read_text("utf-8"), re.MULTILINE))


def variable(setting: str) -> str:
    return f"ALFAVOICE_{setting.upper()}"


@pytest.mark.parametrize("setting", sorted(Settings.model_fields))
def test_every_setting_is_in_the_example_with_its_default(
    setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    default = getattr(Settings(), setting)
    value = documented()[variable(setting)]

    if default is None or setting in OF_THE_MACHINE:
        assert value == ""
        return
    monkeypatch.setenv(variable(setting), value)
    assert getattr(Settings(), setting) == default
    assert value != ""


def test_the_example_names_no_setting_that_does_not_exist() -> None:
    assert set(documented()) == {*map(variable, Settings.model_fields), LANGUAGE}
    assert preferred_language({LANGUAGE: "en", "LANG": "ru_RU"}) == "en"


def test_every_setting_in_the_example_has_a_reason_above_it() -> None:
    lines = EXAMPLE.read_text("utf-8").splitlines()

    bare = [
        line
        for before, line in pairwise(lines)
        if re.match(r"#[A-Z][A-Z0-9_]*=", line) and not before.startswith("# ")
    ]

    assert bare == []


def test_the_example_taken_as_it_is_changes_nothing() -> None:
    """Every line is a comment or empty, so a copy as .env sets nothing."""
    assert [x for x in EXAMPLE.read_text("utf-8").splitlines() if x and not x.startswith("#")] == []


@pytest.mark.parametrize("name", ["ALFAVOICE_DATABASE_URL", "DATABASE_URL"])
def test_the_database_has_both_its_names(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "postgresql://somewhere/alfavoice")

    url = Settings().database_url

    assert url is not None
    assert url.get_secret_value() == "postgresql://somewhere/alfavoice"
    assert "somewhere" not in repr(Settings())

"""What the program says: the same in both languages, and nothing missing."""

import ast
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.language import Language, preferred_language
from service.language.catalogue import Sentence
from service.language.plurals import english_form, russian_form

ROOT = Path(__file__).parents[2]
RUSSIAN, ENGLISH = Language("ru"), Language("en")


def placeholders(sentence: Sentence) -> set[str]:
    forms = sentence.values() if isinstance(sentence, dict) else [sentence]
    return {name for form in forms for _, name, _, _ in string.Formatter().parse(form) if name}


def product_code() -> Iterator[tuple[str, ast.Module]]:
    for package in ("service", "workers", "models"):
        for path in (ROOT / package).rglob("*.py"):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))


def test_both_languages_have_the_same_keys():
    assert sorted(RUSSIAN.sentences) == sorted(ENGLISH.sentences)


@pytest.mark.parametrize("key", sorted(RUSSIAN.sentences))
def test_both_languages_fill_the_same_places(key):
    assert placeholders(RUSSIAN.sentences[key]) == placeholders(ENGLISH.sentences[key])


@pytest.mark.parametrize(
    ("language", "forms"), [(RUSSIAN, {"one", "few", "many"}), (ENGLISH, {"one", "other"})]
)
def test_every_plural_has_all_forms_of_its_language(language, forms):
    plurals = {k: set(v) for k, v in language.sentences.items() if isinstance(v, dict)}
    assert {key: found for key, found in plurals.items() if found != forms} == {}


def test_every_key_that_the_code_says_exists():
    said = {
        (node.args[0].value, where)
        for where, tree in product_code()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and (getattr(node.func, "attr", None) or getattr(node.func, "id", None)) == "text"
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }
    assert said
    assert {(key, where) for key, where in said if key not in RUSSIAN} == set()


def test_no_sentence_is_kept_that_nobody_says():
    """A key is said by name, or belongs to a family whose names are put together (`error.` + code)."""
    names: set[str] = set()
    families: set[str] = set()
    for _, tree in product_code():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                names.add(node.value)
            if isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
                families.add(str(node.values[0].value))
    prefixes = tuple(family for family in families if family.endswith(".") and " " not in family)
    unsaid = [k for k in RUSSIAN.sentences if k not in names and not k.startswith(prefixes)]
    assert unsaid == []


@pytest.mark.parametrize(
    ("count", "form"),
    [
        (0, "many"),
        (1, "one"),
        (2, "few"),
        (4, "few"),
        (5, "many"),
        (11, "many"),
        (12, "many"),
        (21, "one"),
        (22, "few"),
        (111, "many"),
        (114, "many"),
        (1001, "one"),
        (1.5, "few"),
    ],
)
def test_russian_counts_as_russian_does(count, form):
    assert russian_form(count) == form


@pytest.mark.parametrize(("count", "form"), [(0, "other"), (1, "one"), (2, "other"), (21, "other")])
def test_english_counts_as_english_does(count, form):
    assert english_form(count) == form


@pytest.mark.parametrize(
    ("environment", "code"),
    [
        ({}, "ru"),
        ({"LANG": "C.UTF-8"}, "ru"),
        ({"LANG": "en_US.UTF-8"}, "en"),
        ({"LANG": "ru_RU.UTF-8"}, "ru"),
        ({"LANG": "de_DE"}, "en"),
        ({"LC_ALL": "ru_RU", "LANG": "en_US"}, "ru"),
        ({"LC_MESSAGES": "en_GB.UTF-8", "LANG": "ru_RU"}, "en"),
        ({"ALFAVOICE_LANGUAGE": "ru", "LC_ALL": "en_US"}, "ru"),
        ({"ALFAVOICE_LANGUAGE": "", "LC_ALL": "", "LANG": "en_US"}, "en"),
    ],
)
def test_the_language_is_the_one_asked_for_first(environment, code):
    assert preferred_language(environment) == code


def test_a_sentence_without_its_values_is_an_error_and_not_half_a_sentence():
    with pytest.raises(KeyError):
        RUSSIAN.text("cli.failed", what="x")


def test_a_fraction_is_written_as_its_language_writes_it():
    values = {"file": "1.5.wav", "audio": 3.0, "speed": 10.0}
    assert RUSSIAN.text("transcribe.done", **values) == (
        "1.5.wav: 3,0 с звука, быстрее речи в 10,0 раза"
    )
    assert "3.0 s" in ENGLISH.text("transcribe.done", **values)
    assert (RUSSIAN.number(55.44), ENGLISH.number(55.44)) == ("55,4", "55.4")

"""The catalogue: one sentence a key, with `{placeholders}` and plural forms.

A key is dotted, as its TOML tables are nested: `failed` under `[transcribe]` is
`transcribe.failed`. A table that holds plural forms (`one`, `few`, `many` in Russian; `one`,
`other` in English) is one sentence, and `count` chooses its form.
"""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files
from typing import Any, Final, Literal

from service.language.plurals import english_form, russian_form

LanguageCode = Literal["ru", "en"]
Sentence = str | dict[str, str]
"""A sentence, or its plural forms by name."""

_FORMS: Final = frozenset({"one", "few", "many", "other"})
_PLURALS: Final[Mapping[str, Callable[[float], str]]] = {"ru": russian_form, "en": english_form}


class Language:
    """The program's voice in one language."""

    def __init__(self, code: LanguageCode) -> None:
        source = files("service.language").joinpath(f"{code}.toml").read_text(encoding="utf-8")
        self.code: LanguageCode = code
        self.sentences: Mapping[str, Sentence] = dict(_flatten(tomllib.loads(source)))
        self._plural = _PLURALS[code]

    def __contains__(self, key: object) -> bool:
        return key in self.sentences

    def text(self, key: str, **values: object) -> str:
        """Say the sentence `key`.

        Args:
            key: dotted key of the catalogue.
            values: what its placeholders stand for; `count` also chooses the plural form. A float
                is written as the language writes it: «1,5».

        Raises:
            KeyError: there is no such sentence, or one of its placeholders was not given.
        """
        sentence = self.sentences[key]
        if isinstance(sentence, dict):
            count = values["count"]
            if not isinstance(count, int | float):
                raise TypeError(f"{key}: count must be a number, got {type(count).__name__}")
            sentence = sentence[self._plural(count)]
        return sentence.format_map({name: self._written(value) for name, value in values.items()})

    def number(self, value: float) -> str:
        """Write a number with one decimal: «55,4», “55.4”."""
        return str(self._written(round(float(value), 1)))

    def _written(self, value: object) -> object:
        if isinstance(value, float) and self.code == "ru":
            return str(value).replace(".", ",")
        return value


def preferred_language(environment: Mapping[str, str]) -> LanguageCode:
    """Pick the language a person asked for, Russian when they asked for nothing.

    `ALFAVOICE_LANGUAGE` goes first, then `LC_ALL`, `LC_MESSAGES` and `LANG` as POSIX orders them
    (IEEE 1003.1, section 8.2). `C` and `POSIX` name no language and count as nothing.
    """
    for variable in ("ALFAVOICE_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        locale = environment.get(variable, "").strip().lower()
        language = locale.split(".")[0].split("_")[0].split("-")[0]
        if language in ("", "c", "posix"):
            continue
        return "ru" if language in ("ru", "be", "kk") else "en"
    return "ru"


def _flatten(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Sentence]]:
    for name, value in table.items():
        key = prefix + name
        if isinstance(value, str):
            yield key, value
        elif value.keys() <= _FORMS:
            yield key, dict(value)
        else:
            yield from _flatten(value, f"{key}.")

"""What stored terms, snippets and preferences mean for a person's texts.

Stored values may be of another version, or of an archive that somebody wrote by hand: what is not
understood is left out, and takes nothing else along. Pure.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from sys import getsizeof
from typing import Any, Final, Literal, TypeVar

from service.library.preferences import understood
from workers.contract.finishing import Snippet, Step, Style, Term

T = TypeVar("T")

MOST_LETTERS: Final = 1_000_000
"""Letters of a person's terms together, and of their snippets: they travel with every request to a
worker. Twenty times what 5,000 usual terms have, a thousand snippets of half a page."""
MOST_LANGUAGES: Final = 4
"""Languages for which a person's terms are held picked out; the one asked for longest ago goes."""
_PREFERRED: Final[Mapping[str, Step]] = {
    "adds_punctuation": Step.PUNCTUATION,
    "removes_fillers": Step.FILLERS,
    "writes_numbers": Step.NUMBERS,
    "obeys_commands": Step.COMMANDS,
    "expands_snippets": Step.SNIPPETS,
    "masks_profanity": Step.PROFANITY,
}
_ALWAYS: Final = frozenset({Step.TERMS, Step.STYLE})
_NO_LANGUAGE: Final = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPreferences:
    """What preferences say of texts."""

    steps: frozenset[Step]
    style: Style
    app_styles: Mapping[str, Style]
    commands_off: frozenset[str]
    language: Literal["ru", "en"]
    """Of the interface, and so of dates."""
    time_zone: str
    """IANA name, known on this machine."""

    @property
    def bytes_held(self) -> int:
        """About how much memory it takes."""
        return getsizeof(self.app_styles) + sum(
            getsizeof(text) for names in (self.app_styles, self.commands_off) for text in names
        )


def preferences_in(values: Mapping[str, Any]) -> TextPreferences:
    """Read stored preferences; what is not there or not understood has its default."""
    said = understood(values)
    wanted = {step for name, step in _PREFERRED.items() if getattr(said, name)}
    return TextPreferences(
        steps=_ALWAYS | wanted,
        style=said.style,
        app_styles=said.app_styles,
        commands_off=frozenset(said.commands_off),
        language="en" if said.interface_language == "en" else "ru",
        time_zone=said.time_zone,
    )


class Vocabulary:
    """A person's terms; asked again for a language it gives the same tuple again."""

    def __init__(self, stored: Iterable[Mapping[str, Any]] = ()) -> None:
        """Read stored terms, the most important first."""
        self._all: Final = _within_bounds(map(_term, stored), _letters_of)
        self._languages: Final = {term.language for term in self._all} - {None}
        self._picked: dict[str, tuple[Term, ...]] = {}

    def of(self, language: str | None) -> tuple[Term, ...]:
        """Give the terms of a language and those of none; None: all."""
        if language is None or self._languages <= {language}:
            return self._all
        key = language if language in self._languages else _NO_LANGUAGE
        terms = self._picked.pop(key, None)
        if terms is None:
            terms = tuple(term for term in self._all if term.language in (None, language))
        self._picked[key] = terms
        if len(self._picked) > MOST_LANGUAGES:
            del self._picked[next(iter(self._picked))]
        return terms

    @property
    def bytes_held(self) -> int:
        """About how much memory it takes at most."""
        return (1 + MOST_LANGUAGES) * getsizeof(self._all) + sum(
            getsizeof(term)
            + getsizeof(term.term)
            + getsizeof(term.sounds_like)
            + sum(getsizeof(form) for form in term.sounds_like)
            for term in self._all
        )


def snippets_in(stored: Iterable[Mapping[str, Any]]) -> tuple[Snippet, ...]:
    """Read stored snippets, the most important first."""
    return _within_bounds(map(_snippet, stored), lambda one: len(one.trigger) + len(one.text))


def bytes_held(snippets: tuple[Snippet, ...]) -> int:
    """Say about how much memory snippets take."""
    return getsizeof(snippets) + sum(
        getsizeof(one) + getsizeof(one.trigger) + getsizeof(one.text) for one in snippets
    )


def _term(values: Mapping[str, Any]) -> Term | None:
    term, heard, language = (values.get(name) for name in ("term", "sounds_like", "language"))
    if not isinstance(term, str) or not term.strip():
        return None
    forms = heard if isinstance(heard, list) else []
    return Term(
        term=term,
        sounds_like=tuple(form for form in forms if isinstance(form, str)),
        language=language if isinstance(language, str) else None,
        is_case_sensitive=values.get("is_case_sensitive") is True,
    )


def _letters_of(term: Term) -> int:
    return len(term.term) + sum(len(form) for form in term.sounds_like)


def _snippet(values: Mapping[str, Any]) -> Snippet | None:
    trigger, text = values.get("trigger"), values.get("text")
    if not isinstance(trigger, str) or not isinstance(text, str) or not trigger.strip():
        return None
    return Snippet(trigger=trigger, text=text)


def _within_bounds(found: Iterable[T | None], letters_of: Callable[[T], int]) -> tuple[T, ...]:
    kept, letters = [], 0
    for one in found:
        if one is None:
            continue
        letters += letters_of(one)
        if letters > MOST_LETTERS:
            break
        kept.append(one)
    return tuple(kept)

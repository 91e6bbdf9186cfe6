"""What OpenAI's clients say of the speech beforehand, as our recogniser takes it."""

import re
from collections.abc import Iterable
from typing import Final

from service.compat.openai_rest_errors import OpenAIRefused

TERMS: Final = 200
TERM_CHARACTERS: Final = 200
"""As `Context.terms` of our own protocol has it; the recogniser takes those that fit its budget."""
_CLAUSE_CHARACTERS: Final = 40
"""A clause up to here may be a term of its own; a longer one is prose, whose rare words help."""
_RARE_WORD_CHARACTERS: Final = 5
_LANGUAGE: Final = re.compile(r"([A-Za-z]{2,3})(?:[-_][A-Za-z0-9]{2,8})?")


def language_code(named: str | None, *, param: str) -> str:
    """Give the ISO 639 code of a language as named, such as `ru` or `ru-RU`; `auto` for none.

    Raises:
        OpenAIRefused: `invalid_language_format`.
    """
    if named is None or named == "auto":
        return "auto"
    found = _LANGUAGE.fullmatch(named)
    if not found:
        raise OpenAIRefused(
            "invalid_language_format", "name the language by its ISO 639-1 code", param=param
        )
    return found[1].lower()


def terms_of(prompt: str | None, keywords: Iterable[str] = ()) -> list[str]:
    """Give the terms in a prompt, in order: a list of them, or prose that has them.

    OpenAI's prompt is a list of words for `whisper-1` and free text for newer models.
    """
    terms: dict[str, None] = dict.fromkeys(_shortened(keywords))
    for clause in re.split(r"[,;:.!?\n]+", prompt or ""):
        words = clause.split()
        spoken = " ".join(words)
        prose = len(spoken) > _CLAUSE_CHARACTERS
        rare = [word for word in words if len(word) >= _RARE_WORD_CHARACTERS]
        terms.update(dict.fromkeys(_shortened(rare if prose else [spoken])))
    return list(terms)[:TERMS]


def _shortened(terms: Iterable[str]) -> list[str]:
    return [term.strip()[:TERM_CHARACTERS] for term in terms if term.strip()]

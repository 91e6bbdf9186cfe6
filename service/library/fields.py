"""The fields of notes, snippets, terms and preferences as they come in: types, limits, defaults.

Each model has every field optional, because a change names only what it changes; `whole` says which
a new thing needs.
"""

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from service.library.kinds import Kind
from service.library.merging import MergeRefused
from service.library.time_zones import TimeZone
from workers.contract.finishing import Style

VARIABLES: Final[Mapping[str, str]] = {
    "date": "The day on which it is inserted, as the person's language writes it.",
    "time": "The time of day at which it is inserted.",
    "clipboard": "What is in the clipboard.",
    "name": "The person's name, as the account has it.",
    "cursor": "Where the cursor stands afterwards; once at most.",
}
"""What a snippet may hold in braces; `{{` and `}}` are braces themselves."""
_CODES: Final = (
    "af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu "
    "ha haw he hi hr ht hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml "
    "mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa sd si sk sl sn so sq sr su sv sw "
    "ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh"
)
LANGUAGES: Final = frozenset(_CODES.split())
"""Languages that Whisper knows (Radford et al., 2022, appendix E)."""
_BRACES: Final = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_KEY: Final = re.compile(r"[a-z][a-z0-9_.-]{0,63}")
MOST_PREFERENCES: Final = 200
_MOST_UNKNOWN_LETTERS: Final = 4_000
_DEEPEST: Final = 6


def storable(text: str) -> str:
    """Check that a text can be stored and sent on.

    Raises:
        ValueError: it holds U+0000 or half a surrogate pair.
    """
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise PydanticCustomError("unstorable", "letters that cannot be stored")
    return text


def _one_line(text: str) -> str:
    if len(text.splitlines()) > 1 or any(ord(letter) < 32 for letter in text):
        raise PydanticCustomError("several_lines", "more than one line")
    return storable(text)


def _variables_are_known(text: str) -> str:
    names = []
    for brace in _BRACES.finditer(text):
        if brace[0] in ("{{", "}}"):
            continue
        if brace[1] not in VARIABLES:
            raise PydanticCustomError(
                "variable_unknown", "an unknown variable, or a brace that is not doubled"
            )
        names.append(brace[1])
    if names.count("cursor") > 1:
        raise PydanticCustomError("cursor_twice", "the cursor more than once")
    return text


def _a_language(code: str) -> str:
    if code not in LANGUAGES:
        raise PydanticCustomError(
            "language_unknown", "no language we know: give a code such as ru, en or de"
        )
    return code


Text = Annotated[str, AfterValidator(storable)]
Line = Annotated[
    str, StringConstraints(min_length=1, strip_whitespace=True), AfterValidator(_one_line)
]
Language = Annotated[str, Field(max_length=8), AfterValidator(_a_language)]
CommandName = Annotated[str, StringConstraints(max_length=40, pattern=r"^[a-z][a-z0-9_]*$")]
"""As docs/text_commands.md has them."""


class _Fields(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    def given(self) -> dict[str, Any]:
        """Give the fields that were sent, as JSON values."""
        return self.model_dump(mode="json", exclude_unset=True)


class NoteFields(_Fields):
    """What a note holds."""

    title: Annotated[Text, Field(max_length=500)] = ""
    text: Annotated[Text, Field(max_length=100_000)] = ""
    is_pinned: bool = False


class SnippetFields(_Fields):
    """What a snippet holds: say the trigger, and the text is inserted."""

    trigger: Annotated[Line, Field(max_length=200)] = "-"
    text: Annotated[Text, Field(max_length=10_000), AfterValidator(_variables_are_known)] = ""


class TermFields(_Fields):
    """What a term of the dictionary holds."""

    term: Annotated[Line, Field(max_length=200)] = "-"
    """As it is to be written."""
    sounds_like: Annotated[list[Annotated[Line, Field(max_length=200)]], Field(max_length=20)] = []
    """How it is heard, where that is not how it is written."""
    language: Language | None = None
    """The language it is said in; none: any."""
    is_case_sensitive: bool = False
    """Whether only this case is the term: «МИД» but not «мид»."""


class PreferencesFields(_Fields):
    """What a person prefers. Keys of newer clients, which we do not know, are kept as they are."""

    model_config = ConfigDict(extra="allow", strict=True)

    interface_language: Literal["system", "ru", "en"] = "system"
    language: Language | Literal["auto"] = "ru"
    """Of what is said."""
    time_zone: TimeZone = "Europe/Moscow"
    adds_punctuation: bool = True
    removes_fillers: bool = True
    writes_numbers: bool = True
    obeys_commands: bool = True
    """Whether «новая строка» is a command."""
    expands_snippets: bool = True
    shows_partials: bool = True
    masks_profanity: bool = False
    commands_off: Annotated[list[CommandName], Field(max_length=100)] = []
    """Commands that stay words. Names that we do not know are kept: a newer client may."""
    style: Style = "neutral"
    """Of finished texts; raw: they are left as recognised."""
    app_styles: Annotated[
        dict[Annotated[Line, Field(max_length=100)], Style], Field(max_length=200)
    ] = {}
    """Styles of single applications, by their name; case does not matter."""
    keeps_audio_days: Annotated[int, Field(ge=0, le=365)] = 0
    """0: audio is deleted once its transcript is stored. Of who never said, the server's setting."""
    keeps_history_days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    """After that a transcript is deleted, unless it is a favourite; none: never."""
    news_read: Annotated[list[Annotated[UUID, Field(strict=False)]], Field(max_length=500)] = []
    news_read_until: Annotated[AwareDatetime, Field(strict=False)] | None = None
    """Everything published until then is read."""

    @model_validator(mode="after")
    def _unknown_keys_are_small(self) -> "PreferencesFields":
        extra = self.model_extra or {}
        if len(extra) > MOST_PREFERENCES:
            raise ValueError("too many keys")
        for key, value in extra.items():
            if not _KEY.fullmatch(key):
                raise ValueError("a key is a word in small Latin letters")
            check_json(value)
        return self


def check_json(value: Any, depth: int = 0) -> None:  # noqa: ANN401 - any JSON value
    """Check that a value of unknown meaning can be stored.

    Raises:
        ValueError: too long, too deep, not a number, or letters that cannot be stored.
    """
    if depth > _DEEPEST:
        raise ValueError("a value is too deep")
    if isinstance(value, dict):
        for key, inner in value.items():
            storable(key)
            check_json(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            check_json(inner, depth + 1)
    elif isinstance(value, str):
        storable(value)
    elif isinstance(value, int) and abs(value) >= 1 << 63:
        raise ValueError("a number is too large")
    if depth == 0 and len(json.dumps(value, allow_nan=False)) > _MOST_UNKNOWN_LETTERS:
        raise ValueError("a value is too long")


MODELS: Final[Mapping[Kind, type[_Fields]]] = {
    Kind.NOTE: NoteFields,
    Kind.SNIPPET: SnippetFields,
    Kind.TERM: TermFields,
    Kind.PREFERENCES: PreferencesFields,
}


def checked(kind: Kind, values: Mapping[str, Any]) -> dict[str, Any]:
    """Check values of some fields, from a place where no schema did.

    Raises:
        MergeRefused: `request.invalid`; the message names the fields and repeats no value.
    """
    try:
        return MODELS[kind].model_validate(values).given()
    except ValidationError as exc:
        names = {str(one["loc"][0]) for one in exc.errors() if one["loc"]}
        known = ", ".join(sorted(names & MODELS[kind].model_fields.keys())) or "a field"
    raise MergeRefused("request.invalid", f"not a value of a {kind}: {known}")

"""Languages as programs name them, made into what our sessions take. Pure."""

import re
from typing import Final

_TAG: Final = re.compile(r"([A-Za-z]{2,3})(?:[-_][A-Za-z0-9]{1,8}){0,3}")
"""The forms of BCP 47 that programs send: ru, en-US, zh-Hans-CN, and ru_RU."""
_ANY: Final = frozenset({"", "auto", "multi"})


def session_language(tag: str) -> str | None:
    """Give the language of a session: a code of ISO 639, or `auto`; None if it is no language."""
    if tag in _ANY:
        return "auto"
    found = _TAG.fullmatch(tag)
    return found[1].lower() if found else None

"""Which mark a token carries, and another in its place. Quotes, brackets and dashes stay."""

import re
from typing import Final

from workers.text.tokens import Token

ENDS: Final = (".", "?", "!", "…")
"""Marks that end a sentence."""
_STICKING: Final = ".,?!…:;"
"""Marks that stick to a word. A dash of the recogniser's is never touched: it comes in pairs."""
_DASHES: Final = "—–-"
_CLOSERS: Final = "»”“’‘\"')\\]}"
_FREE: Final = re.compile(rf"[{_CLOSERS}]*")
"""After such a trail a mark can be put."""
_PLAIN: Final = re.compile(rf"[{_CLOSERS}]*[{_STICKING}]+")
"""In such a trail the mark can be changed."""
_BLANK_BEFORE: Final = re.compile(rf"\s([{_STICKING}])")
_TWICE: Final = re.compile(r"([,:;])\1+")
_TWO_STOPS: Final = re.compile(r"(?<!\.)\.\.(?!\.)")
_CUT_SHORT: Final = """
авг акад бул вв вкл г га гг гл д дек доб доц др е ж зав зам им инж исп кв кг км коп корп л
м мин млн млрд н наб напр нач нояб обл обр окт п пер пл пом пос пр прим проф просп р ред рис руб св сек
сен см соб соч ср ст стр т таб табл тел трлн тыс ул упр уч ф февр ч чел ш шт э экз янв
"""
_ABBREVIATIONS: Final = frozenset(_CUT_SHORT.split())
"""Words that are often cut short, so that the full stop after them may end nothing."""


def mark_of(trail: str) -> str:
    """Give the mark after a word as one of the model's labels; of several the strongest."""
    for mark in "?!…":
        if mark in trail:
            return mark
    if ".." in trail:
        return "…"
    for mark in ".,;:":
        if mark in trail:
            return mark
    return "—" if any(dash in trail for dash in _DASHES) else ""


def with_mark(trail: str, mark: str) -> str:
    """Put a mark in the place of those a trail has, or after its closing quotes and brackets.

    Args:
        trail: for which `may_change` says yes.
        mark: one of the model's labels; "": none.
    """
    closers = trail.rstrip(_STICKING)
    return f"{closers} —" if mark == "—" else closers + mark


def may_change(token: Token, following: Token | None) -> bool:
    """Whether the mark between two words is one that is understood.

    Not where a dash stands, a bracket or quote opens, marks and quotes are mixed, or the full stop
    belongs to a word that is cut short.
    """
    if token.gap != " " or not token.word:
        return False
    if following is not None and following.lead:
        return False
    if _FREE.fullmatch(token.trail) is not None:
        return True
    return _PLAIN.fullmatch(token.trail) is not None and not is_cut_short(token)


def is_cut_short(token: Token) -> bool:
    """Whether the full stop after a word may belong to the word: «т. е.», «ул.», «А. С. Пушкин»."""
    if mark_of(token.trail) != ".":
        return False
    is_initial = len(token.word) == 1 and token.word.isupper() and token.word != "Я"
    return is_initial or token.word.lower() in _ABBREVIATIONS


def ends_for_certain(token: Token) -> bool:
    """Whether the next word begins a sentence, whatever it is.

    Not after an ellipsis, a word that is cut short, or an end inside quotes or with a dash after it:
    «Да!» сказал он; «Да! — сказал он».
    """
    if token.trail[-1:] not in {".", "?", "!"} or mark_of(token.trail) == "…":
        return False
    return not is_cut_short(token) and not any(dash in token.trail for dash in _DASHES)


def may_end(token: Token) -> bool:
    """Whether the next word may begin a sentence."""
    is_end = mark_of(token.trail) in ENDS or "\n" in token.gap
    return is_end or any(dash in token.trail for dash in _DASHES)


def tidied(trail: str) -> str:
    """Repair what no model is needed for: a blank before a mark, the same mark twice."""
    trail = _BLANK_BEFORE.sub(r"\1", trail)
    return _TWO_STOPS.sub(".", _TWICE.sub(r"\1", trail))

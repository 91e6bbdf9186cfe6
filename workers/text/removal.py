"""Taking words out of a text so that no mark and no capital letter tells of them.

«Мы, э-э, поехали»   -> «Мы поехали»          both commas were the removed word's
«Думаю, э-э, что да» -> «Думаю, что да»       a clause begins: one comma stays
«Ну вот, пора.»      -> «Пора.»               the sentence begins with a capital letter
«Пора, ну вот.»      -> «Пора.»               the end of the sentence stays
"""

from collections.abc import Container, Sequence
from dataclasses import replace
from typing import Final

from workers.text.frequent import CLAUSE_OPENERS, CONJUNCTIONS, PERSONS, PREPOSITIONS
from workers.text.letters import capitalised
from workers.text.tokens import SENTENCE_ENDS, Token

_OPENING: Final = frozenset("«„“‘([{<\"'")
_CLOSING: Final = frozenset("»“”’)]}>\"'")
_ELLIPSES: Final = frozenset({"…", "...", "..", "...."})
_TAKES_NO_COMMA: Final = (PREPOSITIONS | CONJUNCTIONS | PERSONS) - CLAUSE_OPENERS
"""After these a comma was only the removed word's."""
_TAKES_A_COMMA: Final = frozenset(
    "да нет слушай слушайте смотри смотрите знаешь знаете понимаешь понимаете скажи скажите конечно "
    "привет здравствуйте спасибо хорошо ладно наверное кстати итак во-первых во-вторых".split()
)
"""After these one comma of two stays: it is their own."""
_PARENTHESES: Final = frozenset(
    "пожалуйста например наверное наверно кажется конечно возможно вероятно по-моему по-видимому".split()
)
"""Before these a comma stays, and before «может быть»: it is theirs."""
_NEAR: Final = 2
"""Words in which a word that is said better comes again."""


def without(tokens: Sequence[Token], gone: Container[int]) -> tuple[Token, ...]:
    """Take words out and repair what stands around them.

    Args:
        tokens: a text.
        gone: places of the words to take out.
    """
    kept: list[Token] = []
    place = 0
    while place < len(tokens):
        if place not in gone:
            kept.append(tokens[place])
            place += 1
            continue
        end = place
        while end < len(tokens) and end in gone:
            end += 1
        run = tokens[place:end]
        following = tokens[end] if end < len(tokens) else None
        begins = not kept or kept[-1].ends_sentence
        opened, closed = _unpaired(run)
        if kept:
            rest = tokens[end : end + _NEAR]
            opens = len(kept) == 1 or kept[-2].ends_sentence
            kept[-1] = _left(kept[-1], run, rest, closed, opens=opens)
        if following is not None:
            kept.append(_right(following, run[0], opened, begins=begins))
            end += 1
        place = end
    return tuple(kept)


def bare(trail: str) -> str:
    """Give the closing quotes and brackets of the marks after a word, without the other marks."""
    return "".join(mark for mark in trail if mark in _CLOSING)


def _unpaired(run: Sequence[Token]) -> tuple[str, str]:
    """Give the quotes and brackets that open or close inside the run only."""
    opened = "".join(mark for token in run for mark in token.lead if mark in _OPENING)
    closed = "".join(mark for token in run for mark in token.trail if mark in _CLOSING)
    pairs = min(len(opened), len(closed))
    return opened[: len(opened) - pairs], closed[pairs:]


def _left(
    left: Token, run: Sequence[Token], rest: Sequence[Token], closed: str, *, opens: bool
) -> Token:
    following = rest[0] if rest else None
    gap = next((token.gap for token in reversed(run) if "\n" in token.gap), left.gap)
    trail = left.trail
    if not left.ends_sentence:
        marks = "".join(mark for mark in run[-1].trail if mark not in _CLOSING).strip()
        hesitates = marks in _ELLIPSES and following is not None and following.word[:1].islower()
        if run[-1].ends_sentence and any(mark in SENTENCE_ENDS for mark in marks) and not hesitates:
            trail = bare(trail) + closed + marks
            return replace(left, trail=trail, gap=gap)
        trail = _within(left, run, rest, opens=opens)
    return replace(left, trail=trail + closed, gap=gap)


def _within(left: Token, run: Sequence[Token], rest: Sequence[Token], *, opens: bool) -> str:
    """Give the marks after the word before a run that stood inside a sentence.

    Args:
        left: the word before.
        run: the words that go.
        rest: some words after them.
        opens: whether a sentence begins with the word before.
    """
    following = rest[0] if rest else None
    before = "," in left.trail
    after = any("," in token.trail or token.trail in _ELLIPSES for token in run)
    quiet = left.trail.replace(",", "")
    if following is None:
        return quiet.rstrip(" —–-;:") if quiet.strip() else ""
    needs_one = (
        following.key in CLAUSE_OPENERS
        or (before and (left.key in _TAKES_A_COMMA or _is_said_better(left, rest)))
        or (before and opens and left.key == "так")
        or (before and after and _is_parenthesis(rest))
        or (left.key[-1:].isdigit() and following.key[:1].isdigit())
    )
    if (before or after) and needs_one and not left.trail.strip(" ,"):
        return ","
    if before and (after or left.key in _TAKES_NO_COMMA):
        return quiet
    return left.trail


def _is_parenthesis(rest: Sequence[Token]) -> bool:
    keys = [token.key for token in rest]
    return keys[0] in _PARENTHESES or keys == ["может", "быть"]


def _is_said_better(left: Token, rest: Sequence[Token]) -> bool:
    """Whether a word comes again with another before it: «Всё, почти всё»."""
    if left.key in _TAKES_NO_COMMA or not rest or rest[0].key == left.key:
        return False
    return any(token.key == left.key for token in rest)


def _right(right: Token, first: Token, opened: str, *, begins: bool) -> Token:
    lead = opened + right.lead
    if begins and first.lead[:1] in ("—", "–", "-") and not right.lead:
        lead = f"{first.lead[:1]} {lead}"
    if first.word[:1].isupper():  # no name is taken out: a sentence began here
        return replace(right, lead=lead, word=capitalised(right.word))
    return replace(right, lead=lead)

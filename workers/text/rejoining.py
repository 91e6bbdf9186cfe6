"""The finals of a session as its transcript has them: sentences cut by pauses are whole again.

    final «Мы поехали.»   final «На вокзал.»   ─►   «Мы поехали» «на вокзал.»

Each final stays a text of its own; what is in it, its line ends too, stays as it is but for the last
mark and the first capital letter.
"""

from collections.abc import Sequence
from typing import Final

from workers.text.merging.borders import Border, borders
from workers.text.merging.borders import rejoined as joined_at
from workers.text.merging.thresholds import Thresholds
from workers.text.rubert.labels import Punctuator
from workers.text.tokens import Token, read

_RUSSIAN: Final = frozenset({"ru", None})
"""Languages whose sentences the model knows."""


def rejoined(
    finals: Sequence[tuple[str, str | None]], punctuator: Punctuator, limits: Thresholds
) -> list[str]:
    """Join the sentences that pauses cut.

    Args:
        finals: finished texts in order, and the ISO 639-1 code of their language.
        punctuator: reads the words on both sides of a border.
        limits: how sure it has to be.
    """
    texts = [text for text, _ in finals]
    rows = [read(text) for text in texts]
    found = [border for border in borders(rows) if _may_join(finals, border)]
    if not found:
        return texts
    labels = punctuator.label([border.words for border in found])
    for number, row in enumerate(joined_at(rows, found, labels, limits)):
        if row and rows[number]:
            texts[number] = _rewritten(texts[number], rows[number], row)
    return texts


def _may_join(finals: Sequence[tuple[str, str | None]], border: Border) -> bool:
    """Whether no line end stands between them, and both are Russian."""
    before, after = finals[border.before], finals[border.after]
    between = finals[border.before + 1 : border.after]
    if any("\n" in text for text, _ in between):
        return False
    ends_line = before[0] != before[0].rstrip("\n") or after[0] != after[0].lstrip("\n")
    return not ends_line and before[1] in _RUSSIAN and after[1] in _RUSSIAN


def _rewritten(text: str, row: Sequence[Token], joined: Sequence[Token]) -> str:
    """Put the first and the last token into a text where they differ."""
    first, last = (row[0].text, joined[0].text), (row[-1].text, joined[-1].text)
    begin = len(text) - len(text.lstrip())
    if first[0] != first[1] and text.startswith(first[0], begin):
        text = text[:begin] + first[1] + text[begin + len(first[0]) :]
        if len(row) == 1:  # the only token is the last one as well, and is written
            return text
    body = text.rstrip()
    if last[0] != last[1] and body.endswith(last[0]):
        text = body[: len(body) - len(last[0])] + last[1] + text[len(body) :]
    return text

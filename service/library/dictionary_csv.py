"""The dictionary as a CSV file: written plainly, read from whatever a spreadsheet made of it. Pure.

    term,sounds_like,language,is_case_sensitive
    ЭДО,э дэ о|эдэо,ru,true

Read with `,`, `;` or a tab between the cells, in UTF-8 (with or without a mark), UTF-16 with a mark,
or Windows-1251, with English or Russian headings in any order. A line that cannot be taken is
reported with its number and reason, and the others are taken all the same.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from service.library.fields import LANGUAGES, TermFields

HEADER: Final = ("term", "sounds_like", "language", "is_case_sensitive")
MOST_LINES: Final = 20_000
MOST_REPORTED: Final = 1_000
"""Refused lines that a report names; it counts the rest."""
_HEADINGS: Final[Mapping[str, str]] = {
    "term": "term",
    "word": "term",
    "термин": "term",
    "слово": "term",
    "sounds_like": "sounds_like",
    "sounds like": "sounds_like",
    "звучит как": "sounds_like",
    "слышится как": "sounds_like",
    "произношение": "sounds_like",
    "language": "language",
    "язык": "language",
    "is_case_sensitive": "is_case_sensitive",
    "case sensitive": "is_case_sensitive",
    "учитывать регистр": "is_case_sensitive",
    "регистр": "is_case_sensitive",
}
_TRUE: Final = frozenset({"true", "yes", "1", "да", "+", "истина", "x"})
_FALSE: Final = frozenset({"", "false", "no", "0", "нет", "-", "ложь"})
_BETWEEN_SOUNDS: Final = "|"
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r]")
"""How a cell begins that a spreadsheet would compute (OWASP, "CSV injection"), quotes before it
included: it is written with one more quote, and read with one less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TermLine:
    """A line that was understood."""

    line: int  # of the file, from 1
    fields: dict[str, Any]  # of a term; those the line has cells for


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedLine:
    """A line that was not."""

    line: int  # of the file, from 1
    reason: str


class NotATable(Exception):
    """The file as a whole cannot be read; the message says why."""


def write_csv(terms: Iterable[Mapping[str, Any]]) -> str:
    """Write terms as CSV with a heading.

    Args:
        terms: values of all fields.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(HEADER)
    for term in terms:
        writer.writerow(
            (
                _quoted(term["term"]),
                _quoted(_joined(term["sounds_like"])),
                term["language"] or "",
                "true" if term["is_case_sensitive"] else "false",
            )
        )
    return out.getvalue()


def read_csv(content: bytes) -> tuple[list[TermLine], list[RefusedLine]]:
    """Read terms.

    Args:
        content: the file; the caller bounds its size.

    Returns:
        The lines understood and those refused, each in the file's order. Empty lines are neither.

    Raises:
        NotATable: no text, no heading with `term`, or more lines than a dictionary may have.
    """
    text = _decoded(content)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    good: list[TermLine] = []
    bad: list[RefusedLine] = []
    columns: list[str | None] | None = None
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if columns is None:
                columns = _columns(cells)
                continue
            if len(good) + len(bad) >= MOST_LINES:
                raise NotATable(f"more than {MOST_LINES} lines")
            line = reader.line_num
            read = _read_line(columns, cells)
            if isinstance(read, str):
                bad.append(RefusedLine(line=line, reason=read))
            else:
                good.append(TermLine(line=line, fields=read))
    except csv.Error:
        raise NotATable(f"line {reader.line_num}: the table is broken off or too wide") from None
    if columns is None:
        raise NotATable("the file is empty")
    return good, bad


def _read_line(columns: Sequence[str | None], cells: Sequence[str]) -> dict[str, Any] | str:
    """Give the fields of a line, or why not."""
    if any(cell.strip() for cell in cells[len(columns) :]):
        return "more cells than headings"
    found = {
        name: cell.strip() for name, cell in zip(columns, cells, strict=False) if name is not None
    }
    term = _unquoted(found.get("term", ""))
    if not term:
        return "no term"
    language = found.get("language", "").lower() or None
    if language is not None and language not in LANGUAGES:
        return "unknown language"
    is_case_sensitive = found.get("is_case_sensitive", "").lower()
    if is_case_sensitive not in _TRUE | _FALSE:
        return "is_case_sensitive is neither true nor false"
    fields: dict[str, Any] = {"term": term}
    if "sounds_like" in found:
        fields["sounds_like"] = _split(_unquoted(found["sounds_like"]))
    if "language" in found:
        fields["language"] = language
    if "is_case_sensitive" in found:
        fields["is_case_sensitive"] = is_case_sensitive in _TRUE
    try:
        return TermFields.model_validate(fields).given()
    except ValidationError as exc:
        return f"{exc.errors()[0]['loc'][0]} is too long or holds what cannot be stored"


def _decoded(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    else:
        encodings = ["utf-8-sig", "cp1251"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise NotATable("neither UTF-8 nor Windows-1251 text")


def _delimiter(text: str) -> str:
    """Take the separator that stands most often in the heading."""
    heading = next((line for line in text.splitlines() if line.strip()), "")
    return max(",;\t", key=heading.count)


def _columns(cells: Sequence[str]) -> list[str | None]:
    columns = [_HEADINGS.get(cell.strip().lower()) for cell in cells]
    known = [column for column in columns if column is not None]
    if "term" not in known:
        raise NotATable("the first line must be headings, one of them `term`")
    if len(set(known)) != len(known):
        raise NotATable("a heading stands there twice")
    return columns


def _joined(sounds: Sequence[str]) -> str:
    return _BETWEEN_SOUNDS.join(
        sound.replace("\\", "\\\\").replace(_BETWEEN_SOUNDS, "\\|") for sound in sounds
    )


def _split(cell: str) -> list[str]:
    """Undo `_joined`; a backslash before another letter is a backslash."""
    parts = [""]
    for piece in re.findall(r"\\[\\|]|[^|]|\|", cell):
        if piece == _BETWEEN_SOUNDS:
            parts.append("")
        else:
            parts[-1] += piece[1] if len(piece) == 2 else piece
    return [part.strip() for part in parts if part.strip()]


def _quoted(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _unquoted(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell

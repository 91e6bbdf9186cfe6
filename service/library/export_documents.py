"""Transcripts as documents: txt, md, docx, srt, vtt, json.

Documents hold the text as edited where it was; subtitles need times, so they are made of what was
said. Writing blocks: a docx of four hours takes seconds.
"""

import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final

from docx import Document
from docx.shared import Pt, RGBColor

from service.dictation.composition import surviving
from service.formats.documents import Written, as_srt, as_txt, as_vtt, utterances
from service.library.history_entries import Entry, Transcript

_RATE_HZ: Final = 16_000
_PARAGRAPH_PAUSE: Final = 2 * _RATE_HZ
"""A silence that begins a new paragraph, in samples: one somebody makes to think (our choice,
2026-11)."""
_NOT_IN_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 section 2.2 does not allow."""
_MEANS_SOMETHING: Final = re.compile(r"([\\`*_\[\]<>])")
_BEGINS_SOMETHING: Final = re.compile(r"^(\s*)(#{1,6}(?=\s|$)|[-+=~|]|\d{1,9}(?=[.)]))")
_GREY: Final = RGBColor(0x70, 0x70, 0x70)


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A format of documents."""

    media_type: str
    write: Callable[[Transcript, tzinfo], bytes]
    """Times of the day are written in the zone."""


def file_name(entry: Entry, ending: str, zone: tzinfo) -> str:
    """Name the document of a transcript: by time, and part of the id so that no two are the same."""
    return f"{_local(entry, zone):%Y-%m-%d_%H-%M-%S}_{entry.id.hex[-12:]}.{ending}"


def paragraphs(transcript: Transcript) -> Iterator[str]:
    """Give the text in paragraphs: as edited, or broken at long pauses."""
    begin = 0
    if transcript.edited is not None:
        yield from (line.strip() for line in transcript.edited.splitlines() if line.strip())
        begin = transcript.edited_until
    gathered = ""
    end: int | None = None
    later = [final for final in transcript.finals if final.utterance >= begin]
    for final, text in zip(later, surviving(later), strict=True):
        if not text:
            continue
        if end is not None and final.start - end >= _PARAGRAPH_PAUSE:
            yield from _lines(gathered + final.glue)
            gathered = ""
        gathered = f"{gathered}{final.glue}{text}" if gathered else text
        end = final.end
    yield from _lines(gathered)


def _lines(text: str) -> Iterator[str]:
    yield from (line.strip() for line in text.splitlines() if line.strip())


def _txt(transcript: Transcript, _: tzinfo) -> bytes:
    if transcript.edited is None:
        return as_txt(_written(transcript)).encode()
    return f"{transcript.text}\n".encode()


def _md(transcript: Transcript, zone: tzinfo) -> bytes:
    entry = transcript.entry
    blocks = [f"# {_local(entry, zone):%Y-%m-%d %H:%M}"]
    if about := _about(entry):
        blocks.append(f"*{_escaped(about)}*")
    blocks += map(_escaped, paragraphs(transcript))
    return "".join(f"{block}\n\n" for block in blocks).rstrip("\n").encode() + b"\n"


def _docx(transcript: Transcript, zone: tzinfo) -> bytes:
    entry = transcript.entry
    title = f"{_local(entry, zone):%Y-%m-%d %H:%M}"
    document = Document()
    document.core_properties.title = title
    document.core_properties.author = ""
    document.core_properties.comments = ""
    document.core_properties.language = "" if entry.language == "auto" else entry.language
    document.core_properties.created = entry.started_at.replace(tzinfo=None)
    document.add_heading(title, level=1)
    if about := _about(entry):
        run = document.add_paragraph().add_run(_in_xml(about))
        run.font.size, run.font.color.rgb = Pt(9), _GREY
    for text in paragraphs(transcript):
        document.add_paragraph(_in_xml(text))
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _json(transcript: Transcript, zone: tzinfo) -> bytes:
    entry = transcript.entry
    document = {
        "id": str(entry.id),
        "started_at": _local(entry, zone).isoformat(),
        "finished_at": entry.finished_at and entry.finished_at.astimezone(zone).isoformat(),
        "kind": entry.kind,
        "app": entry.app,
        "device": entry.device_name,
        "language": entry.language,
        "audio_s": round(entry.samples / _RATE_HZ, 3),
        "is_favourite": entry.is_favourite,
        "edited": transcript.edited is not None,
        "text": transcript.text,
        "original": transcript.original,
        "utterances": utterances(transcript.finals, sample_rate=_RATE_HZ),
    }
    return json.dumps(document, ensure_ascii=False, indent=2).encode("utf-8", "replace") + b"\n"


def _srt(transcript: Transcript, _: tzinfo) -> bytes:
    return as_srt(_written(transcript)).encode()


def _vtt(transcript: Transcript, _: tzinfo) -> bytes:
    return as_vtt(_written(transcript)).encode()


FORMATS: Final[Mapping[str, Format]] = {
    "txt": Format(media_type="text/plain; charset=utf-8", write=_txt),
    "md": Format(media_type="text/markdown; charset=utf-8", write=_md),
    "docx": Format(
        media_type="application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        write=_docx,
    ),
    "srt": Format(media_type="application/x-subrip; charset=utf-8", write=_srt),
    "vtt": Format(media_type="text/vtt; charset=utf-8", write=_vtt),
    "json": Format(media_type="application/json", write=_json),
}
"""By name, which is also the ending of the file."""


def _written(transcript: Transcript) -> Written:
    return Written(
        finals=transcript.finals,
        sample_rate=_RATE_HZ,
        audio_s=transcript.entry.samples / _RATE_HZ,
        source="",
    )


def _local(entry: Entry, zone: tzinfo) -> datetime:
    return entry.started_at.astimezone(zone)


def _about(entry: Entry) -> str:
    """Say in one line where a transcript is from; no words that would need a language."""
    minutes, seconds = divmod(round(entry.samples / _RATE_HZ), 60)
    length = f"{minutes}:{seconds:02}"
    return " · ".join(filter(None, (entry.app, entry.device_name, length)))


def _escaped(text: str) -> str:
    """Have Markdown show a text as it is (CommonMark section 2.4)."""
    return _BEGINS_SOMETHING.sub(
        lambda found: found[1] + (found[2] + "\\" if found[2][0].isdigit() else "\\" + found[2]),
        _MEANS_SOMETHING.sub(r"\\\1", text),
    )


def _in_xml(text: str) -> str:
    return _NOT_IN_XML.sub("", text)

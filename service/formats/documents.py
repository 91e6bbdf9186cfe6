"""A transcript written as txt, srt, vtt or json."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from service.dictation.composition import BLANK, composed
from service.formats.speech import Utterance, settled
from service.formats.subtitles import Subtitle, subtitles


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What is written: the finals of one file, positions in samples of `sample_rate`."""

    finals: Sequence[Utterance]
    sample_rate: int
    audio_s: float
    source: str
    """Name of the file, without its folder."""


def as_txt(written: Written) -> str:
    """Write plain text, a line for each utterance that does not go on with the last one's."""
    lines: list[str] = []
    for final in settled(written.finals):
        if not final.text:
            continue
        if lines and not final.glue.endswith(BLANK):
            lines[-1] += final.glue + final.text
            continue
        if lines:
            lines[-1] += final.glue.rstrip()
        lines.append(final.text)
    return "".join(f"{line}\n" for line in lines)


def as_srt(written: Written) -> str:
    """Write SubRip subtitles."""
    blocks = []
    for number, cue in enumerate(_cues(written), start=1):
        times = f"{_clock(cue.start_s, ',')} --> {_clock(cue.end_s, ',')}"
        # The arrow separates times; in text it would begin a new subtitle in lenient readers.
        lines = [line.replace("-->", "→") for line in cue.lines]
        blocks.append("\n".join([str(number), times, *lines]) + "\n")
    return "\n".join(blocks)


def as_vtt(written: Written) -> str:
    """Write WebVTT subtitles (W3C, WebVTT 1: `&`, `<` and `>` are escaped)."""
    blocks = ["WEBVTT\n"]
    for cue in _cues(written):
        times = f"{_clock(cue.start_s, '.')} --> {_clock(cue.end_s, '.')}"
        blocks.append("\n".join([times, *map(_escaped, cue.lines)]) + "\n")
    return "\n".join(blocks)


def as_json(written: Written) -> str:
    """Write everything known, times in seconds."""
    document: dict[str, Any] = {
        "source": written.source,
        "audio_s": round(written.audio_s, 3),
        "text": composed(written.finals),
        "utterances": utterances(settled(written.finals), sample_rate=written.sample_rate),
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def utterances(finals: Sequence[Utterance], *, sample_rate: int) -> list[dict[str, Any]]:
    """Give utterances as JSON has them: times in seconds to a millisecond.

    Args:
        finals: in the order of the speech.
        sample_rate: hertz, of their positions.
    """
    return [
        {
            "start_s": round(final.start / sample_rate, 3),
            "end_s": round(final.end / sample_rate, 3),
            "text": final.text,
            "raw": final.raw,
            "language": final.language,
            "words": [
                {
                    "start_s": round(word.start / sample_rate, 3),
                    "end_s": round(word.end / sample_rate, 3),
                    "text": word.text,
                    "probability": round(word.probability, 3),
                }
                for word in final.words
            ],
        }
        for final in finals
    ]


FORMATS: Final[Mapping[str, Callable[[Written], str]]] = {
    "txt": as_txt,
    "srt": as_srt,
    "vtt": as_vtt,
    "json": as_json,
}
"""Every format by its name, which is also its file ending."""


def _cues(written: Written) -> list[Subtitle]:
    return subtitles(settled(written.finals), sample_rate=written.sample_rate)


def _clock(seconds: float, separator: str) -> str:
    ms = round(seconds * 1000)
    return (
        f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}{separator}{ms % 1000:03}"
    )


def _escaped(line: str) -> str:
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

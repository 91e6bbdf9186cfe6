"""Where the texts of files go: standard output, or files beside the sources or in a folder."""

import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from service.dictation.wire import Final as FinalMessage

STANDARD_OUTPUT: Final = Path("-")
Targets = Mapping[str, Path]
"""Where one file's text goes, by format."""


def choose_targets(
    files: Sequence[Path], formats: Sequence[str], output: Path | None
) -> list[Targets] | None:
    """Choose where each file's text goes, by format.

    One file goes to standard output, several to files beside the sources or in the folder `output`. Two sources whose targets would be the same keep their endings
    (`talk.mp3.txt`, `talk.wav.txt`).

    Returns:
        A mapping for each file; None when standard output is asked for more than one format.
    """
    if output == STANDARD_OUTPUT or (output is None and len(files) == 1):
        if len(formats) > 1:
            return None
        return [{formats[0]: STANDARD_OUTPUT} for _ in files]
    plain = [(output or file.parent) / file.stem for file in files]
    count = Counter(plain)
    chosen: list[Targets] = []
    for file, stem in zip(files, plain, strict=True):
        name = file.stem if count[stem] == 1 else file.name
        chosen.append({f: (output or file.parent) / f"{name}.{f}" for f in formats})
    return chosen


def parts_of(targets: Targets) -> Targets:
    """Give the targets of a text that is not whole: `talk.part.txt`."""
    return {
        name: path if path == STANDARD_OUTPUT else path.with_name(f"{path.stem}.part{path.suffix}")
        for name, path in targets.items()
    }


def write(
    targets: Targets, finals: "Sequence[FinalMessage]", *, audio_s: float, source: str
) -> None:
    """Write the text of a file in every format, each file whole or not at all."""
    from service.client.media import RATE_HZ  # noqa: PLC0415 - slow to import
    from service.formats.documents import FORMATS, Written  # noqa: PLC0415

    written = Written(finals=tuple(finals), sample_rate=RATE_HZ, audio_s=audio_s, source=source)
    for name, path in targets.items():
        text = FORMATS[name](written)
        if path == STANDARD_OUTPUT:
            sys.stdout.write(text)
            sys.stdout.flush()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)  # a reader never sees half a transcript

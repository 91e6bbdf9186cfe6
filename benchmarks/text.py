"""What finishing the text is worth on real speech, through the whole server.

    python -m benchmarks.text                      clips one by one
    python -m benchmarks.text --concatenate 3      three of a speaker with pauses, as one dictation
    python -m benchmarks.text --hesitate 1.2       clips with pauses to think, each longer than ends an utterance
    python -m benchmarks.text --quick              every sixth passage; says little
    python -m benchmarks.text --both-halves        where nothing was chosen on these recordings
    python -m benchmarks.text --report             tables and plot of what was measured
    python -m benchmarks.text --examples FILE      recognise the other half, for `text_thresholds`

A server is started on Whisper base and hears every passage through its socket. Each final has the
text as recognised and as finished: both are held against the reference, so that the difference is
the pipeline's alone. Scored is the half of the Russian clips on which nothing was chosen
(`benchmarks.text_passages`); what is scored, and how, is told in `benchmarks.text_scores`. Without a
punctuation model in models/punctuation/ru marks and case are only repaired, and the results say so.
"""

import argparse
import asyncio
import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.machine import describe_machine, versions
from benchmarks.results import FOLDER, now
from benchmarks.speech import Clip, load_clips
from benchmarks.text_passages import (
    GROUPS,
    Passage,
    concatenated,
    for_choosing,
    for_reporting,
    hesitant,
    passages,
)
from benchmarks.text_report import markdown, plot, summary, verdicts
from benchmarks.text_served import Row, recognised
from service.dictation.options import DictationOptions
from workers.contract.audio import SAMPLE_RATE_HZ
from workers.text.rubert.encoder import shipped_model
from workers.text.rubert.exported import LABELS_FILE

_LONGEST_SAMPLES = 60 * SAMPLE_RATE_HZ
"""Longer than any clip of a window: two prompts of 31 and 40 s are spoken as well."""
_QUICK = 6
ENDPOINT_S = DictationOptions().endpoint_silence_ms / 1000
"""Silence that ends an utterance; a shorter pause to think changes nothing."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.text",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--concatenate", type=int, default=1, metavar="N")
    parser.add_argument("--hesitate", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--both-halves", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--examples", type=Path, metavar="FILE")
    parser.add_argument("--seed", type=int, default=1, help="of the order of joined clips")
    parser.add_argument("--beam", type=int, default=1)
    parser.add_argument(
        "--setting", action="append", default=[], metavar="NAME=VALUE", help="of the server"
    )
    parser.add_argument("--url", default="", help="host:port of an AlfaVoice that runs already")
    parser.add_argument("--results", type=Path)
    options = parser.parse_args()
    if options.concatenate < 1:
        parser.error("--concatenate needs at least 1")
    if options.hesitate and (options.hesitate <= ENDPOINT_S or options.concatenate > 1):
        parser.error(f"--hesitate needs more than {ENDPOINT_S} seconds, and clips one by one")
    if not all("=" in setting for setting in options.setting):
        parser.error("--setting takes NAME=VALUE")
    if options.results is None:
        joined = f"-joined-{options.concatenate}" if options.concatenate > 1 else ""
        joined += f"-hesitant-{options.hesitate:g}" if options.hesitate else ""
        joined += "-both-halves" if options.both_halves else ""
        folder = FOLDER / "tmp" if options.quick else FOLDER
        options.results = folder / f"text{joined}.json"
    return options


def _chosen(clips: Sequence[Clip], options: argparse.Namespace) -> list[Passage]:
    if options.concatenate > 1:
        found = concatenated(clips, options.concatenate, seed=options.seed)
    elif options.hesitate:
        found = hesitant(clips, options.hesitate)
    else:
        found = passages(clips)
    found.sort(key=lambda passage: (GROUPS.index(passage.group), passage.name))
    return found[::_QUICK] if options.quick else found


def _model() -> str:
    folder = shipped_model()
    if folder is None:
        return "none in this build, so that marks and case are only repaired"
    labels = json.loads((folder / LABELS_FILE).read_text(encoding="utf-8"))
    return str(labels["name"])


async def _measure(spoken: Sequence[Passage], options: argparse.Namespace) -> list[Row]:
    return await recognised(
        spoken,
        address=options.url,
        settings=dict(setting.split("=", 1) for setting in options.setting),
        beam=options.beam,
        note=lambda line: print(line, file=sys.stderr),
    )


def _content(
    clips: Sequence[Clip], rows: Sequence[Row], options: argparse.Namespace
) -> dict[str, Any]:
    changed = ", ".join(options.setting) or "defaults"
    return {
        "measured": now(),
        "command": shlex.join(["python", "-m", "benchmarks.text", *sys.argv[1:]]),
        "machine": describe_machine(),
        "versions": versions(["alfavoice", "ctranslate2", "onnxruntime", "jiwer", "num2words"]),
        "server": f"already running at {options.url}"
        if options.url
        else f"alfavoice serve on Whisper base, {changed}, beam {options.beam}",
        "punctuation_model": "that of the running server" if options.url else _model(),
        "clips": f"{len(clips)} Russian clips"
        + (
            ", those among them on which thresholds may be chosen"
            if options.both_halves
            else ", none of those on which thresholds may be chosen"
        ),
        "passages": f"{len(rows)} passages "
        + (
            f"of one clip with pauses of {options.hesitate:g} s to think"
            if options.hesitate
            else f"of {options.concatenate} clips at most"
        )
        + f", {sum(row.marks for row in rows)} of them with marks to score"
        + (", every sixth of all" if options.quick else ""),
        "summary": summary(rows),
        "rows": [asdict(row) for row in rows],
    }


def _save(content: Mapping[str, Any], target: Path) -> None:
    """Write a result with one row on each line, so that a diff shows which text changed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    head = {name: value for name, value in content.items() if name != "rows"}
    rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in content["rows"])
    body = json.dumps(head, ensure_ascii=False, indent=1)[:-2]
    target.write_text(f'{body},\n "rows": [\n{rows}\n]}}\n', encoding="utf-8")


def _show(content: Mapping[str, Any], target: Path) -> bool:
    text = markdown(content)
    target.with_suffix(".md").write_text(text, encoding="utf-8")
    plot(content, target.with_suffix(".png"))
    print(text)
    print(f"Again: {content['command']}")
    return all(verdicts(content).values())


def _write_examples(rows: Sequence[Row], target: Path) -> None:
    usable = [row for row in rows if row.marks and row.raw]
    lines = [
        json.dumps({"recognised": row.raw, "reference": row.reference}, ensure_ascii=False)
        for row in usable
    ]
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(lines)} utterances in {target}")


def main() -> int:
    """Measure, or show what was measured; 1: an aim is not met."""
    options = _arguments()
    if options.report:
        content = json.loads(options.results.read_text(encoding="utf-8"))
        content["summary"] = summary([Row(**row) for row in content["rows"]])
        _save(content, options.results)
        return 0 if _show(content, options.results) else 1
    everything = load_clips(longest_samples=_LONGEST_SAMPLES)
    clips = for_choosing(everything) if options.examples else for_reporting(everything)
    if options.both_halves and not options.examples:
        clips = [*for_choosing(everything), *clips]
    rows = asyncio.run(_measure(_chosen(clips, options), options))
    if options.examples:
        _write_examples(rows, options.examples)
        return 0
    content = _content(clips, rows, options)
    _save(content, options.results)
    return 0 if _show(content, options.results) else 1


if __name__ == "__main__":
    sys.exit(main())

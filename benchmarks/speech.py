"""The recordings every benchmark scores on, and word error rates over them.

They lie outside the repository, in the folder named by ALFAVOICE_SHARED or else beside the
checkout as `shared`. Groups are reported apart and never averaged with the synthetic one.
"""

import csv
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import jiwer
import numpy as np
import soundfile

from benchmarks.normalise import normalise
from workers.contract.audio import SAMPLE_RATE_HZ, WINDOW_LIMIT_SAMPLES, Samples

GROUPS: Final = ("festvox", "asterisk", "misc", "en", "synthetic")
_GROUP_OF_FOLDER: Final = {
    "festvox_nsh": "festvox",
    "asterisk_ivr": "asterisk",
    "misc_small": "misc",
    "tts_dictation": "synthetic",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """One recording with what is said in it."""

    name: str
    group: str
    language: str
    samples: Samples
    reference: str
    """As written, with marks."""
    speaker: str = ""
    """Who speaks; recordings of one speaker may be joined."""

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / SAMPLE_RATE_HZ


@dataclass(frozen=True, slots=True, kw_only=True)
class Errors:
    """Word errors of one clip: `edits` of `words` reference words."""

    edits: int
    words: int


def recordings_folder() -> Path:
    """Say where the recordings are; it may not exist."""
    named = os.environ.get("ALFAVOICE_SHARED")
    return Path(named) if named else Path(__file__).resolve().parents[2] / "shared"


def load_clips(
    folder: Path | None = None, *, longest_samples: int = WINDOW_LIMIT_SAMPLES
) -> list[Clip]:
    """Load every referenced clip of at most one window (30 s) or another length, in a fixed order."""
    root = folder or recordings_folder()
    clips: list[Clip] = []
    for language in ("ru", "en"):
        base = root / f"speech_{language}"
        with (base / "transcripts.tsv").open(encoding="utf-8", newline="") as table:
            for row in csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE):
                samples, rate = soundfile.read(base / row["file"], dtype="float32")
                if rate != SAMPLE_RATE_HZ:
                    raise ValueError(f"{row['file']} has {rate} Hz, expected {SAMPLE_RATE_HZ}")
                if len(samples) > longest_samples:
                    continue
                group = _GROUP_OF_FOLDER.get(row["file"].split("/")[0], language)
                clips.append(
                    Clip(
                        name=row["file"],
                        group=group,
                        language=language,
                        samples=samples,
                        reference=row["text"],
                        speaker=row["speaker"],
                    )
                )
    return sorted(clips, key=lambda clip: (GROUPS.index(clip.group), clip.name))


def halves(clips: Sequence[Clip]) -> tuple[list[Clip], list[Clip]]:
    """Split into a half to choose rules on and a half to report: every other clip by length.

    Sorting by length within a group gives both halves the same mixture of groups and durations.
    """
    ordered = sorted(clips, key=lambda clip: (clip.group, len(clip.samples), clip.name))
    return ordered[0::2], ordered[1::2]


def errors(clip: Clip, text: str) -> Errors:
    """Count the word errors of a hypothesis."""
    reference = normalise(clip.reference, language=clip.language)
    hypothesis = normalise(text, language=clip.language)
    score = jiwer.process_words(reference, hypothesis)
    return Errors(
        edits=score.substitutions + score.deletions + score.insertions,
        words=score.substitutions + score.deletions + score.hits,
    )


def word_error_rate(counts: Iterable[Errors]) -> float:
    """Pooled word error rate in percent; NaN of nothing."""
    counted = list(counts)
    words = sum(one.words for one in counted)
    return 100.0 * sum(one.edits for one in counted) / words if words else float("nan")


def paired_difference(
    ours: Mapping[str, Errors], theirs: Mapping[str, Errors], *, rounds: int = 10_000
) -> tuple[float, float, float]:
    """Difference of pooled word error rates, ours minus theirs, in points, with its 95 % interval.

    Paired bootstrap over clips (Bisani and Ney 2004): both sides are drawn together, because the
    difficulty of a clip is shared.
    """
    names = sorted(ours)
    edits = np.array([ours[name].edits - theirs[name].edits for name in names])
    words = np.array([ours[name].words for name in names])
    draws = np.random.default_rng(0).integers(len(names), size=(rounds, len(names)))
    differences = 100.0 * edits[draws].sum(axis=1) / words[draws].sum(axis=1)
    low, high = np.percentile(differences, [2.5, 97.5])
    return float(100.0 * edits.sum() / words.sum()), float(low), float(high)

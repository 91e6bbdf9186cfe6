"""An engine that answers from a script, so that the whole product runs with no weights.

It is a real engine process with real lanes; only the listening is left out. Without a script the
text is derived from the audio, so equal audio gives equal text and different audio does not.

A script is a JSON object. Windows are named by their length in samples (`"48000"`) or by the
SHA-256 of their PCM16 bytes in hexadecimal:

    {
      "texts": {"48000": "раз два три"},
      "language": "ru",
      "work_s_per_audio_s": 0.05,
      "again": ["96000"],
      "crash": ["112000"],
      "hang": ["128000"],
      "raise": ["144000"]
    }
"""

import hashlib
import os
import signal
import threading
import time
import zlib
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from workers.contract.audio import WINDOW_LIMIT_SAMPLES, seconds
from workers.contract.engine import Again, EngineDescription, Job, Outcome, Plan
from workers.contract.errors import EngineFailed, EngineUnusable
from workers.contract.requests import Hypothesis, Request
from workers.contract.words import Word

_SHA256_LETTERS: Final = 64
_SYLLABLES: Final = ("ба", "ве", "го", "ду", "жи", "за", "ка", "ле", "мо", "ну", "пи", "ра", "се", "то", "фу", "ши")  # fmt: skip


class Script(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the engine says and how it behaves."""

    texts: dict[str, str] = {}
    """Text by window; a window not named gets a text derived from its audio."""
    language: Annotated[str, Meta(min_length=2, max_length=3)] = "ru"
    """What `auto` detects."""
    work_s_per_audio_s: Annotated[float, Meta(ge=0, le=100)] = 0.0
    """Seconds a batch takes per second of its audio."""
    again: list[str] = []
    """Windows whose first pass asks for a second one, at 30 s."""
    crash: list[str] = []
    """Windows that kill the process."""
    hang: list[str] = []
    """Windows that never come back."""
    raises: list[str] = msgspec.field(name="raise", default_factory=list)
    """Windows whose batch raises."""


class ScriptedEngine:
    """A recogniser that follows a `Script`. Thread-safe: it keeps no state between batches."""

    def __init__(self, script: Script, *, lanes: int) -> None:
        self._script = script
        named = (script.texts, script.again, script.crash, script.hang, script.raises)
        self._hashes = any(len(name) == _SHA256_LETTERS for names in named for name in names)
        self._description = EngineDescription(
            model="scripted",
            device="cpu",
            compute_type="none",
            lanes=lanes,
            languages=(script.language,),
        )

    @classmethod
    def load(cls, path: Path | None, *, lanes: int) -> "ScriptedEngine":
        """Read a script, or none.

        Raises:
            EngineUnusable: `engine.script_invalid`.
        """
        if path is None:
            return cls(Script(), lanes=lanes)
        try:
            script = msgspec.json.decode(path.read_bytes(), type=Script)
        except OSError as exc:
            raise EngineUnusable("engine.script_invalid", "the script cannot be read") from exc
        except (msgspec.DecodeError, msgspec.ValidationError) as exc:
            raise EngineUnusable("engine.script_invalid", f"the script is wrong: {exc}") from exc
        return cls(script, lanes=lanes)

    @property
    def description(self) -> EngineDescription:
        """What this engine is."""
        return self._description

    def recognise(self, jobs: list[Job]) -> list[Outcome]:
        """Follow the script; see `Engine`."""
        windows = [_names(job.request, hashed=self._hashes) for job in jobs]
        if any(_named(names, self._script.crash) for names in windows):
            os.kill(os.getpid(), signal.SIGKILL)
        if any(_named(names, self._script.hang) for names in windows):
            threading.Event().wait()
        if any(_named(names, self._script.raises) for names in windows):
            raise EngineFailed("the script asked for it")
        work_s = sum(seconds(job.request.samples) for job in jobs) * self._script.work_s_per_audio_s
        if work_s:
            time.sleep(work_s)
        return [self._outcome(job, names) for job, names in zip(jobs, windows, strict=True)]

    def _outcome(self, job: Job, names: tuple[str, str]) -> Outcome:
        hypothesis = self._hypothesis(job.request, names)
        if job.plan.attempt == 0 and _named(names, self._script.again):
            return Again(
                request=job.request.id,
                plan=Plan(window_samples=WINDOW_LIMIT_SAMPLES, beam=job.plan.beam, attempt=1),
                reason="repetition",
                best=hypothesis,
            )
        return hypothesis

    def _hypothesis(self, request: Request, names: tuple[str, str]) -> Hypothesis:
        texts = self._script.texts
        text = next((texts[name] for name in names if name in texts), None)
        if text is None:
            text = derived_text(request.pcm)
        return Hypothesis(
            request=request.id,
            text=text,
            words=_spread(text, request.samples) if request.wants_words else (),
            language=request.language or self._script.language,
            no_speech_probability=0.0 if text else 1.0,
        )


def derived_text(pcm: bytes) -> str:
    """Give the text of a window no script names: words from its checksum; none for silence."""
    if not any(pcm):
        return ""
    checksum = zlib.crc32(pcm)
    syllables = [_SYLLABLES[(checksum >> shift) & 15] for shift in range(0, 32, 4)]
    words = ["".join(syllables[start : start + 2]) for start in range(0, 8, 2)]
    return f"{' '.join(words).capitalize()} {len(pcm) // 2}."


def _names(request: Request, *, hashed: bool) -> tuple[str, str]:
    return hashlib.sha256(request.pcm).hexdigest() if hashed else "", str(request.samples)


def _named(names: tuple[str, str], listed: list[str]) -> bool:
    return any(name in listed for name in names)


def _spread(text: str, samples: int) -> tuple[Word, ...]:
    """Give every word an equal share of the window."""
    words = text.split()
    return tuple(
        Word(
            text=word,
            start=samples * place // len(words),
            end=samples * (place + 1) // len(words),
            probability=1.0,
        )
        for place, word in enumerate(words)
    )

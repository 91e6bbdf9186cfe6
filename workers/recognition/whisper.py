"""Whisper as an `Engine`: windows of many users in, one outcome for each.

One batch goes: samples → log-mel → encoder → languages → prompts → decoder → hallucination filter →
guards → words. The guards never decode again here: a doubtful window goes back to the scheduler as
`Again` and runs in a later batch. So does a part of a window that no word covers.
"""

from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeVar

import numpy as np

from workers.contract.audio import SAMPLE_RATE_HZ, Samples, samples_from_pcm16
from workers.contract.engine import Again, EngineDescription, Job, Outcome, Plan
from workers.contract.requests import Hypothesis
from workers.recognition.alignment import Listening, TokenPath, text_tokens, words_of
from workers.recognition.coverage import (
    LOOKED_FOR_FROM_SAMPLES,
    filled,
    first_gap,
    heard_again,
)
from workers.recognition.fallback import Reading, loops, review, suspect
from workers.recognition.features import LogMel
from workers.recognition.hallucination import Evidence, judge, nothing_to_hear
from workers.recognition.lanes import LanesAtWork
from workers.recognition.lengths import audio_frames, preview_window_for, token_cap, window_for
from workers.recognition.loudness import Loudness, active_frames, loudness
from workers.recognition.model import Encoded, WhisperModel
from workers.recognition.prompts import decoder_prompt, start_sequence, term_tokens
from workers.recognition.vocabulary import Vocabulary
from workers.recognition.warping import path_of

T = TypeVar("T")

_ONLY_LANGUAGE: Final = "en"
"""Models of one language (`*.en`) are English."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heard:
    """A job's audio, unpacked and measured."""

    job: Job
    samples: Samples
    """What is decoded: the whole window, or the part named by the job."""
    whole: Samples
    loudness: Loudness


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    """A window on its way through one pass."""

    row: int  # in the encoded batch
    heard: _Heard
    language: str
    language_probability: float
    prompt: list[int]


class WhisperEngine:
    """A loaded Whisper model; `recognise` may be called from as many threads as it has lanes."""

    def __init__(self, model: WhisperModel, vocabulary: Vocabulary, *, name: str) -> None:
        self._model = model
        self._vocabulary = vocabulary
        self._lanes_at_work = LanesAtWork()
        self._log_mel = LogMel(n_mels=model.n_mels)
        self._description = EngineDescription(
            model=name,
            device=model.device,
            compute_type=model.compute_type,
            lanes=model.lanes,
            languages=vocabulary.languages if model.multilingual else (_ONLY_LANGUAGE,),
            size_bytes=model.size_bytes,
        )

    @classmethod
    def load(
        cls,
        model_dir: Path,
        *,
        device: str,
        compute_type: str,
        lanes: int,
        beam: int,
        name: str | None = None,
    ) -> "WhisperEngine":
        """Load a converted model and run every lane once, so that first use is not slow.

        Args:
            model_dir: folder with model.bin, config.json, tokenizer.json and the vocabulary.
            device: "cpu", "cuda" or "cuda:N".
            compute_type: CTranslate2's name, or "auto": int8 on a CPU, float16 on a GPU.
            lanes: batches recognised at once, each on one CPU thread; 0: one for each core, and
                one on a GPU.
            beam: the widest beam that will be asked for, to run once.
            name: what people call the model; None: as its folder.

        Raises:
            ValueError: the device is unknown or the tokenizer is not Whisper's.
            RuntimeError: CTranslate2 cannot load the model on this device.
        """
        vocabulary = Vocabulary.load(model_dir)
        model = WhisperModel.load(
            model_dir, vocabulary, device=device, compute_type=compute_type, lanes=lanes
        )
        engine = cls(model, vocabulary, name=name or model_dir.name)
        engine._warm_up(beam=beam)
        return engine

    @property
    def description(self) -> EngineDescription:
        """What this engine is; constant after loading."""
        return self._description

    def recognise(self, jobs: list[Job]) -> list[Outcome]:
        """Recognise a batch of jobs with equal plans; see `Engine`."""
        plan = jobs[0].plan
        if any(job.plan != plan for job in jobs):
            raise ValueError("jobs of one batch must have equal plans")
        with self._lanes_at_work:
            return self._recognise_batch(jobs, plan)

    def _recognise_batch(self, jobs: list[Job], plan: Plan) -> list[Outcome]:
        outcomes: dict[str, Outcome] = {}
        audible: list[_Heard] = []
        for job in jobs:
            whole = samples_from_pcm16(job.request.pcm)
            samples = whole if job.place is None else whole[slice(*job.place)]
            measured = loudness(samples)
            rule = nothing_to_hear(measured)
            if rule is None:
                heard = _Heard(job=job, samples=samples, whole=whole, loudness=measured)
                audible.append(heard)
            elif job.best is not None:
                outcomes[job.request.id] = _answer(job, job.best)
            else:
                outcomes[job.request.id] = self._unheard(job, rule)
        if audible:
            outcomes |= self._recognise(audible, plan)
        return [outcomes[job.request.id] for job in jobs]

    def _unheard(self, job: Job, rule: str) -> Hypothesis:
        """Answer a window that holds nothing to hear; its language stays unknown if not given."""
        language = job.request.language
        return Hypothesis(
            request=job.request.id,
            text="",
            language=language or self._description.languages[0],
            language_probability=1.0 if language else 0.0,
            no_speech_probability=1.0,
            filtered=rule,
        )

    def _recognise(self, audible: list[_Heard], plan: Plan) -> dict[str, Outcome]:
        encoded = self._encode([heard.samples for heard in audible], plan)
        windows = self._prepare(audible, encoded)
        outcomes: dict[int, Outcome] = {}
        listened: dict[int, Listening] = {}
        for group in _grouped(windows, lambda window: len(window.prompt)):
            for window, reading in zip(group, self._decode(group, encoded, plan), strict=True):
                outcomes[window.row] = _judged(window, plan, reading)
                if reading.listening is not None:
                    listened[window.row] = reading.listening
        self._add_words(windows, outcomes, encoded, listened)
        return {
            window.heard.job.request.id: _covered(window.heard, outcomes[window.row])
            for window in windows
        }

    def _encode(self, heard: Iterable[Samples], plan: Plan) -> Encoded:
        features = [
            self._log_mel.window(samples, window_samples=plan.window_samples) for samples in heard
        ]
        return self._model.encode(features, alone=self._lanes_at_work.one_at_most)

    def _prepare(self, audible: list[_Heard], encoded: Encoded) -> list[_Window]:
        """Fix each window's language and prompt."""
        windows: list[_Window] = []
        asked = [heard.job.request.language for heard in audible]
        for row, (language, probability) in enumerate(self._languages(asked, encoded)):
            heard = audible[row]
            # What a gap says was left out with the terms before it: without them it is heard.
            hints = heard.job.request.profile.terms if heard.job.place is None else ()
            terms = term_tokens(hints, self._vocabulary)
            spoken = language if self._model.multilingual else None
            windows.append(
                _Window(
                    row=row,
                    heard=heard,
                    language=language,
                    language_probability=probability,
                    prompt=decoder_prompt(spoken, terms, self._vocabulary),
                )
            )
        return windows

    def _languages(self, asked: list[str | None], encoded: Encoded) -> list[tuple[str, float]]:
        """Give each window's language and its probability; detect it where none is named.

        A code the model has no token for is detected too: an answer in the spoken language is of
        more use than none.
        """
        if not self._model.multilingual:
            return [(_ONLY_LANGUAGE, 1.0)] * len(asked)
        known = set(self._description.languages)
        languages = [(language or "", 1.0) for language in asked]
        unknown = [row for row, (language, _) in enumerate(languages) if language not in known]
        if unknown:
            found = self._model.detect(self._model.rows(encoded, unknown))
            for row, language in zip(unknown, found, strict=True):
                languages[row] = language
        return languages

    def _decode(self, group: list[_Window], encoded: Encoded, plan: Plan) -> list[Reading]:
        """Decode windows with equally long prompts, none beyond its own cap."""
        caps = [token_cap(len(window.heard.samples)) for window in group]
        results = self._model.decode(
            self._model.rows(encoded, [window.row for window in group]),
            [window.prompt for window in group],
            plan=plan,
            caps=caps,
            drafts=[
                text_tokens(window.heard.job.request.draft, self._vocabulary) for window in group
            ],
        )
        readings: list[Reading] = []
        for window, cap, decoded in zip(group, caps, results, strict=True):
            text = self._vocabulary.decode(decoded.tokens)
            hypothesis = Hypothesis(
                request=window.heard.job.request.id,
                text=" ".join(text.split()),
                language=window.language,
                language_probability=window.language_probability,
                mean_log_probability=decoded.mean_log_probability,
                no_speech_probability=decoded.no_speech_probability,
            )
            readings.append(
                Reading(
                    hypothesis=hypothesis,
                    reached_cap=len(decoded.tokens) >= cap,
                    listening=decoded.listening,
                )
            )
        return readings

    def _add_words(
        self,
        windows: list[_Window],
        outcomes: dict[int, Outcome],
        encoded: Encoded,
        listened: dict[int, Listening],
    ) -> None:
        """Align the windows that have their final text and want words, or may have a gap."""
        wanting = [
            (window, outcome)
            for window in windows
            if (window.heard.job.request.wants_words or _may_have_gaps(window.heard.job))
            and isinstance(outcome := outcomes[window.row], Hypothesis)
            and outcome.text
        ]
        paths: dict[int, TokenPath] = {}
        unheard: list[tuple[_Window, list[int]]] = []
        for window, outcome in wanting:
            tokens = text_tokens(outcome.text, self._vocabulary)
            listening = listened.get(window.row)
            if listening is not None and listening.tokens == tuple(tokens):
                positions = audio_frames(len(window.heard.samples)) // 2
                paths[window.row] = path_of(listening, positions=positions)
            else:  # an earlier pass wrote it, a filter cut it, or the decoder does not tell
                unheard.append((window, tokens))
        paths |= self._read_again(unheard, encoded)
        for window, outcome in wanting:
            words = words_of(
                outcome.text,
                paths[window.row],
                self._vocabulary,
                language=outcome.language,
                samples=len(window.heard.samples),
                audible=active_frames(window.heard.samples),
            )
            outcomes[window.row] = replace(outcome, words=words)

    def _read_again(
        self, unheard: list[tuple[_Window, list[int]]], encoded: Encoded
    ) -> dict[int, TokenPath]:
        """Align texts by one more pass of the decoder; gives paths by row."""
        paths: dict[int, TokenPath] = {}
        for group in _grouped(unheard, lambda pair: pair[0].language):
            language = group[0][0].language
            found = self._model.align(
                self._model.rows(encoded, [window.row for window, _ in group]),
                start_sequence(language if self._model.multilingual else None, self._vocabulary),
                [tokens for _, tokens in group],
                [audio_frames(len(window.heard.samples)) for window, _ in group],
            )
            paths |= {window.row: path for (window, _), path in zip(group, found, strict=True)}
        return paths

    def _warm_up(self, *, beam: int) -> None:
        """Make every lane allocate its buffers on a second of silence."""
        second = np.zeros(SAMPLE_RATE_HZ, np.float32)
        plans = (
            Plan(window_samples=window_for(len(second)), beam=beam),
            Plan(window_samples=preview_window_for(len(second)), preview=True),
        )
        language = self._description.languages[0] if self._model.multilingual else None
        prompt = decoder_prompt(language, [], self._vocabulary)

        def run_once(_: int) -> None:
            with self._lanes_at_work:
                for plan in plans:
                    encoded = self._encode([second], plan)
                    self._model.decode(encoded, [prompt], plan=plan, caps=[4])

        run_once(0)  # alone

        with ThreadPoolExecutor(self._model.lanes) as lanes:
            list(lanes.map(run_once, range(self._model.lanes)))


def _may_have_gaps(job: Job) -> bool:
    return not job.plan.preview and job.request.samples >= LOOKED_FOR_FROM_SAMPLES


def _covered(heard: _Heard, outcome: Outcome) -> Outcome:
    """Put what a gap said into its window; have the next gap decoded, if there is one."""
    job = heard.job
    if isinstance(outcome, Again) or not _may_have_gaps(job):
        return outcome
    said, after = outcome, 0
    if job.place is not None and job.best is not None:
        said, after = filled(job.best, job.place, outcome)
    if said.text:
        audible, samples = active_frames(heard.whole), len(heard.whole)
        gap = first_gap(said.words, audible, samples=samples, after=after)
        if gap is not None:
            gap = heard_again(said.words, gap, samples=samples)
            plan = replace(
                job.plan, window_samples=window_for(gap[1] - gap[0]), attempt=job.plan.attempt + 1
            )
            return Again(request=job.request.id, plan=plan, reason="gap", best=said, place=gap)
    return _answer(job, said)


def _answer(job: Job, hypothesis: Hypothesis) -> Hypothesis:
    """Give the answer without what was not asked for."""
    return hypothesis if job.request.wants_words else replace(hypothesis, words=())


def _judged(window: _Window, plan: Plan, reading: Reading) -> Outcome:
    """Drop what nobody said for certain, let the guards decide, then drop the rest nobody said.

    An answer that ends empty gives way to an earlier pass that was improbable but no loop: a
    misheard word is of more use than none.
    """
    heard = window.heard
    best = heard.job.best
    if heard.job.place is not None:  # a gap: whatever is doubtful is left out
        doubtful = suspect(plan, reading) is not None or loops(reading.hypothesis.text)
        alone = replace(reading.hypothesis, text="") if doubtful else reading.hypothesis
        return _filtered(alone, heard, last_pass=True)
    kept = _filtered(reading.hypothesis, heard, last_pass=False)
    if kept.text:
        outcome = review(heard.job.request, plan, replace(reading, hypothesis=kept), best)
        if isinstance(outcome, Again):
            return outcome
        kept = _filtered(outcome, heard, last_pass=True)
    if not kept.text and best is not None and not loops(best.text):
        earlier = _filtered(best, heard, last_pass=True)
        return earlier if earlier.text else kept
    return kept


def _filtered(hypothesis: Hypothesis, heard: _Heard, *, last_pass: bool) -> Hypothesis:
    verdict = judge(
        hypothesis.text,
        Evidence(
            loudness=heard.loudness,
            mean_log_probability=hypothesis.mean_log_probability,
            no_speech_probability=hypothesis.no_speech_probability,
            terms=heard.job.request.profile.terms,
            last_pass=last_pass,
        ),
    )
    return replace(hypothesis, text=verdict.text, filtered=verdict.rule or hypothesis.filtered)


def _grouped(items: Iterable[T], key: Callable[[T], Hashable]) -> list[list[T]]:
    """Split items by a key, keeping their order within a group."""
    groups: dict[Hashable, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return list(groups.values())

"""What cutting a dictation into utterances costs in words: the same clips whole and by session.

`uv run python -m benchmarks.endpointing --model DIR` prints, for each group of clips, the word
error rate of the clip decoded in one window and of the clip put through a session with each
endpoint silence, with the number of utterances. Nothing is timed.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from benchmarks.speech import Clip, errors, load_clips, word_error_rate
from service.dictation.detection import SileroDetector, SileroModel
from service.dictation.endpointing import EndpointingPolicy
from service.dictation.outputs import Output, Recognise, ShowFinal
from service.dictation.session import Session
from service.dictation.utterances import SessionPolicy, Speaker
from workers.contract.audio import pcm16_from_samples, samples_in
from workers.contract.engine import Job
from workers.contract.requests import Hypothesis, Priority, Request
from workers.recognition.lengths import first_plan
from workers.recognition.whisper import WhisperEngine

SILENCES_MS: Final = (300, 450, 600, 800)
MESSAGE_BYTES: Final = 3200


def decode(engine: WhisperEngine, request: Request, beam: int) -> Hypothesis:
    """Recognise one window, following the guards to their end."""
    job = Job(request=request, plan=first_plan(request, beam=beam))
    while True:
        (outcome,) = engine.recognise([job])
        if isinstance(outcome, Hypothesis):
            return outcome
        job = replace(job, plan=outcome.plan, best=outcome.best)


def whole(engine: WhisperEngine, clip: Clip, beam: int) -> list[str]:
    """Decode the clip in one window."""
    request = Request(
        id=clip.name,
        session=clip.name,
        user="",
        utterance=0,
        priority=Priority.FINAL,
        deadline=None,
        pcm=pcm16_from_samples(clip.samples),
        language=clip.language,
    )
    return [decode(engine, request, beam).text]


def by_session(
    engine: WhisperEngine, clip: Clip, beam: int, silence_ms: int, vad: SileroModel
) -> list[str]:
    """Put the clip through a session, 100 ms at a time; give the text of each utterance."""
    session = Session(
        Speaker(session=clip.name, user="", language=clip.language),
        policy=SessionPolicy(
            endpointing=EndpointingPolicy(
                endpoint_silence=samples_in(silence_ms / 1000), speculation_silence=0
            ),
            partial_interval=0,
        ),
        detector=SileroDetector(vad),
    )
    texts: list[str] = []

    def follow(outputs: list[Output]) -> None:
        for output in outputs:
            if isinstance(output, Recognise):
                follow(session.answered(output.request, decode(engine, output.request, beam)))
            elif isinstance(output, ShowFinal):
                texts.append(output.hypothesis.text)

    pcm = pcm16_from_samples(clip.samples)
    for first in range(0, len(pcm), MESSAGE_BYTES):
        follow(session.audio(pcm[first : first + MESSAGE_BYTES]))
    follow(session.finish())
    return texts


def report(name: str, clips: Sequence[Clip], texts: Sequence[list[str]]) -> None:
    groups = sorted({clip.group for clip in clips})
    cells = []
    for group in groups:
        rows = [
            (clip, text) for clip, text in zip(clips, texts, strict=True) if clip.group == group
        ]
        rate = word_error_rate(errors(clip, " ".join(text)) for clip, text in rows)
        cells.append(f"{group} {rate:5.2f} % ({sum(map(len, (t for _, t in rows)))})")
    print(f"{name:>16}: " + "  ".join(cells), flush=True)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--model", type=Path, required=True)
    arguments.add_argument("--beam", type=int, default=1)
    arguments.add_argument("--every", type=int, default=1, help="take every n-th clip")
    options = arguments.parse_args()
    clips = load_clips()[:: options.every]
    vad = SileroModel()
    engine = WhisperEngine.load(
        options.model, device="cpu", compute_type="int8", lanes=1, beam=options.beam
    )
    print(f"{len(clips)} clips, beam {options.beam}; in brackets the number of windows")
    report("one window", clips, [whole(engine, clip, options.beam) for clip in clips])
    for silence_ms in SILENCES_MS:
        texts = [by_session(engine, clip, options.beam, silence_ms, vad) for clip in clips]
        report(f"silence {silence_ms} ms", clips, texts)


if __name__ == "__main__":
    main()

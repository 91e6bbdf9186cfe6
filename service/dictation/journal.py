"""What is logged of a session: figures, never its words."""

import structlog

from service.dictation.outputs import GaveUp, ShowFinal
from workers.contract.audio import seconds

log = structlog.get_logger()


def log_final(session: str, shown: ShowFinal) -> None:
    """Log that an utterance has its text."""
    hypothesis = shown.hypothesis
    log.info(
        "utterance_finalised",
        session=session,
        utterance=shown.utterance,
        audio_s=round(seconds(shown.end - shown.start), 2),
        queue_ms=round(hypothesis.cost.queue_ms, 1),
        recognise_ms=round(hypothesis.cost.recognise_ms, 1),
        batch=hypothesis.cost.batch,
        passes=hypothesis.cost.passes,
        filtered=hypothesis.filtered,
        words=len(hypothesis.text.split()),
    )


def log_given_up(session: str, output: GaveUp) -> None:
    """Log that an utterance has none."""
    log.error("utterance_given_up", session=session, utterance=output.utterance, code=output.code)


def log_finished(session: str, *, audio_s: float, utterances: int, took_s: float) -> None:
    """Log that a session is stored whole.

    Args:
        session: its id.
        audio_s: seconds of audio.
        utterances: how many it had.
        took_s: seconds from `finish` to `done`.
    """
    log.info(
        "session_finished",
        session=session,
        audio_s=round(audio_s, 2),
        utterances=utterances,
        finalisation_ms=round(took_s * 1000, 1),
    )

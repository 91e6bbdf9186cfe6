"""What a session shows, in the forms the store and the wire want it.

The store counts positions at 16 kHz, the wire at the client's rate.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from service.dictation.audio import IncomingAudio
from service.dictation.composition import joint
from service.dictation.outputs import (
    GaveUp,
    ShowFinal,
    ShowPartial,
    SpeechStarted,
    SpeechStopped,
)
from service.dictation.transcripts import StoredFinal, StoredWord, as_shown
from service.dictation.wire import (
    Ack,
    ErrorMessage,
    Final,
    Partial,
    Place,
    ServerMessage,
    WordTime,
)
from workers.contract.errors import POISON
from workers.contract.finishing import Finished as FinishedText


def stored_final(shown: ShowFinal, before: Sequence[StoredFinal], text: str) -> StoredFinal:
    """Give a final as it is stored: word times counted from the start of the session.

    Args:
        shown: the final.
        before: those before it.
        text: what these make together.
    """
    hypothesis = shown.hypothesis
    finished = hypothesis.finished or FinishedText(text=hypothesis.text, words=hypothesis.words)
    withheld = before[-1].withheld if before else ""
    joined = joint(text, finished, withheld=withheld)
    if joined.small:
        finished = _begun_small(finished)
    goes_on = not finished.text and not joined.erase  # noise between two sentences
    return StoredFinal(
        utterance=shown.utterance,
        start=shown.start,
        end=shown.end,
        text=finished.text,
        raw=hypothesis.text,
        language=hypothesis.language,
        words=tuple(
            StoredWord(
                text=word.text,
                start=shown.start + word.start,
                end=shown.start + word.end,
                probability=word.probability,
            )
            for word in finished.words
        ),
        glue=joined.glue,
        erase=joined.erase,
        withheld=withheld if goes_on else finished.withheld,
        markers=finished.markers,
    )


def _begun_small(finished: FinishedText) -> FinishedText:
    """Give a text, and the first of its words, with a small first letter."""
    words = finished.words
    if words and words[0].text[:1] == finished.text[:1]:
        words = (replace(words[0], text=_small(words[0].text)), *words[1:])
    return replace(finished, text=_small(finished.text), words=words)


def _small(text: str) -> str:
    return text[:1].lower() + text[1:]


def final_message(final: StoredFinal, audio: IncomingAudio) -> Final:
    """Give a stored final as a message in the client's positions."""
    at = audio.wire_position
    typed = final.typed or as_shown(final)
    return Final(
        utterance=final.utterance,
        start=at(final.start),
        end=at(final.end),
        text=typed.text,
        raw=final.raw,
        words=[
            WordTime(
                text=word.text,
                start=at(word.start),
                end=at(word.end),
                probability=round(word.probability, 3),
            )
            for word in typed.words
        ],
        language=final.language,
        glue=typed.glue,
        erase=typed.erase,
        places=[Place(name=marker.name, offset=marker.offset) for marker in final.markers],
    )


def partial_message(partial: ShowPartial, audio: IncomingAudio) -> Partial:
    """Give a partial as a message in the client's positions."""
    return Partial(
        utterance=partial.utterance,
        revision=partial.revision,
        start=audio.wire_position(partial.start),
        stable=partial.stable,
        tail=partial.tail,
    )


def speech_message(
    speech: SpeechStarted | SpeechStopped, audio: IncomingAudio
) -> SpeechStarted | SpeechStopped:
    """Give the start or end of speech in the client's positions."""
    start = audio.wire_position(speech.start)
    if isinstance(speech, SpeechStarted):
        return replace(speech, start=start)
    return replace(speech, start=start, end=audio.wire_position(speech.end))


def missed_messages(
    finals: Sequence[StoredFinal],
    audio: IncomingAudio,
    *,
    known_until: int,
    settled: Callable[[], int],
) -> Iterator[ServerMessage]:
    """Give the finals that end after `known_until`, each with the news that it is stored.

    The news comes at once, so that even a connection that lives for a few messages gets further.

    Args:
        finals: of the session, stored or on their way.
        audio: of the session.
        known_until: 16 kHz position before which the client knows all.
        settled: gives the 16 kHz position before which all is stored.
    """
    for final in finals:
        if final.end > known_until:
            yield final_message(final, audio)
            if final.end <= settled():
                yield Ack(received=audio.received, stored=audio.wire_position(final.end))


def broken_off_message() -> ErrorMessage:
    """Say that the session cannot go on here as it is; taken up again it can."""
    return ErrorMessage(
        code="server.failed",
        message="the server failed on this session; resume it",
        retryable=True,
        retry_after_ms=1_000,
    )


def given_up_message(given_up: GaveUp) -> ErrorMessage:
    """Say that an utterance has no text; its audio stays with the client."""
    if given_up.code == POISON:
        return ErrorMessage(
            code="recogniser.rejected",
            message="this utterance breaks the recogniser; keep the audio, what came before it is "
            "stored",
            retryable=False,
        )
    return ErrorMessage(
        code="recogniser.failed",
        message="this utterance could not be recognised; keep the audio and try again",
        retryable=True,
        retry_after_ms=10_000,
    )

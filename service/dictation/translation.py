"""What a session shows, in the forms the store and the wire want it.

The store counts positions at 16 kHz, the wire at the client's rate.
"""

from service.dictation.audio import IncomingAudio
from service.dictation.outputs import ShowFinal, ShowPartial
from service.dictation.transcripts import StoredFinal, StoredWord
from service.dictation.wire import Final, Partial, WordTime


def stored_final(shown: ShowFinal) -> StoredFinal:
    """Give a final as it is stored: word times counted from the start of the session."""
    hypothesis = shown.hypothesis
    return StoredFinal(
        utterance=shown.utterance,
        start=shown.start,
        end=shown.end,
        text=hypothesis.text,
        raw=hypothesis.text,
        language=hypothesis.language,
        words=tuple(
            StoredWord(
                text=word.text,
                start=shown.start + word.start,
                end=shown.start + word.end,
                probability=word.probability,
            )
            for word in hypothesis.words
        ),
    )


def final_message(final: StoredFinal, audio: IncomingAudio) -> Final:
    """Give a stored final as a message in the client's positions."""
    at = audio.wire_position
    return Final(
        utterance=final.utterance,
        start=at(final.start),
        end=at(final.end),
        text=final.text,
        raw=final.raw,
        words=[
            WordTime(
                text=word.text,
                start=at(word.start),
                end=at(word.end),
                probability=round(word.probability, 3),
            )
            for word in final.words
        ],
        language=final.language,
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

"""The outbox of one socket: bounded, in order, a replay made as it is read."""

from collections.abc import Iterator

from service.dictation import wire
from service.dictation.outgoing import LIMIT_MESSAGES, Closing, Outgoing


def ack(received: int) -> wire.Ack:
    return wire.Ack(received=received, stored=0)


async def test_what_was_missed_comes_first_and_is_made_when_its_turn_comes() -> None:
    made: list[int] = []

    def missed() -> Iterator[wire.ServerMessage]:
        for number in range(2 * LIMIT_MESSAGES):
            made.append(number)
            yield ack(number)

    outgoing = Outgoing()
    outgoing.replay(missed())
    outgoing.send(ack(-1))

    assert [await outgoing.next() for _ in range(3)] == [ack(0), ack(1), ack(2)]
    assert made == [0, 1, 2]
    rest = [await outgoing.next() for _ in range(2 * LIMIT_MESSAGES - 3)]
    assert rest[-1] == ack(2 * LIMIT_MESSAGES - 1)
    assert await outgoing.next() == ack(-1)


async def test_a_newer_partial_takes_the_place_of_one_nobody_read() -> None:
    outgoing = Outgoing()
    for revision in (1, 2):
        outgoing.send(
            wire.Partial(utterance=0, revision=revision, start=0, stable="", tail="слово")
        )
        outgoing.send(ack(revision))

    seen = [await outgoing.next() for _ in range(3)]

    assert [type(message) for message in seen] == [wire.Ack, wire.Partial, wire.Ack]
    assert seen[1].revision == 2


async def test_a_reader_that_is_too_slow_is_told_to_resume() -> None:
    outgoing = Outgoing()
    for number in range(LIMIT_MESSAGES + 1):
        outgoing.send(ack(number))

    assert outgoing.is_closed
    messages = [await outgoing.next() for _ in range(LIMIT_MESSAGES + 1)]
    assert isinstance(messages[-1], Closing)
    assert messages[-1].error.code == "session.reader_too_slow"
    assert messages[-1].error.retryable

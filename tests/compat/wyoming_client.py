"""The client library of Home Assistant, pointed at a server of ours."""

import asyncio
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.compat.clients import PATIENCE_S

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its audioop is deprecated
    from wyoming.asr import Transcribe, Transcript, TranscriptChunk, TranscriptStart, TranscriptStop
    from wyoming.audio import AudioChunk, AudioStart, AudioStop
    from wyoming.client import AsyncTcpClient
    from wyoming.error import Error
    from wyoming.event import Event
    from wyoming.info import Describe, Info
    from wyoming.ping import Ping, Pong


__all__ = [
    "AsyncTcpClient",
    "AudioChunk",
    "AudioStart",
    "AudioStop",
    "Describe",
    "Event",
    "Info",
    "Ping",
    "Pong",
    "Transcribe",
    "Transcript",
    "TranscriptChunk",
    "TranscriptStart",
    "answer",
    "connected",
    "refusal",
    "say",
]


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[AsyncTcpClient]:
    async with asyncio.timeout(PATIENCE_S):
        while True:  # the port opens right after the server says it runs
            client = AsyncTcpClient("127.0.0.1", port, read_timeout=PATIENCE_S)
            try:
                await client.connect()
                break
            except ConnectionRefusedError:
                await asyncio.sleep(0.02)
    try:
        yield client
    finally:
        await client.disconnect()


async def say(
    client: AsyncTcpClient, pcm: bytes, *, rate: int = 16_000, width: int = 2, channels: int = 1
) -> None:
    form = {"rate": rate, "width": width, "channels": channels}
    await client.write_event(AudioStart(**form).event())
    step = rate * width * channels // 10
    for first in range(0, len(pcm), step):
        await client.write_event(AudioChunk(**form, audio=pcm[first : first + step]).event())
    await client.write_event(AudioStop().event())


async def answer(client: AsyncTcpClient) -> list[Event]:
    """Everything up to the end of the transcript."""
    seen: list[Event] = []
    while not seen or not TranscriptStop.is_type(seen[-1].type):
        event = await client.read_event()
        assert event is not None, seen
        seen.append(event)
    return seen


async def refusal(client: AsyncTcpClient) -> Error:
    """The error that comes, after which the connection ends."""
    while not Error.is_type((event := await client.read_event()).type):
        pass
    assert await client.read_event() is None
    return Error.from_event(event)

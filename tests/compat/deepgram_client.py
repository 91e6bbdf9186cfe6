"""The official client of Deepgram, pointed at a server of ours."""

import asyncio
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the client's own, of its libraries
    from deepgram import AsyncDeepgramClient
    from deepgram.core.api_error import ApiError
    from deepgram.environment import DeepgramClientEnvironment
    from deepgram.listen.v1.socket_client import AsyncV1SocketClient
    from deepgram.listen.v1.types import (
        ListenV1ConfigureFailure,
        ListenV1Error,
        ListenV1Metadata,
        ListenV1Results,
        ListenV1SpeechStarted,
        ListenV1UtteranceEnd,
    )

from websockets.exceptions import ConnectionClosed

from tests.compat.clients import PATIENCE_S

__all__ = [
    "ApiError",
    "ListenV1ConfigureFailure",
    "ListenV1Error",
    "ListenV1Metadata",
    "ListenV1Results",
    "ListenV1SpeechStarted",
    "ListenV1UtteranceEnd",
    "heard",
    "is_final",
    "listening",
    "refused",
    "rest",
    "say",
]


@asynccontextmanager
async def listening(
    url: str, *, key: str = "any", **parameters: object
) -> AsyncIterator[AsyncV1SocketClient]:
    base, ws = url, url.replace("http", "ws", 1)
    client = AsyncDeepgramClient(
        api_key=key,
        environment=DeepgramClientEnvironment(base=base, production=ws, agent=ws, agent_rest=base),
    )
    asked = {"model": "nova-3", "encoding": "linear16", "sample_rate": "16000", **parameters}
    async with client.listen.v1.connect(**asked) as stream:
        yield stream


async def say(stream: AsyncV1SocketClient, pcm: bytes) -> None:
    for first in range(0, len(pcm), 6_400):
        await stream.send_media(pcm[first : first + 6_400])


async def rest(stream: AsyncV1SocketClient) -> list:
    """Everything that comes until the server closes."""
    async with asyncio.timeout(PATIENCE_S):
        return [message async for message in stream]


async def heard(stream: AsyncV1SocketClient, condition) -> list:
    seen = []
    async with asyncio.timeout(PATIENCE_S):
        while not seen or not condition(seen[-1]):
            seen.append(await stream.recv())
    return seen


async def refused(stream: AsyncV1SocketClient) -> tuple[list, ConnectionClosed]:
    """Everything that comes until the server closes with an error, and that error."""
    seen = []
    try:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                seen.append(await stream.recv())
    except ConnectionClosed as closed:
        return seen, closed


def is_final(message: object) -> bool:
    return isinstance(message, ListenV1Results) and bool(message.is_final)

"""Which server to talk to: one that answers, or one of our own in this process."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final, Literal

from service.problems import ServiceError
from service.settings import Settings

ANSWER_S: Final = 2.0
WARM_UP_S: Final = 180.0
"""Loading a large model from a slow disk takes a minute; three are patience enough."""
READY_POLL_S: Final = 0.5

State = Literal["ready", "starting", "draining", "other", "absent"]


def server_state(address: str) -> State:
    """Ask what listens at an `http://` address; blocking, at most `ANSWER_S`.

    Returns:
        `other` when something listens that is not AlfaVoice, `absent` when nothing does.
    """
    # No proxy of the environment: what is asked for is on this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{address}/health/ready", timeout=ANSWER_S) as answer:
            body = answer.read(65536)
    except urllib.error.HTTPError as exc:
        body = exc.read(65536)
    except TimeoutError:
        return "other"
    except (OSError, ValueError) as exc:
        refused = isinstance(getattr(exc, "reason", exc), ConnectionRefusedError)
        return "absent" if refused else "other"
    return _state_told(body)


def _state_told(body: bytes) -> State:
    try:
        told = json.loads(body)
        ready, reasons = told["ready"], told["reasons"]
    except (ValueError, TypeError, KeyError):
        return "other"
    if ready:
        return "ready"
    return "draining" if "draining" in reasons else "starting"


def local_address(settings: Settings, *, port: int | None = None) -> str:
    """Give the address at which a server with these settings is reached from this machine.

    Args:
        settings: of the server.
        port: the one it took, where that is known better.
    """
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    return f"http://{f'[{host}]' if ':' in host else host}:{port or settings.port}"


@asynccontextmanager
async def reachable_server(named: str | None, settings: Settings) -> AsyncIterator[str]:
    """Give the address of a server that is ready to take audio.

    Args:
        named: an address the person gave: taken as it is, waited for by the stream itself.
        settings: of this machine: its server is used when it runs, else one is started here and
            stopped at the end.

    Raises:
        ServiceError: `server.starting` when it never becomes ready, or what starting one raises.
    """
    if named is not None:
        yield named
        return
    address = local_address(settings)
    state = await asyncio.to_thread(server_state, address) if settings.port else "absent"
    if state in ("ready", "starting"):
        await _until_ready(address, state)
        yield address
        return
    from service.app import running_server  # noqa: PLC0415 - slow, and needed only here

    async with AsyncExitStack() as stack:
        # Nobody else is told of it, and nobody signs in to a server of a minute.
        own = settings.model_copy(update={"host": "127.0.0.1", "port": 0, "login": "off"})
        server = await stack.enter_async_context(running_server(own))
        await server.wait_ready(WARM_UP_S)
        yield server.url


async def _until_ready(address: str, state: State) -> None:
    try:
        async with asyncio.timeout(WARM_UP_S):
            while state == "starting":
                await asyncio.sleep(READY_POLL_S)
                state = await asyncio.to_thread(server_state, address)
    except TimeoutError:
        raise ServiceError(
            "server.starting", "the server of this machine does not become ready; see its log"
        ) from None

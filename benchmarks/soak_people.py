"""People who use a server for an hour.

They dictate, lose the connection, cancel, go away, look up what they said, send texts and
recordings, and their programs renew their sign-ins. Each person does one thing after another, so that
the load is that of so many people at work. What a person does next is drawn from the seed.
"""

import asyncio
import contextlib
import hashlib
import random
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import httpx2
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from benchmarks.durability_takes import Take
from service.client.reconnecting import StreamBroken
from service.client.sources import HeldAudio
from service.client.stream import Stream, StreamOptions, stream_address
from service.dictation import wire
from service.problems import ServiceError
from service.storage.identifiers import uuid7

PASSWORD: Final = "a lantern over cold water"  # noqa: S105 - of accounts that last an hour
_PATIENCE_S: Final = 120.0
_MESSAGE_MS: Final = 200
_RENEW_AFTER_S: Final = 300.0
_TEXT: Final = "так значит двадцать третьего мая в девять ноль ноль встречаемся у входа"
_HABITS: Final = (
    ("dictated", 0.68),
    ("resumed", 0.1),
    ("cancelled", 0.08),
    ("left", 0.04),
    ("uploaded", 0.1),
)
"""What a person does next, with its share."""
_BESIDE: Final = (("history", 0.3), ("search", 0.1), ("text", 0.2), ("refreshed", 0.1))
"""What their program does between two things, with its chance."""


@dataclass(slots=True, kw_only=True)
class Person:
    """Somebody who has an account and is signed in."""

    login: str
    chance: random.Random
    access: str = ""
    refresh: str = ""
    device: str = ""
    signed_in_at: float = 0.0
    """Monotonic seconds; an access token lasts a quarter of an hour."""


class People:
    """Everybody who uses the server."""

    def __init__(self, url: str, takes: list[Take], *, seed: int) -> None:
        self._url = url
        self._takes = takes
        self._seed = seed
        self.did: Counter[str] = Counter()
        """How often each thing was done to its end."""
        self.failed: Counter[str] = Counter()
        """What went wrong, by what was done and the kind of failure."""
        self._http = httpx2.AsyncClient(
            base_url=url, timeout=30, limits=httpx2.Limits(max_connections=20)
        )

    async def arrive(self, invitation: str, count: int) -> list[Person]:
        """Make accounts for so many people and sign them in; the first one is the administrator."""
        first = Person(login="person0", chance=random.Random(self._seed))
        made = await self._ask(
            "POST", "/v1/auth/invitation",
            json={"token": invitation, "login": first.login, "password": PASSWORD, "device": _device()},
        )  # fmt: skip
        _take_tokens(first, made)
        people = [first]
        for number in range(1, count):
            person = Person(
                login=f"person{number}", chance=random.Random(self._seed * 1000 + number)
            )
            await self._ask(
                "POST", "/v1/admin/users", first,
                json={"login": person.login, "password": PASSWORD},
            )  # fmt: skip
            _take_tokens(person, await self._ask(
                "POST", "/v1/auth/login",
                json={"login": person.login, "password": PASSWORD, "device": _device()},
            ))  # fmt: skip
            people.append(person)
        return people

    async def live(self, person: Person, over: asyncio.Event, *, pause_s: float) -> None:
        """Do one thing after another until it is over."""
        await asyncio.sleep(person.chance.uniform(0, 5))
        names, shares = [name for name, _ in _HABITS], [share for _, share in _HABITS]
        while not over.is_set():
            (habit,) = person.chance.choices(names, shares)
            await self.do(person, habit)
            is_old = time.monotonic() - person.signed_in_at > _RENEW_AFTER_S
            for name, chance in _BESIDE:
                if person.chance.random() < chance or (is_old and name == "refreshed"):
                    await self.do(person, name)
            await asyncio.sleep(person.chance.uniform(0, 2 * pause_s))

    async def do(self, person: Person, name: str) -> None:
        """Do one thing; what fails is counted and does not end the day."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await getattr(self, f"_{name}")(person)
        except (ServiceError, StreamBroken, OSError, ConnectionClosed, httpx2.HTTPError) as exc:
            self.failed[f"{name}: {getattr(exc, 'code', type(exc).__name__)}"] += 1
        except TimeoutError:
            self.failed[f"{name}: not done in {_PATIENCE_S:g} s"] += 1
        else:
            self.did[name] += 1

    async def leave(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    # Speaking

    async def _dictated(self, person: Person) -> None:
        take = person.chance.choice(self._takes)
        said = await Stream(HeldAudio(take.pcm), self._options(person)).run()
        if not said.done.text:
            self.failed["dictated: no text"] += 1

    async def _resumed(self, person: Person) -> None:
        """Lose the connection as a dead network does, and take the session up again."""
        take = person.chance.choice(self._takes)
        session = await self._broken_off(person, take)
        await asyncio.sleep(person.chance.uniform(0.1, 3))
        await Stream(HeldAudio(take.pcm), self._options(person), session=session).run()

    async def _left(self, person: Person) -> None:
        """Lose the connection and never come back."""
        await self._broken_off(person, person.chance.choice(self._takes))

    async def _cancelled(self, person: Person) -> None:
        take = person.chance.choice(self._takes)
        stream = Stream(HeldAudio(take.pcm), self._options(person))
        length_s = len(take.pcm) / 32_000
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(stream.run())
            await asyncio.wait((running,), timeout=person.chance.uniform(0.3, length_s))
            running.cancel()

    async def _broken_off(self, person: Person, take: Take) -> str:
        """Speak for a while, then cut the line without a word; give the session's id."""
        seconds = person.chance.uniform(0.5, len(take.pcm) / 32_000)
        step = 32 * _MESSAGE_MS
        async with connect(
            stream_address(self._url),
            subprotocols=[Subprotocol(wire.SUBPROTOCOL)],
            additional_headers={"Authorization": f"Bearer {person.access}"},
            compression=None, proxy=None, ping_interval=None, close_timeout=1,
        ) as socket:  # fmt: skip
            await socket.send(wire.encode(wire.Start(language="ru", partials=True, words=True)))
            ready = wire.decode_server(await socket.recv())
            if not isinstance(ready, wire.Ready):
                raise ConnectionError("not let in")
            for first in range(0, round(seconds * 32_000), step):
                await socket.send(take.pcm[first : first + step])
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_MESSAGE_MS / 1000):
                        while True:
                            await socket.recv()
            socket.transport.abort()
        return ready.session

    def _options(self, person: Person) -> StreamOptions:
        return StreamOptions(
            server=self._url, token=person.access, language="ru", client="soak", pace=1.0,
            message_ms=_MESSAGE_MS,
        )  # fmt: skip

    # Everything else

    async def _uploaded(self, person: Person) -> None:
        """Upload a recording in parts, wait for its text, and read it."""
        take, key = person.chance.choice(self._takes), uuid7(time.time_ns() // 1_000_000)
        encoding = person.chance.choice(("pcm16", "wav"))
        data = take.as_file(encoding)
        announced = {
            "sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data),
            "encoding": encoding, "language": "ru", "recorded_at": datetime.now(UTC).isoformat(),
        } | ({"sample_rate": 16_000} if encoding == "pcm16" else {})  # fmt: skip
        path = f"/v1/recordings/{key}"
        found = await self._ask("PUT", path, person, json=announced)
        while not found["is_stored"]:
            offset, part = found["received_bytes"], person.chance.randint(50_000, 150_000)
            found = await self._ask(
                "PATCH", f"{path}/audio", person, content=data[offset : offset + part],
                headers={"Upload-Offset": str(offset)},
            )  # fmt: skip
        while found["state"] not in ("done", "failed"):
            await asyncio.sleep(1.0)
            found = await self._ask("GET", path, person)
        if found["state"] == "failed":
            self.failed["uploaded: it failed"] += 1
        elif person.chance.random() < 0.5:
            await self._ask("DELETE", path, person)

    async def _history(self, person: Person) -> None:
        page = await self._ask("GET", "/v1/history?limit=20", person)
        for item in page["items"][:2]:
            await self._ask("GET", f"/v1/history/{item['id']}", person)

    async def _search(self, person: Person) -> None:
        await self._ask("POST", "/v1/history/search", person, json={"q": "баве"})

    async def _text(self, person: Person) -> None:
        await self._ask("POST", "/v1/text", person, json={"text": _TEXT, "language": "ru"})

    async def _refreshed(self, person: Person) -> None:
        body = {"refresh_token": person.refresh, "device": person.device}
        _take_tokens(person, await self._ask("POST", "/v1/auth/refresh", json=body))

    async def _ask(
        self,
        method: str,
        path: str,
        person: Person | None = None,
        *,
        headers: dict[str, str] | None = None,
        **more: Any,  # noqa: ANN401 - as httpx2 takes it
    ) -> dict[str, Any]:
        headers = dict(headers or {})
        if person is not None:
            headers["Authorization"] = f"Bearer {person.access}"
        answer = await self._http.request(method, path, headers=headers, **more)
        answer.raise_for_status()
        body: dict[str, Any] = answer.json() if answer.content else {}
        return body


def _device() -> dict[str, str]:
    return {"name": "soak", "client": "soak"}


def _take_tokens(person: Person, answer: dict[str, Any]) -> None:
    person.access, person.refresh = answer["access_token"], answer["refresh_token"]
    person.device, person.signed_in_at = answer["device"], time.monotonic()

"""Every route, called by one person on everything of another: generated from the OpenAPI document.

A route added later is covered by itself; one that names an object this test cannot make fails it.
"""

import asyncio
import hashlib
import json
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest
from websockets.asyncio.client import connect

from tests.accounts.conftest import Client

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

SECRET = "фиолетовый крокодил"
MARK = "здесь был Борис"
OPEN_TO_ALL = {"/v1/models/{model}", "/v1/news/{news_id}/read"}
"""Routes whose object belongs to nobody."""
UPDATES = "/v1/updates/"
"""Versions of the client: nobody's own, and for who cannot sign in any more."""
ENDLESS = {"/v1/sync/events", "/v1/recordings/events"}
ENDS_THE_SESSION = {"/v1/auth/logout", "/v1/account/password", "/v1/auth/refresh"}


@dataclass
class Route:
    method: str
    path: str
    operation: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def routes_of(document: dict[str, Any]) -> list[Route]:
    return [
        Route(method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


async def things_of(person: Client) -> dict[str, str]:
    """Make one of everything, each holding the secret; give their ids by path parameter."""
    note = await person.got("POST", "/notes", {"title": SECRET, "text": SECRET})
    snippet = await person.got("POST", "/snippets", {"trigger": SECRET, "text": SECRET})
    term = await person.got("POST", "/dictionary", {"term": SECRET})
    key = await person.got("POST", "/account/keys", {"name": SECRET, "scopes": ["dictate"]})
    recording = str(uuid4())
    audio = bytes(32_000)
    await person.got(
        "PUT",
        f"/recordings/{recording}",
        {
            "sha256": hashlib.sha256(audio).hexdigest(),
            "size_bytes": 2 * len(audio),  # half of it is still to come
            "encoding": "pcm16",
            "sample_rate": 16_000,
            "recorded_at": "2026-11-21T10:00:00Z",
            "app": SECRET,
        },
    )
    await person.http.patch(
        f"/v1/recordings/{recording}/audio",
        content=audio,
        headers={**person.bearer, "Upload-Offset": "0", "Content-Type": "application/octet-stream"},
    )
    return {
        "transcript_id": await dictate(person),
        "note_id": note["id"],
        "conflict_id": str(uuid4()),
        "snippet_id": snippet["id"],
        "term_id": term["id"],
        "key_id": key["key"]["id"],
        "recording_id": recording,
        "device_id": person.device,
        "user_id": person.user,
    }


async def dictate(person: Client) -> str:
    url = str(person.http.base_url).replace("http", "ws", 1) + "/v1/stream"
    async with (
        asyncio.timeout(30),
        connect(
            url, subprotocols=["alfavoice.v1"], additional_headers=person.bearer, proxy=None
        ) as socket,
    ):
        await socket.send(json.dumps({"type": "start", "context": {"app": SECRET}}))
        await socket.send(json.dumps({"type": "finish", "samples": 0}))
        async for message in socket:
            told = json.loads(message)
            if told["type"] == "done":
                return str(told["transcript"])
    raise AssertionError("no `done`")


async def all_of(person: Client) -> dict[str, Any]:
    """Everything a person can see of theirs."""
    seen: dict[str, Any] = {}
    for path in (
        "/account", "/account/devices", "/account/keys", "/history", "/notes", "/snippets",
        "/dictionary", "/preferences", "/recordings", "/sync",
    ):  # fmt: skip
        seen[path] = await person.got("GET", path)
    for device in seen["/account/devices"]["devices"]:
        device.pop("last_seen_at")
    seen["/account"].pop("last_seen_at", None)
    return seen


def filled(  # noqa: PLR0911 - one for each kind of schema
    schema: dict[str, Any], document: dict[str, Any], theirs: dict[str, str]
) -> Any:
    """Give a value of a schema that names the other's things wherever an id fits."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return filled(document["components"]["schemas"][name], document, theirs)
    for union in ("anyOf", "oneOf", "allOf"):
        if union in schema:
            return filled(schema[union][0], document, theirs)
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    match schema.get("type"):
        case "object":
            return {
                name: theirs["transcript_id"]
                if name.endswith("id") and part.get("format") == "uuid"
                else filled(part, document, theirs)
                for name, part in schema.get("properties", {}).items()
            }
        case "array":
            return [filled(schema.get("items", {"type": "string"}), document, theirs)]
        case "string":
            return {
                "uuid": theirs["transcript_id"],
                "date-time": "2026-11-21T10:00:00Z",
                "binary": MARK,
            }.get(schema.get("format", ""), MARK[: schema.get("maxLength", 20)])
        case "integer" | "number":
            return schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
        case "boolean":
            return True
    return None


async def call(
    person: Client, route: Route, document: dict[str, Any], theirs: dict[str, str]
) -> httpx.Response:
    """Call with everything filled in; where that is not understood, with one field at a time."""
    answer = await call_with(person, route, document, theirs, None)
    names = fields_of(route, document) if answer.status_code == 422 else []
    for name in names:
        answer = await call_with(person, route, document, theirs, name)
        if answer.status_code != 422:
            return answer
    return answer


def fields_of(route: Route, document: dict[str, Any]) -> list[str]:
    content = route.operation.get("requestBody", {}).get("content", {})
    value = filled(
        content.get("application/json", {}).get("schema", {}), document, {"transcript_id": ""}
    )
    return list(value) if isinstance(value, dict) else []


async def call_with(
    person: Client,
    route: Route,
    document: dict[str, Any],
    theirs: dict[str, str],
    only: str | None,
) -> httpx.Response:
    path = route.path
    for name, value in theirs.items():
        path = path.replace(f"{{{name}}}", value)
    sent: dict[str, Any] = {}
    headers = dict(person.bearer)
    for kind, content in route.operation.get("requestBody", {}).get("content", {}).items():
        value = filled(content["schema"], document, theirs)
        if kind == "application/json":
            sent = {"json": value if only is None else {only: value[only]}}
        elif kind == "multipart/form-data":
            sent = {"files": {"file": ("a.wav", MARK.encode())}}
        else:
            sent = {"content": MARK.encode()}
            headers["Content-Type"] = kind
        break
    for parameter in route.operation.get("parameters", []):
        if parameter["in"] == "header" and parameter.get("required"):
            headers[parameter["name"]] = "0"
    return await person.http.request(route.method, path, headers=headers, **sent)


@pytest.mark.timeout(300)
async def test_nobody_reads_or_changes_what_is_somebody_elses(admin: Client, boris: Client) -> None:
    await admin.got("POST", "/admin/users", {"login": "vera", "password": "семь зонтов и кот"})
    vera = await admin.sign_in("vera", "семь зонтов и кот")
    theirs = await things_of(vera)
    invited = await admin.got("POST", "/admin/invitations", {"role": "user"})
    news = dict.fromkeys(("title_ru", "title_en", "body_ru", "body_en"), SECRET)
    # Not published yet, so that only its author may see it.
    told = await admin.got("POST", "/admin/news", {**news, "published_at": "2099-01-01T00:00:00Z"})
    theirs |= {"invitation_id": invited["id"], "news_id": told["id"]}
    before = await all_of(vera)
    document = (await vera.http.get("/openapi.json")).json()
    routes = routes_of(document)
    assert len(routes) > 60
    person = boris

    # Ids that clients make may be taken by several people, each for a thing of their own: last.
    for route in sorted(routes, key=lambda route: route.method == "PUT"):
        if route.path in ENDLESS or route.path in ENDS_THE_SESSION:
            continue
        answer = await call(person, route, document, theirs)
        assert answer.status_code < 500, (str(route), answer.text)
        assert SECRET not in answer.text, str(route)
        assert "{" not in str(answer.request.url), f"{route}: what is it that this names?"
        is_somebodys = "{" in route.path and not route.path.startswith(UPDATES)
        if is_somebodys and route.path not in OPEN_TO_ALL:
            mine = route.method == "PUT" and (
                answer.status_code in {200, 201, 204, 422}
                # by a snippet of the person's own, which an earlier route made
                or (answer.status_code == 409 and answer.json()["code"] == "library.trigger_taken")
            )
            assert mine or answer.status_code in {403, 404}, (str(route), answer.status_code)
        if route.path.startswith("/v1/admin"):
            assert answer.status_code == 403, str(route)

    assert await all_of(vera) == before


@pytest.mark.timeout(120)
async def test_without_a_sign_in_there_is_nothing_to_see(admin: Client, nobody: Client) -> None:
    async with asyncio.timeout(30):  # the recogniser is loaded beside: until then that is a 503
        while (await nobody.http.get("/health/ready")).status_code != 200:
            await asyncio.sleep(0.02)
    document = (await nobody.http.get("/openapi.json")).json()
    theirs = dict.fromkeys(
        [*await things_of(admin), "invitation_id", "news_id", "model"], str(uuid4())
    )
    said = set()
    for route in routes_of(document):
        if route.path in ENDLESS or route.path.startswith(("/v1/auth/", UPDATES)):
            continue
        answer = await call(nobody, route, document, theirs)
        assert answer.status_code < 500, str(route)
        if answer.status_code not in {401, 403}:
            said.add(str(route))

    assert said == {"GET /health/live", "GET /health/ready"}

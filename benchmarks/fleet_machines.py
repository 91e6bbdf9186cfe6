"""A fleet on one machine: two services, two workers, NATS, PostgreSQL and Nginx, each a process.

    client ─ Nginx ─┬─ service-1 ─┬─ NATS ─┬─ worker-1
                    └─ service-2 ─┘        └─ worker-2        each line but PostgreSQL's own
                         └ PostgreSQL ┘                       passes through the fault proxy

Everything listens on the loopback. Nginx is set up as deploy/nginx has it, PostgreSQL is that of the
wheel, NATS that of its wheel.
"""

import asyncio
import base64
import json
import os
import re
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx2

from benchmarks.fault_links import FaultLinks, link_to
from benchmarks.fleet_programs import Database, NotUp, Program, Wrongable
from benchmarks.running import free_port
from tests.deploy.nginx import configure

SERVICES: Final = ("service-1", "service-2")
WORKERS: Final = ("worker-1", "worker-2")
RESUME_S: Final = 15.0
"""Shorter than usual, so that sessions whose people went on elsewhere end during a run."""
_PASSWORD: Final = "a lantern over cold water"  # noqa: S105 - of an account that lives for minutes
_SCRIPT: Final = {"work_s_per_audio_s": 0.01}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """All of it, running."""

    url: str
    """Where people go: Nginx, through the fault proxy."""
    links: FaultLinks
    programs: Mapping[str, Wrongable]
    """By name: `service-1`, …, `nats`, `postgres`, `nginx`."""
    proxy_log: Path
    """One line of JSON for each request that Nginx answered."""
    upstreams: Mapping[str, str]
    """Services by the address under which Nginx has them."""
    left_running: list[str]
    """Filled at the end: programs that had to be killed."""


def links_of(part: str) -> tuple[str, ...]:
    """Name the links that lead to a part, in the order in which a request comes by."""
    match part:
        case "service-1" | "service-2":
            return f"nginx-{part}", f"{part}-nats", f"{part}-postgres"
        case "worker-1" | "worker-2":
            return (f"{part}-nats",)
        case "nats":
            return tuple(f"{peer}-nats" for peer in (*SERVICES, *WORKERS))
        case "postgres":
            return tuple(f"{peer}-postgres" for peer in SERVICES)
        case "nginx":
            return "client-nginx", *(f"nginx-{peer}" for peer in SERVICES)
    raise ValueError(part)


@asynccontextmanager
async def running_fleet(folder: Path) -> AsyncIterator[Fleet]:
    """Run a fleet in an empty folder as long as the block runs.

    Raises:
        NotUp: something does not start.
    """
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if nginx is None:
        raise NotUp("no nginx here: apt-get install nginx-light")
    left_running: list[str] = []
    async with AsyncExitStack() as stack:
        database = Database(folder)
        stack.push_async_callback(_stop, database, left_running)
        database_socket = await database.start()
        nats_port = free_port()
        ports = dict(zip(SERVICES, (free_port(), free_port()), strict=True))
        plans = {
            plan.name: plan
            for plan in (
                *(link_to(f"nginx-{name}", port) for name, port in ports.items()),
                *(link_to(f"{name}-nats", nats_port) for name in (*SERVICES, *WORKERS)),
                *(link_to(f"{name}-postgres", database_socket) for name in SERVICES),
            )
        }
        (folder / "nginx").mkdir()
        proxy = configure(
            folder / "nginx", services=[plans[f"nginx-{name}"].port for name in SERVICES]
        )
        entrance = link_to("client-nginx", int(proxy.url.rpartition(":")[2]))
        links = await stack.enter_async_context(FaultLinks([*plans.values(), entrance]))
        stack.enter_context(_trusting(proxy.certificate))
        script = folder / "script.json"
        script.write_text(json.dumps(_SCRIPT), encoding="utf-8")
        programs = [
            _nats(nats_port, folder),
            *(_worker(name, plans[f"{name}-nats"].port, folder, script) for name in WORKERS),
            *(
                _service(
                    name,
                    ports[name],
                    nats=plans[f"{name}-nats"].port,
                    database=plans[f"{name}-postgres"].port,
                    folder=folder,
                )
                for name in SERVICES
            ),
            Program(
                "nginx",
                [
                    *(nginx, "-p", str(folder / "nginx"), "-g", "daemon off;"),
                    *("-c", str(folder / "nginx" / "nginx.conf")),
                ],
                environment={},
                log=folder / "nginx.log",
                is_up=lambda _: _listens(int(proxy.url.rpartition(":")[2])),
            ),
        ]
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        for program in programs:  # ended in the other order
            stack.push_async_callback(_stop, program, left_running)
            tasks.create_task(program.keep())
            if program.name == "nats" or program.name == SERVICES[0]:
                await program.up()  # the others need it; the schema is made once
        for program in programs:
            await program.up()
        every: list[Wrongable] = [*programs, database]
        yield Fleet(
            url=f"https://localhost:{entrance.port}",
            links=links,
            programs={each.name: each for each in every},
            proxy_log=proxy.log,
            upstreams={f"127.0.0.1:{plans[f'nginx-{name}'].port}": name for name in SERVICES},
            left_running=left_running,
        )


async def make_keys(fleet: Fleet, count: int) -> list[str]:
    """Make the first account, and API keys of it that dictate and read."""
    service = fleet.programs[SERVICES[0]]
    printed = service.printed if isinstance(service, Program) else ""
    invitation = re.search(r"/welcome#([\w-]+)", printed)
    if invitation is None:
        raise RuntimeError("the first service invites nobody")
    async with httpx2.AsyncClient(base_url=fleet.url, timeout=30) as http:
        answer = await http.post(
            "/v1/auth/invitation",
            json={
                "token": invitation[1],
                "login": "anna",
                "password": _PASSWORD,
                "device": {"name": "laptop"},
            },
        )
        answer.raise_for_status()
        http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        keys = []
        for number in range(count):
            answer = await http.post(
                "/v1/account/keys",
                json={"name": f"key {number}", "scopes": ["dictate", "library"]},
            )
            answer.raise_for_status()
            keys.append(str(answer.json()["secret"]))
    return keys


def _nats(port: int, folder: Path) -> Program:
    binary = Path(sys.executable).with_name("nats-server")
    name = str(binary) if binary.is_file() else shutil.which("nats-server")
    if name is None:
        raise NotUp("no nats-server here: it is of the test group of dependencies")
    return Program(
        "nats",
        [name, "-a", "127.0.0.1", "-p", str(port)],
        environment={"GOMAXPROCS": "1"},
        log=folder / "nats.log",
        is_up=lambda _: _listens(port),
    )


def _worker(name: str, nats: int, folder: Path, script: Path) -> Program:
    async def is_up(printed: str) -> bool:
        return "Ready: recognising" in printed

    return Program(
        name,
        [sys.executable, "-m", "service", "worker", "--log-format", "json"],
        environment=_common(nats)
        | {
            "ALFAVOICE_DATA_DIR": str(folder),
            "ALFAVOICE_ENGINE": "scripted",
            "ALFAVOICE_SCRIPT": str(script),
            "ALFAVOICE_LANES": "2",
            "ALFAVOICE_PUNCTUATION": "off",
        },
        log=folder / f"{name}.log",
        is_up=is_up,
    )


def _service(name: str, port: int, *, nats: int, database: int, folder: Path) -> Program:
    async def is_up(_: str) -> bool:
        try:
            async with httpx2.AsyncClient(timeout=5, trust_env=False) as http:
                answer = await http.get(f"http://127.0.0.1:{port}/health/ready")
        except httpx2.HTTPError:
            return False
        return answer.status_code == 200

    data = folder / name
    data.mkdir()
    return Program(
        name,
        [
            *(sys.executable, "-m", "service", "serve", "--port", str(port)),
            *("--log-format", "json"),
        ],
        environment=_common(nats)
        | {
            "ALFAVOICE_QUEUE": "nats",
            "ALFAVOICE_DATABASE_URL": f"postgresql://alfavoice@127.0.0.1:{database}/alfavoice",
            "ALFAVOICE_DATA_DIR": str(data),
            "ALFAVOICE_MASTER_KEY": base64.b64encode(bytes(range(32))).decode(),
            "ALFAVOICE_LOGIN": "required",
            "ALFAVOICE_TRUSTED_PROXIES": '["127.0.0.1"]',
            "ALFAVOICE_DISK_RESERVE_MB": "64",
            "ALFAVOICE_RESUME_S": f"{RESUME_S:g}",
            # One account stands for everybody here.
            "ALFAVOICE_MAX_SESSIONS_PER_USER": "500",
            "ALFAVOICE_DRAIN_S": "10",
        },
        log=folder / f"{name}.log",
        is_up=is_up,
    )


def _common(nats: int) -> dict[str, str]:
    return {
        "ALFAVOICE_NATS_URL": f"nats://127.0.0.1:{nats}",
        "ALFAVOICE_LANGUAGE": "en",
        "ALFAVOICE_LOG_LEVEL": "info",
    }


async def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def _stop(program: Program | Database, left_running: list[str]) -> None:
    if not await program.stop():
        left_running.append(program.name)


@contextmanager
def _trusting(certificate: Path) -> Iterator[None]:
    """Have clients of this process trust the fleet's own certificate."""
    before = os.environ.get("SSL_CERT_FILE")
    os.environ["SSL_CERT_FILE"] = str(certificate)
    try:
        yield
    finally:
        if before is None:
            del os.environ["SSL_CERT_FILE"]
        else:
            os.environ["SSL_CERT_FILE"] = before

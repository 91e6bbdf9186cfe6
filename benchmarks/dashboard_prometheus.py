"""A Prometheus of our own for some minutes, with the exporters that are installed here.

Debian has all three: `apt-get install prometheus prometheus-node-exporter prometheus-blackbox-exporter`.
"""

import asyncio
import contextlib
import json
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, Final

import httpx2
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from benchmarks.running import free_port
from monitoring.__main__ import FOLDER
from monitoring.thresholds import Thresholds

SCRAPE_S: Final = 2
PATIENCE_S: Final = 60.0
CERTIFICATE_DAYS: Final = 61


@asynccontextmanager
async def watching(
    folder: Path, thresholds: Thresholds, *, service: str, worker: str
) -> AsyncIterator[httpx2.AsyncClient]:
    """Scrape a service and a worker, and disks and a certificate where exporters are here.

    Args:
        folder: empty, for its files.
        thresholds: name the jobs.
        service: `host:port`.
        worker: the same, where it says how it is.
    """
    async with AsyncExitStack() as stack:
        jobs = [
            _job(thresholds.job, service, "service-1"),
            _job(thresholds.worker_job, worker, "worker-1"),
        ]
        if shutil.which("prometheus-node-exporter"):
            port = free_port()
            jobs.append(_job("node", f"127.0.0.1:{port}", "machine-1"))
            command = [
                "prometheus-node-exporter",
                f"--web.listen-address=127.0.0.1:{port}",
                "--collector.disable-defaults",
                "--collector.filesystem",
            ]
            await stack.enter_async_context(_running(folder / "node", command))
        if shutil.which("prometheus-blackbox-exporter"):
            jobs.append(await stack.enter_async_context(_probed(folder)))
        port = free_port()
        shutil.copy(FOLDER / "rules.yml", folder)
        configuration = {
            "global": {
                "scrape_interval": f"{SCRAPE_S}s",
                "scrape_timeout": f"{SCRAPE_S}s",
                "evaluation_interval": f"{SCRAPE_S}s",
            },
            "rule_files": ["rules.yml"],
            "scrape_configs": jobs,
        }
        (folder / "prometheus.yml").write_text(json.dumps(configuration), "utf-8")
        command = [
            "prometheus",
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'series'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ]
        await stack.enter_async_context(_running(folder / "prometheus", command))
        http = httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False)
        await stack.enter_async_context(http)
        async with asyncio.timeout(PATIENCE_S):
            while not await _answers(http):
                await asyncio.sleep(0.1)
        yield http


async def asked(
    http: httpx2.AsyncClient, promql: str, *, start: float, end: float
) -> Sequence[Mapping[str, Any]]:
    """Give the lines of a query between two times, as Grafana asks for them.

    Raises:
        ValueError: Prometheus does not understand it.
    """
    query = promql.replace("$__rate_interval", f"{10 * SCRAPE_S}s")
    span = {"query": query, "start": f"{start}", "end": f"{end}", "step": f"{SCRAPE_S}"}
    answer = (await http.get("/api/v1/query_range", params=span)).json()
    if answer["status"] != "success":
        raise ValueError(f"{promql}: {answer['error']}")
    found: Sequence[Mapping[str, Any]] = answer["data"]["result"]
    return found


def _job(name: str, target: str, instance: str) -> dict[str, Any]:
    labels = {"instance": instance}
    return {"job_name": name, "static_configs": [{"targets": [target], "labels": labels}]}


async def _answers(http: httpx2.AsyncClient) -> bool:
    try:
        return (await http.get("/-/ready")).is_success
    except httpx2.TransportError:
        return False


@asynccontextmanager
async def _running(log: Path, command: Sequence[str]) -> AsyncIterator[None]:
    with log.with_suffix(".log").open("wb") as written:
        process = subprocess.Popen(command, stdout=written, stderr=written)
    try:
        yield
    finally:
        process.terminate()
        try:
            await asyncio.to_thread(process.wait, 20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@asynccontextmanager
async def _probed(folder: Path) -> AsyncIterator[dict[str, Any]]:
    """Serve a certificate and have it probed; give the job."""
    port, probed = free_port(), free_port()
    certificate = folder / "certificate.pem"
    await asyncio.to_thread(_make_certificate, certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    modules = {
        "tls": {
            "prober": "tcp",
            "tcp": {"tls": True, "tls_config": {"ca_file": str(certificate)}},
        }
    }
    (folder / "blackbox.yml").write_text(json.dumps({"modules": modules}), "utf-8")
    command = [
        "prometheus-blackbox-exporter",
        f"--config.file={folder / 'blackbox.yml'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    server = await asyncio.start_server(hang_up, "127.0.0.1", probed, ssl=context)
    async with server, _running(folder / "blackbox", command):
        yield {
            **_job("certificates", f"127.0.0.1:{port}", "speech.example.org"),
            "metrics_path": "/probe",
            "params": {"module": ["tls"], "target": [f"127.0.0.1:{probed}"]},
        }


def _make_certificate(path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "speech.example.org")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=CERTIFICATE_DAYS))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.touch(mode=0o600)
    path.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))

"""Nginx as deploy/nginx sets it up, started for a test: other ports, files of its own."""

import asyncio
import datetime
import os
import re
import shutil
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

SHIPPED = Path(__file__).parents[2] / "deploy" / "nginx"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A running nginx."""

    url: str
    plain_url: str
    log: Path
    """Every request."""
    errors: Path
    certificate: Path


def nginx_program() -> str:
    found = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if found is None:
        pytest.skip("no nginx here: apt-get install nginx-light (make test in CI installs it)")
    return found


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def replaced(text: str, was: str, by: str) -> str:
    """Replace what must be there: a test of another configuration would be none."""
    assert was in text, was
    return text.replace(was, by)


def configure(
    folder: Path, *, services: list[int], name: str = "localhost", days: int = 1
) -> Proxy:
    """Lay the shipped configuration into a folder, for services on these ports of this machine."""
    port, plain_port = free_port(), free_port()
    proxy = Proxy(
        url=f"https://localhost:{port}",
        plain_url=f"http://localhost:{plain_port}",
        log=folder / "access.log",
        errors=folder / "error.log",
        certificate=folder / "tls" / "fullchain.pem",
    )
    text = (SHIPPED / "nginx.conf").read_text("utf-8")
    text = replaced(text, " /tmp/", f" {folder}/")
    text = replaced(text, "listen 8443 ssl", f"listen 127.0.0.1:{port} ssl")
    text = replaced(text, "listen 8080", f"listen 127.0.0.1:{plain_port}")
    text = replaced(text, "/dev/stdout", str(proxy.log))
    text = replaced(text, "/dev/stderr", str(proxy.errors))
    text = replaced(text, "worker_processes auto", "worker_processes 1")
    text = re.sub(r"worker_rlimit_nofile \d+", "worker_rlimit_nofile 1024", text)
    text = re.sub(r"worker_connections \d+", "worker_connections 256", text)
    text = replaced(text, "rate=10r/s", "rate=1r/s")
    text = replaced(text, "burst=300", "burst=3")
    (folder / "nginx.conf").write_text(text)
    upstreams = (SHIPPED / "upstreams.conf").read_text("utf-8")
    one = re.compile(r"^( *server )[\d.]+:\d+(.*;)$", re.MULTILINE)
    assert len(one.findall(upstreams)) == 2
    upstreams = one.sub(
        lambda line: "\n".join(f"{line[1]}127.0.0.1:{port}{line[2]}" for port in services),
        upstreams,
    )
    (folder / "upstreams.conf").write_text(upstreams)
    make_certificate(folder / "tls", name=name, days=days)
    return proxy


@asynccontextmanager
async def running_nginx(
    folder: Path,
    *,
    services: list[int],
    name: str = "localhost",
    days: int = 1,
    changed: Callable[[str], str] = lambda text: text,
) -> AsyncIterator[Proxy]:
    """Run nginx before these services until the end of the block.

    Args:
        folder: for its files.
        services: their ports.
        name: that the certificate is for.
        days: until it ends, or since.
        changed: makes another configuration of the shipped one.
    """
    program = nginx_program()
    proxy = configure(folder, services=services, name=name, days=days)
    configuration = folder / "nginx.conf"
    configuration.write_text(changed(configuration.read_text()))
    said = folder / "start.log"
    with said.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            program, "-p", folder, "-c", folder / "nginx.conf", "-g", "daemon off;",
            stderr=output,
        )  # fmt: skip
    try:
        async with asyncio.timeout(20):
            while not _answers(proxy):
                assert process.returncode is None, said.read_text()
                await asyncio.sleep(0.05)
        yield proxy
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _answers(proxy: Proxy) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(proxy.plain_url.rpartition(":")[2]))) == 0


def make_certificate(folder: Path, *, name: str = "localhost", days: int = 1) -> None:
    """Make a certificate that signs itself."""
    folder.mkdir()
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=9))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )

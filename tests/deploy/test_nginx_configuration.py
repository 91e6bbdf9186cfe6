"""deploy/nginx against nginx itself, and against what the service takes."""

import re
import subprocess
from pathlib import Path

import pytest

from service.library.dictionary_files import _LONGEST_FILE
from service.operations.bodies import KIB, MIB
from service.routing import _BODY, _BODY_LIMITS
from service.settings import Settings
from tests.deploy.nginx import SHIPPED, configure, nginx_program

UNITS = {"k": KIB, "m": MIB}


@pytest.mark.nginx
def test_nginx_takes_its_configuration(tmp_path: Path) -> None:
    program = nginx_program()
    configure(tmp_path, services=[1, 2])

    checked = subprocess.run(
        [program, "-t", "-p", tmp_path, "-c", tmp_path / "nginx.conf"],
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )

    assert checked.returncode == 0, checked.stderr
    assert "[warn]" not in checked.stderr.replace('the "user" directive', "")


def test_nginx_takes_bodies_as_long_as_the_service_does() -> None:
    text = (SHIPPED / "nginx.conf").read_text("utf-8")
    found = {
        path: int(number) * UNITS[unit]
        for path, number, unit in re.findall(
            r"location (/\S+) \{\n\s+client_max_body_size (\d+)([km]);", text
        )
    }
    own = {
        "/v1/archive": Settings().max_archive_mb * MIB,
        "/v1/audio": Settings().max_upload_mb * MIB,
        "/v1/dictionary/import": _LONGEST_FILE,
    }

    assert found == {path: own.get(path, limit) for path, limit in _BODY_LIMITS.items()}
    assert f"\n        client_max_body_size {_BODY // KIB}k;" in text


def test_every_socket_goes_to_the_next_server_when_one_stops() -> None:
    text = (SHIPPED / "nginx.conf").read_text("utf-8")

    sockets = re.findall(
        r"location = (\S+) \{\n\s+proxy_next_upstream error timeout http_503;"
        r"\n\s+proxy_buffering off;\n\s+proxy_pass http://sockets;",
        text,
    )

    assert sockets == ["/v1/stream", "/v1/listen", "/v1/realtime", "/v1/vosk"]

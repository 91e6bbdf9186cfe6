"""What is said of the port: where to dictate, and why it cannot be had."""

import json
import socket
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from service.commands.failures import explain
from service.commands.serve import ready
from service.language import Language
from service.listening import take_port
from service.problems import SetUpError

RUSSIAN = Language("ru")
COMMAND = Path(sys.executable).with_name("alfavoice")


@pytest.mark.parametrize(
    ("listens", "local"),
    [("http://0.0.0.0:8765", "http://127.0.0.1:8765"), ("http://[::]:8765", "http://[::1]:8765")],
)
def test_a_server_that_listens_everywhere_names_an_address_that_can_be_opened(listens, local):
    said = ready(RUSSIAN, listens, local)
    assert local in said
    assert listens not in said
    assert "8765" in said.replace(local, "")


def test_a_server_of_one_address_names_that():
    url = "http://127.0.0.1:8765"
    assert ready(RUSSIAN, url, url) == f"Можно диктовать: {url}"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            {"ready": True, "reasons": []},
            "сервер AlfaVoice уже работает: http://127.0.0.1:{port}; ",
        ),
        ({"ready": False, "reasons": ["draining"]}, "сервер AlfaVoice уже работает"),
        ({"hello": "world"}, "порт {port} занят другой программой"),
    ],
)
def test_of_a_port_it_is_said_whether_our_own_server_has_it(answer, said, tmp_path):
    class Answering(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Answering) as other:
        Thread(target=other.serve_forever, daemon=True).start()
        port = other.server_address[1]
        serve = ["--language", "ru", "serve", "--port", str(port), "--data-dir", str(tmp_path)]
        # A process of its own: serving sets up the logs of the whole process.
        done = subprocess.run([COMMAND, *serve], capture_output=True, timeout=60, check=False)
        other.shutdown()

    assert done.returncode == 1
    assert said.format(port=port) in done.stderr.decode()


def test_a_port_in_use_is_told_in_the_persons_language_only():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SetUpError) as refusal:
            take_port("127.0.0.1", port)
    said = explain(refusal.value, RUSSIAN)
    assert said == (
        f"Ошибка: порт {port} занят другой программой: выберите другой в --port [setup.port_in_use]"
    )

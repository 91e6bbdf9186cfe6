"""The sign-in is over, the server is of another version: it is told, what to do is offered, nothing said is lost."""

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from tests.desktop.client import Client
from tests.desktop.display import Desktop
from tests.desktop.kept import dictate, reader
from tests.desktop.programs import wait_until
from tests.desktop.rewriting import rewriting
from tests.desktop.serving import history, serving
from tests.desktop.window import Window

pytestmark = [pytest.mark.desktop, pytest.mark.slow, pytest.mark.usefixtures("built")]

FIRST, SECOND = "сорок два мамонта", "сорок три мамонта"


def account(folder: Path, database_url: str, command: str, password: str) -> None:
    """Do something with Anna's account, as an operator does on the server."""
    environment = {**os.environ, "ALFAVOICE_DATABASE_URL": database_url}
    subprocess.run(
        [sys.executable, "-m", "service", "users", command, "anna", "--password-stdin", "--data-dir", str(folder)],
        env=environment, input=password, text=True, check=True, capture_output=True, timeout=60,
    )  # fmt: skip


def sign_in(window: Window, password: str) -> None:
    """Sign in as Anna."""
    window.wait_for("Войдите, чтобы речь стала текстом")
    window.write("Логин", "anna")
    window.write("Пароль", password)
    window.press("Войти")


def token(port: int, password: str) -> str:
    """Sign in to the server from somewhere else."""
    device = {"id": None, "name": "test", "platform": "linux", "client": "test/1"}
    body = {"login": "anna", "password": password, "device": device}
    answer = httpx2.post(f"http://127.0.0.1:{port}/v1/auth/login", json=body, timeout=30)
    return str(answer.raise_for_status().json()["access_token"])


def test_a_sign_in_that_is_over_is_told_and_what_was_said_is_sent_once_after_the_next_one(
    desk: Desktop, spoken: Path, database_url: str, new_data_folder: Path
) -> None:
    with serving(new_data_folder, database_url, script={}, login="required") as port:
        account(new_data_folder, database_url, "add", FIRST)
        client = Client(desk, port)
        with client.shown(until="Вход") as window:
            sign_in(window, FIRST)
            client.wait_for_route("Team")
            dictate(desk, spoken)
            here = token(port, FIRST)
            wait_until(lambda: len(history(port, token=here)) == 1, "the transcript")
            account(new_data_folder, database_url, "password", SECOND)
            dictate(desk, spoken)
            client.wait_for_route("Outbox")
            window.wait_for("Войдите")
            desk.artefact("sign-in-over")
            reader(desk).wait_for(client.file, 1)
            sign_in(window, SECOND)
            here = token(port, SECOND)
            wait_until(lambda: len(history(port, token=here)) == 2, "the transcript", 40)


def test_that_the_program_is_older_than_the_server_is_told_and_what_is_said_is_not_lost(
    desk: Desktop, spoken: Path, server: int
) -> None:
    health = httpx2.get(f"http://127.0.0.1:{server}/health/ready", timeout=10).json()
    version = f'"version":"{health["version"]}"'
    newer = {version.encode(): re.sub("[0-9]", "9", version).encode()}
    with rewriting(server, asked={b"alfavoice.v1": b"alfavoice.v9"}, answered=newer) as port:
        client = Client(desk, port)
        with client.shown() as window:
            dictate(desk, spoken)
            window.wait_for("Программа старее сервера. Обновите её")
            desk.artefact("server-newer")
            # What is a recording can be sent to any version.
            wait_until(lambda: len(history(server)) == 1, "the transcript", 60)

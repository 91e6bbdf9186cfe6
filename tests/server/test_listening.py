"""What is said of the port: where to dictate, and why it cannot be had."""

import socket

import pytest

from service.commands.failures import explain
from service.commands.serve import ready
from service.language import Language
from service.listening import take_port
from service.problems import SetUpError

RUSSIAN = Language("ru")


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

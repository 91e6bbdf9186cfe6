"""The outbox's key is gone, its file is damaged, the disk is full: it is told, what to do is offered, nothing is lost."""

import os
import secrets
from pathlib import Path

import pytest

from tests.desktop.client import Client
from tests.desktop.display import Desktop
from tests.desktop.kept import Reader, dictate, key_of, put_aside, reader
from tests.desktop.programs import wait_until
from tests.desktop.serving import history, serving

pytestmark = [pytest.mark.desktop, pytest.mark.slow, pytest.mark.usefixtures("built")]

ENTRY = ("service", "alfavoice", "username", "outbox")
"""Where the keychain has the key."""


def test_a_lost_key_is_told_the_file_put_aside_and_what_is_said_meanwhile_kept(
    desk: Desktop, spoken: Path, port: int
) -> None:
    client = Client(desk, port)
    with client.run():
        dictate(desk, spoken)
        former = reader(desk)
        former.wait_for(client.file, 1)
    desk.run("secret-tool", "clear", *ENTRY)
    content = client.file.read_bytes()
    with client.shown() as window:
        desk.told("Ключа от записей нет")
        window.wait_for("Ключа от записей нет")
        desk.artefact("key-lost")
        dictate(desk, spoken)
        assert client.file.read_bytes() == content
        window.press("Посмотреть исходящие")
        window.wait_for("Если есть копия хранилища, верните её")
        desk.artefact("key-lost-what-to-do")
        window.press("Отложить файл и начать новый")
        wait_until(lambda: bool(put_aside(client)), "the file put aside")
        [aside] = put_aside(client)
        window.wait_for("Ждёт отправки")
        desk.artefact("key-lost-after")
        assert key_of(desk) != former.key
        reader(desk).wait_for(client.file, 1)
        assert len(former.takes(aside)) == 1


def test_a_wrong_key_is_told_and_with_the_right_one_back_everything_is_there(
    desk: Desktop, spoken: Path, port: int, database_url: str, new_data_folder: Path
) -> None:
    client = Client(desk, port)
    with client.run():
        dictate(desk, spoken)
        former = reader(desk)
        former.wait_for(client.file, 1)
    store = ("secret-tool", "store", "--label=alfavoice outbox", *ENTRY)
    desk.run(*store, text=secrets.token_hex(32))
    with client.run():
        desk.told("Ключа от записей нет")
    desk.run(*store, text=former.key)
    with client.run(), serving(new_data_folder, database_url, script={}, port=port):
        wait_until(lambda: len(history(port)) == 1, "the transcript", 60)
        assert not put_aside(client)


def test_of_a_damaged_file_what_can_be_read_is_kept_and_the_file_put_aside(
    desk: Desktop, spoken: Path, port: int
) -> None:
    client = Client(desk, port)
    with client.run():
        for count in (1, 2, 3):
            dictate(desk, spoken)
            kept = reader(desk)
            kept.wait_for(client.file, count)
    size = client.file.stat().st_size
    with client.file.open("r+b") as file:
        file.seek(size // 2)
        file.write(os.urandom(8192))
    with client.shown() as window:
        desk.told("Файл исходящих был повреждён")
        window.press("Исходящие")
        window.wait_for("Ждёт отправки")
        desk.artefact("damaged")
        assert len(put_aside(client)) == 1
        count = len(kept.takes(client.file))
        assert count > 0
        dictate(desk, spoken)
        kept.wait_for(client.file, count + 1)


def test_a_file_that_is_nothing_any_more_is_put_aside_and_dictation_goes_on(
    desk: Desktop, spoken: Path, port: int
) -> None:
    client = Client(desk, port)
    with client.run():
        dictate(desk, spoken)
        kept = reader(desk)
        kept.wait_for(client.file, 1)
    for path in client.folder.glob("outbox.db-*"):
        path.unlink()
    client.file.write_bytes(os.urandom(20_000))
    with client.run():
        desk.told("Файл исходящих был повреждён")
        dictate(desk, spoken)
        kept.wait_for(client.file, 1)
    [aside] = put_aside(client)
    assert aside.stat().st_size == 20_000


def test_on_a_computer_without_a_keychain_a_passphrase_is_asked_for_and_opens_the_file_again(
    desk_without_keychain: Desktop, spoken: Path, port: int
) -> None:
    desk = desk_without_keychain
    client = Client(desk, port)
    kept = Reader("верная фраза")
    with client.shown() as window:
        desk.told("парольную фразу")
        window.wait_for("парольную фразу")
        desk.artefact("no-keychain")
        dictate(desk, spoken)
        window.press("Открыть исходящие")
        window.write("Парольная фраза", kept.key)
        window.write("Ещё раз", kept.key)
        desk.artefact("no-keychain-passphrase")
        window.press("Задать фразу")
        window.wait_for("Ждёт отправки")
        kept.wait_for(client.file, 1)
    with client.shown() as window:
        window.press("Исходящие")
        window.write("Парольная фраза", "другая фраза")
        window.press("Открыть")
        window.wait_for("Парольная фраза не подходит")
        desk.artefact("no-keychain-wrong-passphrase")
        window.write("Парольная фраза", kept.key)
        window.press("Открыть")
        window.wait_for("Ждёт отправки")

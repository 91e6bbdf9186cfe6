"""The commands as an operator runs them, from one machine to an empty one."""

import asyncio
import os
import sys
from pathlib import Path

import httpx
import pytest

from service.accounts.principal import LOCAL_USER
from service.app import running_server
from service.settings import Settings
from service.storage.encryption.key_file import load_master_keys, read_key_file
from service.storage.opening import open_storage
from tests.encryption.people import say_everything

pytestmark = [pytest.mark.postgres, pytest.mark.slow, pytest.mark.timeout(300)]


async def alfavoice(*arguments: object, folder: Path, language: str = "en") -> tuple[int, str]:
    """Run a command on a machine of its own; give its status and all it said."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("ALFAVOICE_") and name != "DATABASE_URL"
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "service", *map(str, arguments), "--data-dir", str(folder),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        env={**environment, "ALFAVOICE_LANGUAGE": language},
    )  # fmt: skip
    async with asyncio.timeout(120):
        said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


async def test_from_one_machine_to_an_empty_one(data_folder, tmp_path, monkeypatch):
    for name in ("ALFAVOICE_DATABASE_URL", "DATABASE_URL", "ALFAVOICE_MASTER_KEY"):
        monkeypatch.delenv(name, raising=False)
    master = load_master_keys(value=None, file=None, data_dir=data_folder)
    backup, passphrase, elsewhere = tmp_path / "b", tmp_path / "p", data_folder / "empty machine"
    passphrase.write_text("верблюд верлибр верстак\n")
    async with open_storage(None, data_folder, master=master) as storage:
        await say_everything(storage, LOCAL_USER)
        status, said = await alfavoice(
            "backup", backup, "--with-key", "--passphrase-file", passphrase, folder=data_folder
        )
        assert status == 0, said
    elsewhere.mkdir(mode=0o755)

    status, said = await alfavoice("backup", "--check", backup, folder=elsewhere)
    assert status == 0, said
    assert "nothing can be said of who made it" in said
    assert list(elsewhere.iterdir()) == []

    (tmp_path / "wrong").write_text("верблюд верлибр верстаг")
    status, said = await alfavoice(
        "restore", backup, "--passphrase-file", tmp_path / "wrong", folder=elsewhere
    )
    assert (status, "[setup.passphrase]" in said) == (1, True)
    assert not (elsewhere / "master.key").exists()

    status, said = await alfavoice(
        "restore", backup, "--passphrase-file", passphrase, folder=elsewhere, language="ru"
    )
    assert (status, "Восстановлено строк" in said) == (0, True), said
    assert read_key_file(elsewhere / "master.key") == read_key_file(data_folder / "master.key")

    status, said = await alfavoice("keys", "check", folder=elsewhere)
    assert (status, "Everything opens." in said) == (0, True), said
    status, said = await alfavoice("keys", "rotate-master", folder=elsewhere)
    assert (status, master.names[0] in said) == (0, True), said
    assert read_key_file(elsewhere / "master.key") != read_key_file(data_folder / "master.key")
    status, said = await alfavoice("keys", "status", folder=elsewhere, language="ru")
    assert (status, master.names[0] in said) == (0, False), said

    settings = Settings(port=0, engine="scripted", data_dir=elsewhere)
    async with running_server(settings) as server, httpx.AsyncClient() as client:
        history = await client.get(f"{server.url}/v1/history")
    assert history.status_code == 200
    assert "edited" in history.text

    status, said = await alfavoice("restore", backup, folder=elsewhere)
    assert (status, "[setup.passphrase]" in said) == (1, True), said


async def test_a_file_that_is_no_backup_starts_no_database(new_data_folder, tmp_path):
    (tmp_path / "no").write_bytes(b"PK\x03\x04 not really")

    status, said = await alfavoice("restore", tmp_path / "no", folder=new_data_folder)

    assert (status, "[setup.backup_damaged]" in said) == (1, True), said
    assert list(new_data_folder.iterdir()) == []

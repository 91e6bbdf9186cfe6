"""What commands do that ask for a secret when nobody is there to answer."""

import asyncio
import json
import os

import pytest

from tests.client.test_commands import COMMAND

NOWHERE = "http://127.0.0.1:9"


async def run(*arguments: object, folder: os.PathLike[str], language: str = "ru"):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("ALFAVOICE", "LC_", "LANG"))}
    process = await asyncio.create_subprocess_exec(
        COMMAND,
        *map(str, arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**kept, "PYTHONIOENCODING": "utf-8", "ALFAVOICE_LANGUAGE": language},
        cwd=folder,
        start_new_session=True,  # or it would ask at the terminal of whoever runs the tests
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


@pytest.mark.parametrize(
    "arguments",
    [
        ("login", NOWHERE, "--login", "anna"),
        ("login", NOWHERE, "--login", "anna", "--password-stdin"),
        ("doctor", "--server", NOWHERE, "--login", "anna"),
    ],
)
async def test_without_a_terminal_a_password_is_refused_in_one_line(tmp_path, arguments):
    status, out, err = await run(*arguments, folder=tmp_path)
    assert (status, out) == (1, "")
    [line] = err.splitlines()
    assert line.startswith("Ошибка: пароль не введён")
    assert line.endswith("[setup.no_password]")
    assert "--password-stdin" in line
    _, _, said = await run(*arguments, folder=tmp_path, language="en")
    assert said.startswith("Error: no password was given"), said
    assert said.count("\n") == 1


async def test_without_a_terminal_a_login_is_to_be_named(tmp_path):
    status, _, err = await run("login", NOWHERE, folder=tmp_path)
    assert (status, "--login" in err, "[setup.no_login]" in err) == (1, True, True)


async def test_without_a_terminal_the_passphrase_of_an_outbox_is_to_be_given_otherwise(tmp_path):
    (tmp_path / "outbox.db").write_bytes(b"")
    note = {"version": 1, "kind": "passphrase", "salt": "00" * 16, "memory_kib": 64, "passes": 1}
    (tmp_path / "outbox.salt.json").write_text(json.dumps({**note, "check": "00" * 16}))
    status, out, err = await run(
        "outbox", "list", "--file", tmp_path / "outbox.db", folder=tmp_path
    )
    assert (status, out, err.count("\n")) == (1, "", 1), err
    assert "[setup.no_passphrase]" in err
    assert "--key-file" in err

"""The client's outbox, read by the command, from files made here and by the client itself."""

import json
import os
import shutil
import stat
import subprocess
import wave
from pathlib import Path

import pytest
from argon2.low_level import Type, hash_secret_raw
from sqlcipher3 import dbapi2

from service.client.outbox_key import check_of
from tests.client.test_commands import COMMAND

KEY = "5a" * 32
CLIENT = Path(__file__).parents[2] / "client_tauri" / "src-tauri"
PCM = b"".join(at.to_bytes(2, "little") for at in range(16_000))
TAKE = "019a0000-0000-7000-8000-000000000001"
STORED = "019a0000-0000-7000-8000-000000000002"
SCHEMA = """
CREATE TABLE take (id TEXT PRIMARY KEY, state TEXT, began_at REAL, ended_at REAL,
  sample_rate INTEGER, samples INTEGER, language TEXT, app TEXT, route TEXT, server TEXT, known_as TEXT,
  recovered INTEGER, attempts INTEGER, next_attempt_at REAL, problem TEXT, uploaded_samples INTEGER,
  stored_samples INTEGER, transcript TEXT, text TEXT, forget_at REAL);
CREATE TABLE chunk (take TEXT, number INTEGER, first_sample INTEGER, pcm BLOB,
  PRIMARY KEY (take, number));
PRAGMA user_version = 1;
"""
SECOND = "ALTER TABLE take ADD COLUMN person TEXT; PRAGMA user_version = 2;"


def write_outbox(folder: Path, key: str = KEY) -> dbapi2.Connection:
    """Write an outbox with a take of a second, and leave it open as a running client does."""
    connection = dbapi2.connect(folder / "outbox.db")
    connection.execute(f"PRAGMA key = \"x'{key}'\"")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript(SCHEMA)
    connection.execute(
        "INSERT INTO take (id, state, began_at, sample_rate, samples, text, recovered)"
        " VALUES (?, 'pending', 1795333859.5, 16000, 16000, NULL, 1)",
        (TAKE,),
    )
    for number in range(2):
        pcm = PCM[number * 16_000 : number * 16_000 + 16_000]
        connection.execute(
            "INSERT INTO chunk VALUES (?, ?, ?, ?)", (TAKE, number, number * 8000, pcm)
        )
    connection.commit()
    return connection


def add_take(connection: dbapi2.Connection, take: str, state: str) -> None:
    """Add a take of a second without any audio."""
    connection.execute(
        "INSERT INTO take (id, state, began_at, sample_rate, samples, recovered)"
        " VALUES (?, ?, 1795333860.5, 16000, 16000, 0)",
        (take, state),
    )
    connection.commit()


def run(*arguments: object, secret: str = KEY) -> tuple[int, str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("ALFAVOICE")}
    told = subprocess.run(
        [COMMAND, "--language", "en", "outbox", *map(str, arguments), "--key-file", "-"],
        input=secret + "\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=kept,
    )
    return told.returncode, told.stdout, told.stderr


@pytest.mark.parametrize("newer", ["", SECOND], ids=["first layout", "second layout"])
def test_takes_are_listed_and_exported_while_the_client_has_the_file_open(tmp_path, newer):
    running = write_outbox(tmp_path)
    running.executescript(newer)
    status, out, _ = run("list", "--json", "--file", tmp_path / "outbox.db")
    [take] = json.loads(out)
    assert (status, take["id"], take["state"], take["seconds"]) == (0, TAKE, "pending", 1.0)
    status, _, _ = run("export", "--file", tmp_path / "outbox.db", "--output", tmp_path / "записи")
    [path] = (tmp_path / "записи").iterdir()
    with wave.open(str(path)) as file:
        assert (status, file.readframes(99_999)) == (0, PCM)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    running.close()


def test_a_file_that_lost_audio_or_a_page_is_not_whole(tmp_path):
    write_outbox(tmp_path).close()
    file = tmp_path / "outbox.db"
    assert run("verify", "--file", file)[:2] == (0, "All is whole. Recordings: 1.\n")
    content = bytearray(file.read_bytes())
    content[5 * 4096 + 100] ^= 0xFF
    file.write_bytes(content)
    status, out, err = run("verify", "--file", file)
    assert status == 1
    assert "Faults found" in out
    assert err


def test_audio_that_is_forgotten_is_said_and_never_written_as_silence(tmp_path):
    running = write_outbox(tmp_path)
    add_take(running, STORED, "stored")
    at = ("--file", tmp_path / "outbox.db")
    _, out, _ = run("list", "--json", *at)
    assert {take["id"]: take["audio"] for take in json.loads(out)} == {
        TAKE: "kept",
        STORED: "forgotten",
    }
    _, out, _ = run("list", *at)
    assert [STORED in line for line in out.splitlines() if "audio forgotten" in line] == [True]
    status, out, err = run("export", *at, "--output", tmp_path / "all")
    assert (status, len(out.splitlines())) == (0, 1)
    assert [TAKE in path.name for path in (tmp_path / "all").iterdir()] == [True]
    assert f"{STORED}: the audio is forgotten already" in err
    assert "Recordings written: 1." in err
    status, out, err = run("export", STORED, *at, "--output", tmp_path / "one")
    assert (status, out, list((tmp_path / "one").iterdir())) == (1, "", [])
    assert "forgotten" in err
    status, out, err = run("verify", *at)
    assert (status, err) == (0, "")
    assert out.startswith("All is whole. Recordings: 2.\n")
    assert "forgotten" in out
    running.close()


@pytest.mark.parametrize("state", ["pending", "failed", "stored"])
def test_audio_that_is_missing_of_a_take_is_damage_unless_all_of_a_stored_one_is_forgotten(
    tmp_path, state
):
    running = write_outbox(tmp_path)
    running.execute("UPDATE take SET state = ?", (state,))
    running.execute("DELETE FROM chunk WHERE number = 0")
    running.commit()
    at = ("--file", tmp_path / "outbox.db")
    status, out, err = run("verify", *at)
    assert (status, out) == (1, "Faults found: 1. Recordings: 1.\n")
    assert "audio is missing" in err
    status, out, err = run("export", *at, "--output", tmp_path / "all")
    assert (status, len(out.splitlines())) == (0, 1)
    assert "audio is missing" in err
    running.close()


def test_a_take_that_waits_and_has_no_audio_at_all_is_damaged(tmp_path):
    running = write_outbox(tmp_path)
    add_take(running, STORED, "pending")
    status, out, _ = run("verify", "--file", tmp_path / "outbox.db")
    assert (status, out) == (1, "Faults found: 1. Recordings: 2.\n")
    running.close()


def test_without_its_package_it_says_a_command_that_keeps_the_other_extras(tmp_path, monkeypatch):
    write_outbox(tmp_path).close()
    hidden = tmp_path / "first"
    hidden.mkdir()
    (hidden / "sqlcipher3.py").write_text("raise ImportError\n")
    before = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(hidden), before))))
    status, _, err = run("list", "--file", tmp_path / "outbox.db")
    assert status == 1
    assert "uv sync --inexact --extra outbox" in err


@pytest.mark.parametrize("secret", ["00" * 32, "not a key"])
def test_another_key_is_refused_and_never_repeated(tmp_path, secret):
    write_outbox(tmp_path).close()
    status, out, err = run("list", "--file", tmp_path / "outbox.db", secret=secret)
    assert (status, out) == (1, "")
    assert "not the key" in err
    assert secret not in err


def test_a_passphrase_opens_what_it_was_made_with(tmp_path):
    salt = bytes(range(16))
    key = hash_secret_raw(
        "долгая фраза".encode(), salt, time_cost=1, memory_cost=64, parallelism=1, hash_len=32,
        type=Type.ID,
    )  # fmt: skip
    write_outbox(tmp_path, key.hex()).close()
    note = {"version": 1, "kind": "passphrase", "salt": salt.hex(), "memory_kib": 64, "passes": 1}
    (tmp_path / "outbox.salt.json").write_text(json.dumps({**note, "check": check_of(key)}))
    assert run("list", "--file", tmp_path / "outbox.db", secret="долгая фраза")[0] == 0
    assert run("list", "--file", tmp_path / "outbox.db", secret="другая фраза")[0] == 1


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("cargo") is None, reason="the client cannot be built here")
def test_what_the_client_writes_is_read_here(tmp_path):
    subprocess.run(
        ["cargo", "run", "-q", "-p", "client-core", "--example", "write_outbox", tmp_path],
        cwd=CLIENT,
        check=True,
        timeout=1800,
        stdin=subprocess.DEVNULL,
    )
    file = tmp_path / "outbox.db"
    status, out, _ = run("list", "--json", "--file", file)
    [take] = json.loads(out)
    assert (status, take["state"], take["seconds"]) == (0, "pending", 2.0)
    assert run("verify", "--file", file)[0] == 0
    assert run("export", take["id"], "--file", file, "--output", tmp_path)[0] == 0
    [path] = tmp_path.glob("*.wav")
    with wave.open(str(path)) as wav:
        assert wav.readframes(99_999) == PCM + PCM

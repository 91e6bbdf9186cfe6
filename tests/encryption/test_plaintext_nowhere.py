"""Nothing said is on the disk in the clear: not in tables, indexes, WAL, logs, nor in a backup."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from service.app import running_server
from service.dictation import wire
from service.settings import Settings
from service.storage.backup import make_backup
from service.storage.embedded import embedded_postgres
from service.storage.encryption.key_file import load_master_keys
from tests.recordings.uploader import TAKE, Uploader, new_id
from tests.server.peer import peer
from tests.voice import quiet, voice

pytestmark = [pytest.mark.postgres, pytest.mark.slow, pytest.mark.timeout(300)]

EDIT = "Исправленная тайна гиппопотама"
NOTE = "Заметка про бегемота-шифровальщика"
SNIPPET = "Сниппет носорога невидимого"
TRIGGER = "вставь носорога"
TERM = "Жирафонавт"
STYLE = {"ru.secret.app": "formal"}
CONTROL = "Нарочно открытое слово-контролёр"


def forms(secret: str | bytes) -> dict[str, bytes]:
    """How a secret may be written down."""
    if isinstance(secret, bytes):
        return {"raw": secret, "hex": secret.hex().encode()}
    return {
        "utf-8": secret.encode(),
        "utf-16": secret.encode("utf-16-le"),
        "utf-16-be": secret.encode("utf-16-be"),
        "json": json.dumps(secret)[1:-1].encode(),
        "hex": secret.encode().hex().encode(),
    }


def contents(folder: Path, backup: Path) -> Iterator[tuple[str, bytes]]:
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            yield str(path.relative_to(folder)), path.read_bytes()
    yield "backup", backup.read_bytes()
    with zipfile.ZipFile(backup) as archive:
        for name in archive.namelist():
            yield f"backup:{name}", archive.read(name)


def found(secrets: dict[str, str | bytes], folder: Path, backup: Path) -> set[tuple[str, str, str]]:
    return {
        (what, form, "backup" if place.startswith("backup:") else [*place.split("/"), place][1])
        for place, content in contents(folder, backup)
        for what, secret in secrets.items()
        for form, needle in forms(secret).items()
        if needle in content
    }


async def leave_traces(url: str) -> dict[str, str | bytes]:
    """Do everything a person does; give what was said and written."""
    secrets: dict[str, str | bytes] = {
        "edit": EDIT, "note": NOTE, "snippet": SNIPPET, "trigger": TRIGGER, "term": TERM,
        "preference": next(iter(STYLE)), "audio": TAKE[20_000:20_064],
    }  # fmt: skip
    async with peer(url) as speaker:
        await speaker.start()
        await speaker.say(quiet(200) + voice(2000, seed=7) + quiet(1200) + voice(1500, seed=8))
        await speaker.send(wire.Finish())
        done = await speaker.until(wire.Done)
        for final in speaker.of(wire.Final):
            secrets[f"final {final.utterance}"] = final.text
            secrets[f"words {final.utterance}"] = " ".join(final.text.split()[:3])
    assert len(done.text) > 20
    async with httpx.AsyncClient(base_url=f"{url}/v1", timeout=30) as http:
        for method, path, body in (
            ("PATCH", f"/history/{done.transcript}", {"text": EDIT}),
            ("POST", "/notes", {"title": NOTE, "text": NOTE}),
            ("POST", "/snippets", {"trigger": TRIGGER, "text": SNIPPET}),
            ("POST", "/dictionary", {"term": TERM, "sounds_like": [TERM]}),
            ("PATCH", "/preferences", {"app_styles": STYLE}),
            ("POST", "/history/search", {"q": EDIT}),
        ):
            answer = await http.request(method, path, json=body)
            assert answer.is_success, (path, answer.text)
        assert EDIT in (await http.get(f"/history/{done.transcript}")).text
    async with Uploader(url) as client:
        recording = new_id()
        await client.announce(recording, TAKE)
        assert (await client.send(recording, TAKE[: len(TAKE) // 2], offset=0)).is_success
    return secrets


async def test_what_was_said_is_nowhere_in_the_clear(new_data_folder, tmp_path, monkeypatch):
    for name in ("ALFAVOICE_DATABASE_URL", "DATABASE_URL", "ALFAVOICE_MASTER_KEY"):
        monkeypatch.delenv(name, raising=False)
    settings = Settings(port=0, engine="scripted", lanes=2, data_dir=new_data_folder)
    backup = tmp_path / "everything"
    async with running_server(settings) as server:
        await server.wait_ready(30)
        secrets = await leave_traces(server.url)
    async with embedded_postgres(new_data_folder) as dsn:
        # The test's own test: what is not sealed is found in every one of these places.
        owner = await asyncpg.connect(dsn, timeout=10)
        await owner.execute("CREATE TABLE control (n int, clear text, wide bytea)")
        await owner.execute(
            "INSERT INTO control VALUES (1, $1, $2), (2, $3, '')",
            CONTROL,
            CONTROL.encode("utf-16-le"),
            json.dumps(CONTROL),
        )
        await owner.close(timeout=10)
        master = load_master_keys(value=None, file=None, data_dir=new_data_folder)
        await make_backup(dsn, backup, master=master)

    assert found(secrets, new_data_folder, backup) == set()

    control = found({"control": CONTROL}, new_data_folder, backup)
    seen = {(form, place) for _, form, place in control}
    for form in ("utf-8", "utf-16", "json"):
        assert (form, "base") in seen, control
        assert (form, "pg_wal") in seen, control
    assert ("utf-8", "backup") in seen
    key = (new_data_folder / "master.key").read_text().strip()
    assert not any(
        key.encode() in content for _, content in contents(new_data_folder / "postgres", backup)
    )

"""Archives: what goes out comes in again elsewhere, once; what is no archive does no harm."""

import asyncio
import hashlib
import io
import json
import os
import struct
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
import pytest

from service.accounts.principal import LOCAL_USER
from service.dictation.transcripts import SessionOrigin, StoredFinal, StoredWord
from service.library.archive_export import exported
from service.library.archive_import import ArchiveImport
from service.library.archive_spool import SealedSpool
from service.library.archive_zip import BadArchive, ZipReader
from service.library.kinds import PREFERENCES, Kind
from service.library.merging import FieldWrite
from service.storage.archive import PostgresArchive
from service.storage.items import DeleteItem, PostgresItems, WriteItem
from tests.storage.fixtures import new_user

AUDIO = os.urandom(5 * 1024 * 1024)


@dataclass
class Rules:
    """What a server and its people say of audio."""

    kept: timedelta = timedelta(days=365_000)
    unfinished: int = 1

    async def keep_audio(self, user):
        return self.kept

    async def has_room(self, user, recording, size, *, is_done):
        return is_done or self.unfinished > 0


ANY_AUDIO = Rules()


class Library:
    """One person's, without a server in front."""

    def __init__(self, storage, user):
        self.user = user
        self.storage = storage
        self.items = PostgresItems(storage.postgres, storage.keys)
        self.archive = PostgresArchive(storage.postgres, storage.keys)

    async def export(self):
        return b"".join([piece async for piece in exported(self.user, self.items, self.archive)])

    async def put(self, content, rules=ANY_AUDIO):
        reader = ZipReader(io.BytesIO(content))
        done = await ArchiveImport(self.user, reader, self.items, self.archive, rules=rules).run()
        return {name: (c.added, c.unchanged, c.refused) for name, c in done.counts.items()}

    async def write(self, kind, item, **values):
        fields = {name: FieldWrite(value=value) for name, value in values.items()}
        edit = WriteItem(kind=kind, id=item, fields=fields)
        await self.items.edit(self.user, [edit], writer="laptop")

    async def fill(self):
        self.note = uuid4()
        await self.write(Kind.NOTE, self.note, title="Заметка", text="раз\nдва", is_pinned=True)
        edit = WriteItem(
            kind=Kind.NOTE, id=self.note, fields={"text": FieldWrite(value="поздно", at=5)}
        )
        await self.items.edit(self.user, [edit], writer="phone")
        await self.write(Kind.SNIPPET, uuid4(), trigger="подпись", text="{name}")
        await self.write(
            Kind.TERM, uuid4(), term="ЭДО", sounds_like=["э"], language=None, is_case_sensitive=True
        )
        await self.write(Kind.PREFERENCES, PREFERENCES, style="chat", future_key={"a": [1, None]})
        self.transcript = await self.dictate("Сказано.", "И ещё.")
        await self.record(self.transcript)

    async def dictate(self, *texts):
        store = self.storage.transcripts
        origin = SessionOrigin(language="ru", sample_rate=48_000, client="c 1", app="editor")
        opened = await store.open(uuid4().hex, user=self.user, origin=origin)
        for n, text in enumerate(texts):
            word = StoredWord(text=text, start=n, end=n + 1, probability=0.25)
            final = StoredFinal(
                utterance=n, start=n, end=n + 1, text=text, raw=text, language="ru", words=(word,)
            )
            await store.add_final(self.user, opened.transcript, final)
        await store.finish(self.user, opened.transcript, audio_samples=2)
        return opened.transcript

    async def record(self, transcript):
        sha256 = hashlib.sha256(AUDIO).digest()
        columns = (sha256, len(AUDIO), "flac", None, "ru", None, datetime.now(UTC))
        recording = uuid4()
        await self.archive.open_recording(self.user, recording, columns, sha256)
        for first in range(0, len(AUDIO), 4 * 1024 * 1024):
            piece = AUDIO[first : first + 4 * 1024 * 1024]
            await self.archive.add_piece(self.user, recording, first, piece)
        ended = ("done", None, transcript, 2, False, datetime(2100, 1, 1, tzinfo=UTC), True, 1.0)
        await self.archive.complete_recording(self.user, recording, ended, audio_bytes=len(AUDIO))


@pytest.fixture
async def mine(storage):
    library = Library(storage, LOCAL_USER)
    await library.fill()
    return library


@pytest.fixture
async def theirs(storage, database_url):
    return Library(storage, await new_user(database_url))


def contents(archive):
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        found = {name: file.read(name) for name in file.namelist()}
    assert json.loads(found.pop("manifest.json"))["format"] == "alfavoice-archive"
    return found


def repacked(entries, **options):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", **options) as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return out.getvalue()


def manifest(**changes):
    made = {"format": "alfavoice-archive", "version": 1, "made_at": "2026-01-01T00:00:00Z"}
    return json.dumps(made | changes)


async def test_what_is_exported_imported_and_exported_again_is_the_same(mine, theirs, storage):
    first = await mine.export()
    await storage.transcripts.forget(LOCAL_USER, mine.transcript)

    counts = await theirs.put(first)
    second = await theirs.export()

    assert contents(second) == contents(first)
    assert counts == dict.fromkeys(
        ("notes", "snippets", "dictionary", "preferences", "history", "recordings"), (1, 0, 0)
    )
    assert contents(first)["history.jsonl"].count(b"\n") == 1
    assert AUDIO in contents(first).values()


async def test_importing_twice_adds_nothing_twice(mine, theirs):
    archive = await mine.export()

    await theirs.put(archive)
    before = await theirs.export()
    again = await theirs.put(archive)

    assert {(added, refused) for added, _, refused in again.values()} == {(0, 0)}
    assert contents(await theirs.export()) == contents(before)


async def test_an_id_that_somebody_else_has_is_replaced_and_theirs_is_untouched(mine, theirs):
    before = contents(await mine.export())

    await theirs.put(await mine.export())
    await theirs.put(await mine.export())
    got = contents(await theirs.export())

    (line,) = got["history.jsonl"].splitlines()
    (recording,) = got["recordings.jsonl"].splitlines()
    assert UUID(json.loads(line)["id"]) != mine.transcript
    assert json.loads(recording)["transcript"] == json.loads(line)["id"]
    assert got["notes.jsonl"] == before["notes.jsonl"]
    assert contents(await mine.export()) == before


async def test_what_was_deleted_here_stays_deleted(mine):
    archive = await mine.export()
    await mine.items.edit(
        mine.user,
        [DeleteItem(kind=Kind.NOTE, id=mine.note, when=FieldWrite(value=None))],
        writer="laptop",
    )

    counts = await mine.put(archive)

    assert counts["notes"] == (0, 1, 0)
    assert await mine.items.get(mine.user, Kind.NOTE, mine.note) is None


async def test_a_line_that_does_not_fit_is_counted_and_the_others_come(theirs):
    note = {"id": str(uuid4()), "created_at": "2026-01-01T00:00:00Z", "fields": {}}
    whole = {
        name: {"value": value, "at": 5, "writer": "x"}
        for name, value in {"title": "т", "text": "\0", "is_pinned": False}.items()
    }
    good = note | {"id": str(uuid4()), "fields": whole | {"text": whole["title"]}}
    lines = [b"{", b"[]", b"\xff", json.dumps(note).encode()]
    lines += [json.dumps(note | {"fields": whole}).encode(), json.dumps(good).encode()]
    lines.append(b'{"id": "\\ud800", "fields": ' + b"[" * 100_000)
    archive = repacked(
        {
            "manifest.json": manifest(),
            "notes.jsonl": b"\n".join(lines),
            "history.jsonl": b'{"id": 5}\n{"id": "' + str(uuid4()).encode() + b'"}\n',
            "recordings.jsonl": b"{}\n",
            "../../etc/passwd": b"x",
        }
    )

    counts = await theirs.put(archive)

    assert counts == {"notes": (1, 0, 6), "history": (0, 0, 2), "recordings": (0, 0, 1)}


async def test_audio_that_is_not_what_was_recorded_is_refused(mine, theirs):
    entries = contents(await mine.export())
    (name,) = (name for name in entries if name.startswith("audio/"))
    entries[name] = entries[name][:-1] + b"\0"

    counts = await theirs.put(repacked(entries | {"manifest.json": manifest()}))

    assert counts["recordings"] == (0, 0, 1)
    assert counts["history"] == (1, 0, 0)
    assert contents(await theirs.export())["recordings.jsonl"] == b""


async def test_audio_is_kept_no_longer_than_this_server_keeps_it(mine, theirs):
    month = timedelta(days=30)

    await theirs.put(await mine.export(), Rules(kept=month))

    (recording,) = contents(await theirs.export())["recordings.jsonl"].splitlines()
    until = datetime.fromisoformat(json.loads(recording)["keep_audio_until"])
    assert until <= datetime.now(UTC) + month


async def test_audio_without_a_text_needs_room(mine, theirs):
    entries = contents(await mine.export()) | {"manifest.json": manifest()}
    line = json.loads(entries["recordings.jsonl"]) | {"state": "failed", "transcript": None}
    entries["recordings.jsonl"] = json.dumps(line)

    assert (await theirs.put(repacked(entries), Rules(unfinished=0)))["recordings"] == (0, 0, 1)
    assert (await theirs.put(repacked(entries), Rules(unfinished=1)))["recordings"] == (1, 0, 0)


async def test_an_import_keeps_to_the_quota_of_recordings(start_server):
    def archive(number):
        audio = bytes([number]) * 100
        entries = {"manifest.json": manifest()}
        lines = []
        for _ in range(3):
            recording = str(uuid4())
            entries[f"audio/{recording}"] = audio
            lines.append(
                {
                    "id": recording,
                    "sha256": hashlib.sha256(audio).hexdigest(),
                    "size_bytes": len(audio),
                    "encoding": "flac",
                    "sample_rate": None,
                    "language": "ru",
                    "app": None,
                    "recorded_at": "2026-01-01T00:00:00Z",
                    "state": "failed",
                    "reason": None,
                    "transcript": None,
                    "audio_samples": None,
                    "is_silent": False,
                    "keep_audio_until": None,
                    "has_audio": True,
                }
            )
        entries["recordings.jsonl"] = "\n".join(map(json.dumps, lines))
        return repacked(entries)

    async with (
        start_server(max_recordings_waiting=4) as server,
        httpx.AsyncClient(base_url=server.url, timeout=60, trust_env=False) as http,
    ):
        first = (await http.post("/v1/archive", content=archive(1))).json()
        second = (await http.post("/v1/archive", content=archive(2))).json()

    assert first["recordings"] == {"added": 3, "unchanged": 0, "refused": 0}
    assert second["recordings"] == {"added": 1, "unchanged": 0, "refused": 2}


async def test_one_person_has_one_archive_on_its_way(server):
    begun = asyncio.Event()

    async def slow():
        begun.set()
        yield b"x"
        await asyncio.Event().wait()

    async with (
        asyncio.timeout(30),
        httpx.AsyncClient(base_url=server.url, timeout=60, trust_env=False) as http,
        asyncio.TaskGroup() as tasks,
    ):
        waiting = tasks.create_task(http.post("/v1/archive", content=slow()))
        await begun.wait()
        while (answer := await http.post("/v1/archive", content=b"nothing")).status_code == 422:
            pass
        waiting.cancel()

    assert (answer.status_code, answer.json()["code"]) == (503, "library.busy")


def with_size(archive, place, number):
    """Lie in the record at the end of a zip."""
    end = archive.rfind(b"PK\x05\x06")
    return archive[: end + place] + struct.pack("<H", number) + archive[end + place + 2 :]


BOMB = b"0" * (200 * 1024 * 1024)


@pytest.mark.parametrize(
    "make",
    [
        lambda: b"",
        lambda: b"PK\x05\x06",
        lambda: os.urandom(5000),
        lambda: repacked({"a": b"b"}),
        lambda: repacked({"manifest.json": manifest(version=2)}),
        lambda: repacked({"manifest.json": manifest(format="other")}),
        lambda: repacked({"manifest.json": manifest()})[:-30],
        lambda: repacked({"manifest.json": manifest(), "notes.jsonl": b"x"})[40:],
        lambda: with_size(repacked({"manifest.json": manifest()}), 10, 65_000),
        lambda: repacked({"manifest.json": manifest()}, compression=zipfile.ZIP_LZMA),
        lambda: repacked(
            {"manifest.json": manifest(), "notes.jsonl": BOMB}, compression=zipfile.ZIP_DEFLATED
        ),
        lambda: repacked(
            {"manifest.json": manifest(), "audio/a": BOMB}, compression=zipfile.ZIP_DEFLATED
        ),
        lambda: repacked({"manifest.json": manifest(), "notes.jsonl": b" " * (5 << 20)}),
        lambda: repacked({str(n): b"" for n in range(25_001)}),
    ],
)
async def test_what_is_no_archive_or_a_bomb_is_refused(theirs, make):
    with pytest.raises(BadArchive):
        await theirs.put(make())


async def test_a_damaged_archive_never_breaks_the_server(mine, theirs):
    archive = bytearray(await mine.export())
    del archive[100_000:-2_000]
    for place in range(0, len(archive), 97):
        damaged = bytes(archive[:place]) + b"\xff" + bytes(archive[place + 1 :])
        try:
            await theirs.put(damaged)
        except BadArchive:
            continue


def test_a_spool_gives_what_was_put_in_and_holds_nothing_readable(tmp_path):
    spool = SealedSpool(tmp_path)
    content = "очень личное ".encode() * 5000
    for first in range(0, len(content), 1000):
        spool.append(content[first : first + 1000])

    spool.seek(777)
    assert spool.read(100) == content[777:877]
    spool.seek(-5, os.SEEK_END)
    assert spool.read(50) == content[-5:]
    spool._file.seek(0)
    assert b"\xd0\xbe\xd1\x87\xd0\xb5\xd0\xbd\xd1\x8c" not in spool._file.read()
    assert list(tmp_path.iterdir()) == []
    spool.close()


async def test_an_archive_goes_over_http(server):
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as http:
        note = (await http.post("/v1/notes", json={"title": "т", "text": "слова"})).json()
        got = await http.get("/v1/archive")
        put = await http.post("/v1/archive", content=got.content)
        bad = await http.post("/v1/archive", content=b"nothing")

    assert got.headers["content-type"] == "application/zip"
    assert note["id"].encode() in contents(got.content)["notes.jsonl"]
    assert put.json()["notes"] == {"added": 0, "unchanged": 1, "refused": 0}
    assert (bad.status_code, bad.json()["code"]) == (422, "library.bad_archive")

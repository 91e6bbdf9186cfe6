"""Fills a database with dictations, as the service would have stored them over three years.

Words are drawn by the frequencies they have in modern Russian texts (`shared/text_ru`), or by
Zipf's law from made-up words where those are missing. Every value is sealed with a real key and
every transcript has its blind index. Of the people who only fill the table each has so many
different dictations, which come again and again. Rows go in by one COPY without indexes,
constraints and triggers, which are made afterwards: an index that grew row by row is up to half as
large again.
"""

import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import msgspec
import numpy as np

from service.accounts.principal import LOCAL_USER
from service.library.words import plain, stems_of
from service.storage.encryption.keys import UserCipher
from service.storage.identifiers import uuid7
from service.storage.opening import Storage

YEARS: Final = 3
APPS: Final = ("Почта", "Телеграм", "Документ", "Браузер", "Терминал", "Редактор", "Календарь")
APP_SHARES: Final = (0.35, 0.3, 0.2, 0.1, 0.03, 0.019, 0.001)
_APP_STEPS: Final = np.cumsum(APP_SHARES)
MEDIAN_WORDS: Final = 25
SPREAD: Final = 0.9
"""Of the logarithm of the number of words: one in twenty is longer than 110 words."""
UTTERANCE_WORDS: Final = 12
WORD_SAMPLES: Final = 7_200
"""0.45 s: 133 words a minute, an unhurried speaker."""
_VOCABULARY: Final = 60_000
_BATCH: Final = 5_000
_REPEATED: Final = 500
"""Different dictations of each person who is not measured; making more takes hours."""
_NO_TEXT: Final = "no shared/text_ru: made-up words by Zipf's law"


@dataclass(slots=True, kw_only=True)
class Filled:
    """What is in the database."""

    vocabulary: str
    """Where the words are from."""
    documents: dict[str, int] = field(default_factory=dict)
    """Of the measured user: transcripts each stem is in."""
    phrase: str = ""
    """Two words that follow each other in one of the transcripts."""
    devices: tuple[UUID, ...] = ()
    begins: datetime
    ends: datetime


class _Vocabulary:
    def __init__(self) -> None:
        counted, self.source = _counted_words()
        self.words = [word for word, _ in counted]
        weights = np.array([count for _, count in counted], dtype=np.float64)
        self.chances = weights / weights.sum()
        self.stems = [tuple(stems_of(plain(word))) for word in self.words]


class _Person:
    """A user with the blind numbers of their words."""

    def __init__(self, cipher: UserCipher, devices: tuple[UUID, ...]) -> None:
        self.cipher = cipher
        self.devices = devices
        self._blind: dict[str, int] = {}
        self.change = 0
        self.said: list[_Dictation] = []

    def blind(self, stem: str) -> int:
        number = self._blind.get(stem)
        if number is None:
            number = self._blind[stem] = self.cipher.blind(stem)
        return number


async def fill(
    storage: Storage, *, transcripts: int, total: int, others: int, seed: int = 1
) -> Filled:
    """Fill an empty database.

    Args:
        storage: of it.
        transcripts: of the local user, who is the one measured.
        total: in the table.
        others: people who have the rest.
        seed: of everything that is drawn.
    """
    chance = np.random.default_rng(seed)
    vocabulary = _Vocabulary()
    ends = datetime.now(UTC).replace(microsecond=0)
    filled = Filled(
        vocabulary=vocabulary.source, begins=ends - timedelta(days=365 * YEARS), ends=ends
    )
    local = await _person(storage, LOCAL_USER, devices=3)
    filled.devices = local.devices
    people = [local] + [await _person(storage, uuid4(), devices=1) for _ in range(others)]
    connection = await asyncpg.connect(storage.dsn, timeout=30, command_timeout=3600)
    try:
        # What is truncated in the same transaction is written without a log of it.
        async with connection.transaction():
            await connection.execute("TRUNCATE transcripts CASCADE")
            remaking = await _bare(connection)
            rows = _rows(people, filled, vocabulary, chance, transcripts=transcripts, total=total)
            done = 0
            while batch := list(islice(rows, _BATCH)):
                await _copy(connection, batch)
                done += len(batch)
                print(f"\r{done:,} of {total:,} transcripts", end="", flush=True)
        print("\nmaking indexes", flush=True)
        await _remade(connection, remaking)
    finally:
        await connection.close(timeout=30)
    return filled


async def _person(storage: Storage, user: UUID, *, devices: int) -> _Person:
    ids = tuple(uuid4() for _ in range(devices))
    await storage.postgres.call(
        lambda connection: connection.execute(
            "INSERT INTO users (id) VALUES ($1) ON CONFLICT DO NOTHING", user
        )
    )
    for number, device in enumerate(ids):
        await storage.postgres.call(
            lambda connection, device=device, number=number: connection.execute(  # type: ignore[misc]
                "INSERT INTO devices (id, user_id, name) VALUES ($1, $2, $3)",
                device,
                user,
                f"computer {number}",
            )
        )
    return _Person(await storage.keys.of(user), ids)


def _rows(
    people: Sequence[_Person],
    filled: Filled,
    vocabulary: _Vocabulary,
    chance: np.random.Generator,
    *,
    transcripts: int,
    total: int,
) -> Iterator[tuple[tuple[Any, ...], list[tuple[Any, ...]]]]:
    """Give rows of transcripts with those of their finals, in the order of time."""
    is_local = np.zeros(total, dtype=bool)
    is_local[chance.choice(total, transcripts, replace=False)] = True
    step = (filled.ends - filled.begins) / total
    for number in range(total):
        if number % _BATCH == 0:
            drawn = _Drawn(vocabulary, chance, min(_BATCH, total - number))
        local = bool(is_local[number])
        at = filled.begins + number * step
        person = people[0] if local else people[1 + int(chance.integers(len(people) - 1))]
        if local:
            words = drawn.words(number % _BATCH)
            for stem in {stem for word in words for stem in vocabulary.stems[word]}:
                filled.documents[stem] = filled.documents.get(stem, 0) + 1
            if len(words) > 8 and number > total // 2 and not filled.phrase:
                filled.phrase = " ".join(vocabulary.words[word] for word in words[3:6])
            dictation = _dictation(person, words, vocabulary, at=at)
            transcript = dictation.id
        elif len(person.said) < _REPEATED:
            dictation = _dictation(person, drawn.words(number % _BATCH), vocabulary, at=at)
            person.said.append(dictation)
            transcript = dictation.id
        else:
            dictation = person.said[int(chance.integers(_REPEATED))]
            transcript = uuid7(int(at.timestamp() * 1000))
        yield _row(person, dictation, chance, transcript=transcript, at=at)


class _Drawn:
    """Words of a batch of transcripts, drawn at once."""

    def __init__(self, vocabulary: _Vocabulary, chance: np.random.Generator, count: int) -> None:
        lengths = np.exp(chance.normal(np.log(MEDIAN_WORDS), SPREAD, count)).astype(int)
        lengths = np.clip(lengths, 1, 1_000)
        self._ends = np.cumsum(lengths)
        self._words = chance.choice(
            len(vocabulary.words), int(self._ends[-1]), p=vocabulary.chances
        )

    def words(self, number: int) -> list[int]:
        first = int(self._ends[number - 1]) if number else 0
        drawn: list[int] = self._words[first : int(self._ends[number])].tolist()
        return drawn


_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True, kw_only=True)
class _Dictation:
    """What is the same each time it comes again, its id included that it is sealed for."""

    id: UUID
    words: int
    stems: list[int]
    finals: list[tuple[Any, ...]]
    """Rows without the id of the transcript."""


def _dictation(
    person: _Person, words: Sequence[int], vocabulary: _Vocabulary, *, at: datetime
) -> _Dictation:
    transcript = uuid7(int(at.timestamp() * 1000))
    user = person.cipher.user
    finals: list[tuple[Any, ...]] = []
    all_stems: set[int] = set()
    for utterance, first in enumerate(range(0, len(words), UTTERANCE_WORDS)):
        spoken = words[first : first + UTTERANCE_WORDS]
        begin = first * WORD_SAMPLES
        texts = [vocabulary.words[word] for word in spoken]
        raw = " ".join(texts)
        said = {
            "text": f"{raw.capitalize()}.",
            "raw": raw,
            "words": [
                {
                    "text": text,
                    "start": begin + place * WORD_SAMPLES,
                    "end": begin + (place + 1) * WORD_SAMPLES - 1_600,
                    "probability": 0.8713,
                }
                for place, text in enumerate(texts)
            ],
        }
        sealed = person.cipher.seal("finals", "sealed", f"{transcript}/{utterance}", _encode(said))
        stems = {person.blind(stem) for word in spoken for stem in vocabulary.stems[word]}
        all_stems |= stems
        end = begin + len(spoken) * WORD_SAMPLES
        finals.append((user, utterance, begin, end, "ru", sealed, len(spoken), sorted(stems)))
    return _Dictation(id=transcript, words=len(words), stems=sorted(all_stems), finals=finals)


def _row(
    person: _Person,
    said: _Dictation,
    chance: np.random.Generator,
    *,
    transcript: UUID,
    at: datetime,
) -> tuple[tuple[Any, ...], list[tuple[Any, ...]]]:
    person.change += 1
    draw = chance.random(4)
    kind = "live" if draw[0] < 0.97 else "recording" if draw[0] < 0.999 else "import"
    samples = said.words * WORD_SAMPLES
    row = (
        transcript,
        person.cipher.user,
        transcript.hex,
        "ru",
        16_000,
        "alfavoice 0.1.0",
        APPS[int(np.searchsorted(_APP_STEPS, draw[1]).clip(0, len(APPS) - 1))],
        at,
        at + timedelta(seconds=samples / 16_000),
        samples,
        person.change,
        kind,
        person.devices[int(draw[2] * len(person.devices))],
        bool(draw[3] < 0.01),
        at + timedelta(days=1) if draw[3] > 0.995 else None,
        said.words,
        said.stems,
    )
    return row, [(transcript, *final) for final in said.finals]


_TRANSCRIPT_COLUMNS: Final = [
    "id",
    "user_id",
    "session",
    "language",
    "sample_rate",
    "client",
    "app",
    "started_at",
    "finished_at",
    "audio_samples",
    "change",
    "kind",
    "device_id",
    "is_favourite",
    "deleted_at",
    "word_count",
    "found_by",
]
_FINAL_COLUMNS: Final = [
    "transcript_id",
    "user_id",
    "utterance",
    "start_sample",
    "end_sample",
    "language",
    "sealed",
    "word_count",
    "found_by",
]


_TABLES: Final = ("transcripts", "finals")


async def _copy(
    connection: "asyncpg.Connection[asyncpg.Record]",
    batch: Sequence[tuple[tuple[Any, ...], list[tuple[Any, ...]]]],
) -> None:
    await connection.copy_records_to_table(
        "transcripts", records=[row for row, _ in batch], columns=_TRANSCRIPT_COLUMNS
    )
    await connection.copy_records_to_table(
        "finals",
        records=[final for _, finals in batch for final in finals],
        columns=_FINAL_COLUMNS,
    )


async def _bare(connection: "asyncpg.Connection[asyncpg.Record]") -> list[str]:
    """Drop what COPY need not keep up; give the statements that make it again."""
    keys = await connection.fetch(
        """SELECT conname AS name, conrelid::regclass::text AS of, pg_get_constraintdef(oid) AS is
        FROM pg_constraint
        WHERE contype = 'f' AND conrelid = ANY($1::text[]::regclass[])""",
        list(_TABLES),
    )
    indexes = await connection.fetch(
        """SELECT indexname AS name, indexdef AS is FROM pg_indexes
        WHERE tablename = 'transcripts' AND indexname LIKE 'transcripts_by_%'"""
    )
    remaking = [row["is"] for row in indexes]
    for row in indexes:
        await connection.execute(f'DROP INDEX "{row["name"]}"')
    for row in keys:
        remaking.append(f"ALTER TABLE {row['of']} ADD CONSTRAINT {row['name']} {row['is']}")
        await connection.execute(f"ALTER TABLE {row['of']} DROP CONSTRAINT {row['name']}")
    for table in _TABLES:
        await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    return remaking


async def _remade(
    connection: "asyncpg.Connection[asyncpg.Record]", remaking: Sequence[str]
) -> None:
    await connection.execute("SET maintenance_work_mem = '512MB'")
    for statement in remaking:
        await connection.execute(statement)
    for table in _TABLES:
        await connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    await connection.execute(
        """INSERT INTO user_changes (user_id, last)
        SELECT user_id, max(change) FROM transcripts GROUP BY user_id
        ON CONFLICT (user_id) DO UPDATE SET last = excluded.last"""
    )
    for table in _TABLES:  # as autovacuum does sooner or later
        await connection.execute(f"VACUUM (ANALYZE) {table}")


def _counted_words() -> tuple[list[tuple[str, int]], str]:
    """Give words with how often they are said, the most frequent first."""
    here = Path(__file__).parents[2] / "shared"
    folder = Path(os.environ.get("ALFAVOICE_SHARED", here)) / "text_ru"
    files = [folder / f"{name}.txt.zst" for name in ("dialogues_cc0", "business_docs_ccby")]
    zstd = shutil.which("zstd")
    if zstd is None or not all(file.exists() for file in files):
        rank = np.arange(1, _VOCABULARY + 1)
        made_up = [f"слово{_letters(int(number))}" for number in rank]
        return list(zip(made_up, (10_000_000 / rank).astype(int).tolist(), strict=True)), _NO_TEXT
    counted: Counter[str] = Counter()
    for file in files:
        text = subprocess.run([zstd, "-dc", str(file)], capture_output=True, check=True).stdout
        counted.update(re.findall(r"[а-яё]+(?:-[а-яё]+)*", text.decode().lower()))
    return counted.most_common(_VOCABULARY), "shared/text_ru: dialogues and business documents"


def _letters(number: int) -> str:
    return "".join("бвгджзклмн"[int(digit)] for digit in str(number))

"""Transcripts made for tests, stored as a session stores them."""

from datetime import datetime
from uuid import UUID, uuid4

from service.accounts.principal import LOCAL_USER
from service.dictation.transcripts import SessionOrigin, StoredFinal, StoredWord
from service.storage.opening import Storage

RATE = 16_000


def final(text: str, *, utterance: int = 0, start_s: float = 0.0) -> StoredFinal:
    """An utterance in which each word takes half a second."""
    words, at = [], round(start_s * RATE)
    for word in text.split():
        words.append(StoredWord(text=word, start=at, end=at + RATE // 2, probability=0.9))
        at += RATE // 2
    return StoredFinal(
        utterance=utterance,
        start=round(start_s * RATE),
        end=at,
        text=text,
        raw=text.lower(),
        language="ru",
        words=tuple(words),
    )


async def tell(
    storage: Storage,
    *texts: str,
    user: UUID = LOCAL_USER,
    app: str | None = None,
    at: datetime | None = None,
    pause_s: float = 1.0,
    finished: bool = True,
) -> UUID:
    """Store a session in which these utterances were said; give its transcript."""
    store = storage.transcripts
    origin = SessionOrigin(language="ru", sample_rate=RATE, client="tests 1", app=app)
    opened = await store.open(uuid4().hex, user=user, origin=origin)
    end_s = 0.0
    for number, text in enumerate(texts):
        said = final(text, utterance=number, start_s=end_s)
        await store.add_final(user, opened.transcript, said)
        end_s = said.end / RATE + pause_s
    if finished:
        await store.finish(user, opened.transcript, audio_samples=round(end_s * RATE))
    if at is not None:
        await storage.postgres.call(
            lambda connection: connection.execute(
                "UPDATE transcripts SET started_at = $2 WHERE id = $1", opened.transcript, at
            )
        )
    return opened.transcript

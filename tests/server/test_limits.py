"""The limits of one account, over real sockets."""

import asyncpg
import pytest

from service.accounts.principal import LOCAL_USER
from service.dictation import wire
from tests.recordings.uploader import TAKE, Uploader, new_id
from tests.server.peer import peer

pytestmark = pytest.mark.postgres

SPOKEN = """
INSERT INTO transcripts (id, user_id, session, language, sample_rate, client, started_at,
    finished_at, audio_samples)
VALUES (gen_random_uuid(), $1, $2, 'ru', 16000, '', $3, $4, $5)
"""


async def test_whoever_used_up_the_minutes_of_the_day_is_told_until_when(
    start_server, database_url
):
    async with start_server(max_minutes_per_day=2) as server:
        owner = await asyncpg.connect(database_url, timeout=10)
        now = await owner.fetchval("SELECT now()")
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        # Yesterday does not count; one minute of today is stored, another is being spoken.
        yesterday = midnight.replace(year=now.year - 1)
        await owner.execute(SPOKEN, LOCAL_USER, "session-0", yesterday, now, 10**9)
        await owner.execute(SPOKEN, LOCAL_USER, "session-1", now, now, 60 * 16_000)
        async with peer(server.url) as speaker:
            await speaker.start(session="session-2")
            await owner.execute(
                "INSERT INTO finals SELECT id, user_id, 0, 0, $1, 'ru', '', 0, '{}' "
                "FROM transcripts WHERE session = 'session-2'",
                60 * 16_000,
            )
            async with peer(server.url) as refused:
                await refused.send(wire.Start(language="ru"))
                assert await refused.closed() == wire.CloseCode.TOO_MANY_SESSIONS
            (error,) = refused.of(wire.ErrorMessage)
            async with Uploader(server.url) as client:
                answer = await client.announce(new_id(), TAKE)
        assert (answer.status_code, answer.json()["code"]) == (429, "session.quota")
        assert int(answer.headers["retry-after"]) > 0
        # Who speaks already, or comes back to it, goes on.
        async with peer(server.url) as again:
            assert (await again.start(session="session-2")).session == "session-2"
        await owner.close(timeout=10)

    assert (error.code, error.retryable) == ("session.quota", True)
    assert 0 < error.retry_after_ms <= 24 * 3600 * 1000

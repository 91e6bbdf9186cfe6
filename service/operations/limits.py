"""What one person may take of a server that others use as well.

Off by default is the limit on minutes; the one on sessions is far above what somebody does by
hand. Both hold for people who sign in: of a server without logins everybody is the same person.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

from service.accounts.principal import LOCAL_USER
from service.dictation.wire import CloseCode
from service.problems import Refused

RETRY_WHEN_TOO_MANY_MS: Final = 5_000


class Usage(Protocol):
    """Knows how much somebody has dictated."""

    async def audio_s(self, user: UUID, since: datetime) -> float:
        """Give the seconds of speech stored for a user since then, of live sessions too.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        ...


class PersonLimits:
    """The limits of each person."""

    def __init__(
        self,
        *,
        max_sessions: int,
        max_minutes_per_day: int,
        usage: Usage,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Take the limits.

        Args:
            max_sessions: connected at once to this process.
            max_minutes_per_day: of audio in a day of UTC; 0: any.
            usage: counts them.
            now: aware time.
        """
        self._max_sessions = max_sessions
        self._max_minutes = max_minutes_per_day
        self._usage = usage
        self._now = now

    def admit(self, user: UUID, *, sessions: int) -> None:
        """Let one more session of a user in.

        Args:
            user: whose.
            sessions: of this user, connected now.

        Raises:
            Refused: `session.too_many`, with a retry time.
        """
        if user != LOCAL_USER and sessions >= self._max_sessions:
            raise Refused(
                "session.too_many",
                f"{self._max_sessions} sessions of this account are in use: finish one first",
                close_code=CloseCode.TOO_MANY_SESSIONS,
                retry_after_ms=RETRY_WHEN_TOO_MANY_MS,
            )

    async def check_day(self, user: UUID) -> None:
        """Make sure that a user has minutes left today. Who is speaking when they end goes on.

        Raises:
            Refused: `session.quota`, until the next day of UTC.
            StoreUnavailable: the database does not answer.
        """
        if not self._max_minutes:
            return
        now = self._now().astimezone(UTC)
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        if await self._usage.audio_s(user, today) < 60 * self._max_minutes:
            return
        left = today + timedelta(days=1) - now
        raise Refused(
            "session.quota",
            f"the {self._max_minutes} minutes of today are used up: they are counted anew at "
            "midnight UTC",
            close_code=CloseCode.TOO_MANY_SESSIONS,
            retry_after_ms=max(1, -(-left // timedelta(milliseconds=1))),
        )

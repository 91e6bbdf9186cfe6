"""All sessions of this process: opened, resumed, taken over, expired, drained."""

import asyncio
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Final
from uuid import UUID

import structlog

from service.accounts.principal import LOCAL_USER, Principal
from service.dictation.audio import IncomingAudio
from service.dictation.detection import SileroDetector, SileroModel
from service.dictation.live import LiveSession, Surroundings
from service.dictation.options import DictationOptions, Manner
from service.dictation.outgoing import Outgoing
from service.dictation.personal import UNKNOWN, WISHES_PATIENCE_S, Personal, PersonalWishes
from service.dictation.session import Session
from service.dictation.storing import Recorder
from service.dictation.tracing import Traced, Untraced
from service.dictation.transcripts import SessionOrigin, TranscriptStore, WentOnElsewhere
from service.dictation.translation import broken_off_message
from service.dictation.turns import Turnstile
from service.dictation.utterances import Speaker
from service.dictation.wire import CloseCode, ErrorMessage, Limits, Start
from service.operations.admission import Admission, partial_slowdown
from service.operations.limits import PersonLimits
from service.operations.metrics import DictationMetrics
from service.problems import ProtocolError, Refused
from workers.contract.queue import TranscriptionQueue
from workers.contract.texts import TextFinisher

log = structlog.get_logger()

HEARTBEAT_S: Final = 5.0
LOAD_CHECK_S: Final = 0.5
DRAIN_CHECK_S: Final = 0.05
GONE_TIMEOUT_S: Final = 3.0
"""How long a session that ends may hold up whoever opens it again."""
LOCKS: Final = 64
AS_SET: Final = Manner()


@dataclass(slots=True, kw_only=True)
class _Held:
    live: LiveSession
    user: UUID
    principal: Principal
    """Who opened the socket attached now."""
    ends_when_draining: bool
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    how: str | None = None
    """How it ended, where that is not to be seen from the session."""


class Sessions:
    """The sessions alive in this process; `run` owns their tasks."""

    def __init__(  # noqa: PLR0913 - the parts it puts together
        self,
        *,
        options: DictationOptions,
        admission: Admission,
        people: PersonLimits,
        queue: TranscriptionQueue,
        store: TranscriptStore,
        wishes: PersonalWishes,
        texts: TextFinisher,
        model: SileroModel,
        metrics: DictationMetrics,
        clock: Callable[[], float],
        traced: Traced = Untraced,
    ) -> None:
        self._options = options
        self._admission = admission
        self._people = people
        self._queue = queue
        self._store = store
        self._wishes = wishes
        self._texts = texts
        self._model = model
        self._metrics = metrics
        self._clock = clock
        self._held: dict[str, _Held] = {}
        self.turnstile = Turnstile()
        """For whatever hundreds of sockets may want at once."""
        self._surroundings = Surroundings(
            queue=queue, metrics=metrics, turnstile=self.turnstile, clock=clock, traced=traced
        )
        self._opening = [asyncio.Lock() for _ in range(LOCKS)]  # by hash of the session's id
        self._tasks: asyncio.TaskGroup | None = None
        self._draining = False
        self._hurried = False
        self._beginning: Counter[UUID] = Counter()  # sessions not held yet, by user

    @property
    def is_draining(self) -> bool:
        """Whether nobody is let in any more."""
        return self._draining

    async def run(self) -> None:
        """Keep the sessions until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            tasks.create_task(self._tend())
            tasks.create_task(self._beat())

    async def open(
        self,
        start: Start,
        *,
        principal: Principal,
        outgoing: Outgoing,
        limits: Limits,
        manner: Manner = AS_SET,
    ) -> tuple[LiveSession, int]:
        """Open a session or take one up again, and attach the socket to it.

        Returns:
            The session, and the position from which the client is to send.

        Raises:
            Refused: no room, or the session belongs to somebody else.
            ProtocolError: the audio format is unknown, or differs from the session's.
            StoreUnavailable: the database does not answer.
        """
        await self.turnstile.turn()
        session = start.session or str(uuid.uuid4())
        # Two sockets may ask for one session at once; only one of them may begin it.
        async with self._opening[hash(session) % LOCKS]:
            held = self._held.get(session)
            how = "resumed"
            if held and held.user == principal.user and held.live.is_behind(start.resume_from):
                held.how = "elsewhere"
                held.live.ended.set()
            if held is None or held.live.ended.is_set() or held.live.is_flushing:
                if held:
                    await _gone(held)
                held, how = await self._begin(session, start, principal, manner)
            if held.user != principal.user:
                raise Refused(
                    "session.forbidden",
                    "this session belongs to somebody else",
                    close_code=CloseCode.FORBIDDEN,
                )
            if held.live.audio.format != start.audio:
                raise ProtocolError(
                    "session.format_changed", "a session keeps its audio format when resumed"
                )
            held.principal = principal
            live = held.live
            live.attach(outgoing, resume_from=start.resume_from, limits=limits)
            self._metrics.started.labels(how).inc()
            return live, live.audio.received

    async def cancel(self, live: LiveSession) -> None:
        """Forget a session and everything of it that is stored.

        Raises:
            StoreUnavailable: it may still be stored.
        """
        async with self._opening[hash(live.id) % LOCKS]:  # nobody may restore it meanwhile
            held = self._held.get(live.id)
            if held:
                held.how = "cancelled"
            live.ended.set()
            if held:
                await _gone(held)
            await live.forget()

    def connected(self) -> list[Principal]:
        """Give whose sockets are open."""
        return list({held.principal for held in self._with_sockets()})

    def close_sockets(self, is_lost: Callable[[Principal], bool]) -> None:
        """Close the sockets of those who may not use them any more, at once; sessions stay.

        Args:
            is_lost: says so of a principal.
        """
        error = ErrorMessage(
            code="auth.revoked",
            message="this sign-in or key was ended: sign in again and resume the session",
            retryable=False,
        )
        for held in self._with_sockets():
            if is_lost(held.principal):
                held.live.close(CloseCode.UNAUTHORISED, error)

    def _with_sockets(self) -> list[_Held]:
        return [held for held in self._held.values() if held.live.detached_at is None]

    def hurry(self) -> None:
        """End a drain now: clients have what is not stored, and resume."""
        self._hurried = True

    async def drain(self, timeout_s: float) -> None:
        """Let nobody in, and close every socket (1001) once its session has nothing under way.

        Clients that are still speaking resume elsewhere from the last stored sample; what was said
        by those who cannot is finished here.
        """
        self._draining = True
        for held in self._held.values():
            if held.ends_when_draining and held.live.audio.received:
                held.live.take_finish(None)
        end = self._clock() + timeout_s
        error = ErrorMessage(
            code="server.draining",
            message="the server is restarting; resume the session",
            retryable=True,
            retry_after_ms=2_000,
        )
        while busy := list(self._held.values()):
            late = self._hurried or self._clock() >= end
            for held in list(busy):
                if late or (held.live.is_settled and not held.live.is_finishing):
                    held.live.close(CloseCode.DRAINING, error)
                    busy.remove(held)
            if not busy:
                break
            await asyncio.sleep(DRAIN_CHECK_S)
        log.info("sessions_drained", left_open=len(self._held))

    async def _begin(
        self, session: str, start: Start, principal: Principal, manner: Manner
    ) -> tuple[_Held, str]:
        audio = IncomingAudio(start.audio)  # refuses an unknown format before anything is stored
        origin = SessionOrigin(
            language=start.language,
            sample_rate=start.audio.sample_rate,
            client=f"{start.client.name} {start.client.version}".strip(),
            app=start.context.app,
            device=principal.device,
        )
        user, language = principal.user, None if start.language == "auto" else start.language
        assert self._tasks  # noqa: S101 - sockets are only served while `run` runs
        self._beginning[user] += 1
        try:
            await self._admit(user, is_file=manner.is_file)
            # Not cut off when it takes long: that would cost the pool a connection.
            wishes = self._tasks.create_task(
                self._wishes.of(user, language=language, app=start.context.app)
            )
            opened = await self._store.open(session, user=user, origin=origin)
            await asyncio.wait((wishes,), timeout=WISHES_PATIENCE_S)
        finally:
            self._beginning -= Counter({user: 1})  # drops who has none
        stored_until = opened.finals[-1].end if opened.finals else 0
        if opened.finished:
            stored_until = max(stored_until, opened.audio_samples)
        # What lies between was silence: the client could only forget it because it was settled.
        first = max(stored_until, audio.inner_position(start.resume_from or 0))
        received = max(audio.wire_position(first), start.resume_from or 0)
        audio = IncomingAudio(start.audio, first_sample=received)
        live = LiveSession(
            id=session,
            session=Session(
                Speaker(
                    session=session,
                    # Of a server without logins, sessions take turns, not people.
                    user=session if user == LOCAL_USER else str(user),
                    language=language,
                    wants_words=start.words,
                ),
                policy=self._options.policy(manner, partials=start.partials),
                detector=SileroDetector(self._model),
                first_sample=first,
                first_utterance=len(opened.finals),
            ),
            audio=audio,
            recorder=Recorder(self._store, opened, user=user, texts=self._texts),
            surroundings=self._surroundings,
        )

        def know(reading: asyncio.Task[Personal]) -> None:
            if not reading.cancelled():
                live.know(manner.profile(reading.result(), start.context.terms))

        live.know(manner.profile(UNKNOWN, start.context.terms))
        if wishes.done():
            know(wishes)
        else:  # what comes late holds from then on
            wishes.add_done_callback(know)
        held = _Held(
            live=live,
            user=user,
            principal=principal,
            ends_when_draining=manner.ends_when_draining,
        )
        self._held[session] = held
        self._tasks.create_task(self._keep(held))
        if opened.finished:
            live.restore_finished()
        return held, "restored" if opened.finals or opened.finished else "new"

    async def _admit(self, user: UUID, *, is_file: bool) -> None:
        """Let one more session of a user in, which is counted as beginning already."""
        try:
            own = sum(held.user == user for held in self._with_sockets())
            self._people.admit(user, sessions=own + self._beginning[user] - 1)
            await self._people.check_day(user)
            sessions = len(self._held) + self._beginning.total() - 1
            full = sessions >= self._admission.max_sessions
            spare = self._longest_away() if full else None
            self._admission.admit(
                sessions=sessions - (spare is not None),
                load=self._queue.load(),
                draining=self._draining,
                is_file=is_file,
            )
        except Refused as exc:
            self._metrics.refused.labels(exc.code).inc()
            raise
        if spare:  # only now: nobody is let go of for somebody who is refused all the same
            log.info("session_let_go", session=spare.id)
            spare.ended.set()

    def _longest_away(self) -> LiveSession | None:
        """Give the session that waits longest for a socket: its client has what is not stored."""
        away = [
            (held.live.detached_at, held.live)
            for held in self._held.values()
            if held.live.detached_at is not None
            and not held.live.is_finishing
            and not held.live.ended.is_set()
        ]
        return min(away, key=itemgetter(0))[1] if away else None

    async def _keep(self, held: _Held) -> None:
        """Run one session; one that breaks must not take the others down."""
        live = held.live
        self._metrics.sessions.inc()
        try:
            await live.run()
        except* WentOnElsewhere:
            held.how = "elsewhere"
        except* Exception:
            log.exception("session_failed", session=live.id)
            held.how = "failed"
        finally:
            if held.how in ("elsewhere", "failed"):
                live.ended.set()
                live.close(CloseCode.INTERNAL, broken_off_message())
            how = held.how or self._how_ended(live)
            self._metrics.sessions.dec()
            self._metrics.ended.labels(how).inc()
            log.info("session_ended", session=live.id, how=how)
            del self._held[live.id]
            held.gone.set()

    def _how_ended(self, live: LiveSession) -> str:
        if live.is_finishing:
            return "finished"
        if live.is_flushing:  # nobody came back in time
            return "expired"
        return "drained" if self._draining else "let_go"

    async def _tend(self) -> None:
        """Flush sessions nobody came back to, and pass the load on to the others."""
        while True:
            await asyncio.sleep(LOAD_CHECK_S)
            now = self._clock()
            slowdown = partial_slowdown(self._queue.load())
            for held in list(self._held.values()):
                held.live.slow_partials(slowdown)
                away = held.live.detached_at
                if away is not None and now - away > self._options.resume_s:
                    held.live.flush()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            for held in list(self._held.values()):
                held.live.heartbeat()


async def _gone(held: _Held) -> None:
    """Wait until a session that ends or is flushed is gone.

    Raises:
        Refused: `session.busy`, it takes longer than a client should wait for an answer.
    """
    try:
        async with asyncio.timeout(GONE_TIMEOUT_S):
            await held.gone.wait()
    except TimeoutError:
        raise Refused(
            "session.busy",
            "what was said before is still being stored; resume the session a little later",
            close_code=CloseCode.OVERLOADED,
            retry_after_ms=2_000,
        ) from None

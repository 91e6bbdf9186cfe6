"""The one place that knows where recognising is done: on this machine, or by workers over NATS."""

import asyncio
import shlex
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeAlias

from prometheus_client import CollectorRegistry

from models.errors import ModelError
from models.installation import InstalledModel
from models.registry import ModelRegistry
from service.problems import SetUpError
from service.settings import Settings
from workers.contract.texts import TextFinisher
from workers.contract.traces import Traces
from workers.local import LocalWorkers, WorkerOptions, local_texts, local_workers
from workers.tracing import open_traces

if TYPE_CHECKING:
    from workers.queues.nats.access import NatsAccess
    from workers.remote import RemoteWorkers

Recognisers: TypeAlias = "LocalWorkers | RemoteWorkers"
"""What a service has behind its queue."""


@asynccontextmanager
async def tracing(
    settings: Settings, *, role: str = "service", clock: Callable[[], float] = time.monotonic
) -> AsyncIterator[Traces | None]:
    """Tell the collector of the settings, if there is one, of what happens while the block runs."""
    async with open_traces(settings.traces_url, role=role, clock=clock) as traces:
        yield traces


@asynccontextmanager
async def recogniser(
    settings: Settings, registry: CollectorRegistry, traces: Traces | None = None
) -> AsyncIterator[Recognisers]:
    """Start the recogniser of the settings; it loads and warms up while others go on.

    With `queue` nats none is started here: workers are listened for, and they tell of themselves.

    Raises:
        SetUpError: no model is installed, or the engine cannot run here.
        QueueUnreachable: NATS cannot be reached; says what to do.
    """
    if settings.queue == "nats":
        from workers.remote import remote_workers  # noqa: PLC0415 - who has one machine needs no NATS

        async with remote_workers(
            _access(settings),
            metrics_registry=registry,
            beam=settings.beam,
            batch_limit=settings.batch_limit,
        ) as remote:
            yield remote
        return
    async with local_workers(
        _options(settings), metrics_registry=registry, traces=traces
    ) as workers:
        yield workers


async def worker(
    settings: Settings, *, stop: asyncio.Event, hurry: asyncio.Event, announce: Callable[[], None]
) -> None:
    """Be a worker for the services at NATS, until `stop` is set; see `serve_worker`.

    Raises:
        SetUpError: no model is installed, or the engine cannot run here.
        QueueUnreachable: NATS cannot be reached; says what to do.
    """
    from workers.serving import serve_worker  # noqa: PLC0415 - the same

    options, access = _options(settings), _access(settings)
    async with tracing(settings, role="worker") as traces:
        await serve_worker(
            options,
            access,
            stop=stop,
            hurry=hurry,
            announce=announce,
            traces=traces,
            metrics=settings.worker_metrics,
        )


def _options(settings: Settings) -> WorkerOptions:
    model = _model(settings) if settings.engine == "whisper" else None
    return WorkerOptions(
        engine=settings.engine,
        model_dir=model.path if model else None,
        model=model.name if model else None,
        devices=(settings.device,),
        compute_type=settings.compute_type,
        lanes=settings.lanes,
        beam=settings.beam,
        batch_limit=settings.batch_limit,
        script=settings.script,
        punctuation=settings.punctuation,
    )


def _access(settings: Settings) -> "NatsAccess":
    from workers.queues.nats.access import NatsAccess  # noqa: PLC0415 - the same

    password = settings.nats_password
    return NatsAccess(
        urls=tuple(url.strip() for url in settings.nats_url.split(",")),
        user=settings.nats_user,
        password=password.get_secret_value() if password else None,
        credentials=settings.nats_credentials,
        nkey=settings.nats_nkey,
        ca=settings.nats_ca,
        certificate=settings.nats_certificate,
        key=settings.nats_key,
    )


@asynccontextmanager
async def text_finisher(settings: Settings) -> AsyncIterator[TextFinisher]:
    """Run the text pipeline alone in this process: no recogniser, no database."""
    async with local_texts(settings.punctuation) as texts:
        yield texts


def _model(settings: Settings) -> InstalledModel:
    models = ModelRegistry(settings.data_dir / "models")
    try:
        model = models.installed(settings.model) if settings.model else models.active()
        if model:
            model.check_presence()
    except ModelError as exc:
        raise SetUpError(exc.code, str(exc), **exc.details) from exc
    if model is None:
        name = settings.model or "base"
        # Elsewhere than usual, the command alone would bring it where nobody looks for it.
        is_usual = settings.data_dir == Settings.model_fields["data_dir"].get_default(
            call_default_factory=True
        )
        where = "" if is_usual else f" --data-dir {shlex.quote(str(settings.data_dir))}"
        raise SetUpError(
            "setup.no_model",
            f"the speech model {name} is not installed; run `alfavoice models pull {name}{where}`",
            name=name,
            where=where,
        )
    return model

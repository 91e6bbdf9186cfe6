"""The one place where the service starts recognisers of its own, on this machine."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry

from models.errors import ModelError
from models.installation import InstalledModel
from models.registry import ModelRegistry
from service.problems import SetUpError
from service.settings import Settings
from workers.contract.texts import TextFinisher
from workers.local import LocalWorkers, WorkerOptions, local_texts, local_workers


@asynccontextmanager
async def recogniser(
    settings: Settings, registry: CollectorRegistry
) -> AsyncIterator[LocalWorkers]:
    """Start the recogniser of the settings; it loads and warms up while others go on.

    Raises:
        SetUpError: no model is installed, or the engine cannot run here.
    """
    model = _model(settings) if settings.engine == "whisper" else None
    options = WorkerOptions(
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
    async with local_workers(options, metrics_registry=registry) as workers:
        yield workers


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
        raise SetUpError(
            "setup.no_model",
            f"the speech model {name} is not installed; run `alfavoice models pull {name}`",
            name=name,
        )
    return model

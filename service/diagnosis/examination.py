"""All checks, in the order in which a person would put things right."""

from service.diagnosis.finding import Finding
from service.diagnosis.installation import (
    check_database,
    check_folder,
    check_model,
    check_port,
    check_punctuation,
)
from service.diagnosis.machine import (
    check_clock,
    check_gpu,
    check_microphone,
    check_processor,
    check_python,
)
from service.diagnosis.polishing import check_polishing
from service.diagnosis.workers import check_workers
from service.settings import Settings


def examine(settings: Settings, *, deep: bool) -> list[Finding]:
    """Run every check.

    Args:
        settings: those the server would run with.
        deep: also load the model and start the embedded database (some seconds).
    """
    return [
        check_python(),
        check_processor(),
        check_gpu(settings),
        check_folder(settings),
        *_recognition(settings, deep=deep),
        check_database(settings, deep=deep),
        check_port(settings),
        check_microphone(),
        check_polishing(settings),
        check_clock(),
    ]


def _recognition(settings: Settings, *, deep: bool) -> list[Finding]:
    """Look at who recognises: this machine, or those that are heard over NATS."""
    if settings.queue == "nats":
        return [check_workers(settings)]
    return [check_model(settings, deep=deep), check_punctuation(settings)]

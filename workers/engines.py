"""The one place where an engine is chosen and loaded.

Runs in the engine process; the service imports only `EngineOptions` and `planner_for` from here,
and nothing in this module's head imports a recogniser.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from workers.contract.engine import Engine, Planner
from workers.contract.errors import EngineUnusable

EngineName = Literal["whisper", "scripted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """What one engine process is to load. Every `auto` has been decided."""

    engine: EngineName
    device: str
    """`cpu` or `cuda:0`, `cuda:1`, …"""
    compute_type: str = "int8"
    """CTranslate2's name."""
    lanes: int = 1
    """Batches at once, 1 or more."""
    beam: int = 1
    """Beam width of finals, 1 or more."""
    model_dir: Path | None = None
    """Folder with model.bin; needed by `whisper`."""
    model: str | None = None
    """What people call the model; None: as its folder."""
    script: Path | None = None
    """Script of the `scripted` engine; None: it derives its text from the audio."""


def planner_for(*, beam: int) -> Planner:
    """Give the planner of first passes; the same one for every engine."""
    from workers.recognition.lengths import first_plan  # noqa: PLC0415 - keeps contract users light

    return partial(first_plan, beam=beam)


def load(options: EngineOptions) -> Engine:
    """Load an engine and run it once on every lane. Takes seconds; blocks.

    Raises:
        EngineUnusable: it cannot be loaded here, and trying again will not help.
    """
    if options.engine == "scripted":
        from workers.recognition.scripted import ScriptedEngine  # noqa: PLC0415 - chosen late

        return ScriptedEngine.load(options.script, lanes=options.lanes)
    return _load_whisper(options)


def _load_whisper(options: EngineOptions) -> Engine:
    if options.device == "cpu":
        from workers.recognition.cpu import prepare_cpu  # noqa: PLC0415 - chosen late

        prepare_cpu()
    import ctranslate2  # noqa: PLC0415 - only the engine process pays for it

    from workers.recognition.whisper import WhisperEngine  # noqa: PLC0415 - the same

    if options.model_dir is None or not (options.model_dir / "model.bin").is_file():
        raise EngineUnusable(
            "engine.model_missing",
            "the model's files are not there; install one with `alfavoice models pull`",
        )
    kind, _, index = options.device.partition(":")
    if kind == "cuda" and int(index or 0) >= ctranslate2.get_cuda_device_count():
        raise EngineUnusable(
            "engine.device_missing",
            f"there is no device {options.device}; use another one or the CPU",
            device=options.device,
        )
    supported = ctranslate2.get_supported_compute_types(kind, int(index or 0))
    if options.compute_type not in supported:
        raise EngineUnusable(
            "engine.compute_type_unsupported",
            f"{options.device} cannot compute in {options.compute_type}; "
            f"it can in {', '.join(sorted(supported))}",
            device=options.device,
            asked=options.compute_type,
            known=", ".join(sorted(supported)),
        )
    try:
        return WhisperEngine.load(
            options.model_dir,
            device=options.device,
            compute_type=options.compute_type,
            lanes=options.lanes,
            beam=options.beam,
            name=options.model,
        )
    except MemoryError:
        raise
    except (OSError, RuntimeError, ValueError) as exc:
        if "out of memory" in str(exc):  # another process may leave; worth another try
            raise
        raise EngineUnusable(
            "engine.load_failed",
            "the model cannot be loaded on this device; check it with `alfavoice models verify`",
        ) from exc

"""Checks of the machine: Python, processor, GPU, clock, microphone."""

import os
import platform
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import ctranslate2

from service.client.microphone import MicrophoneMissing, find_microphone
from service.diagnosis.finding import Finding, fail, ok, warn
from service.settings import Settings

_OLDEST_YEAR: Final = 2026
"""This program did not exist before."""
_NVIDIA_DRIVER: Final = Path("/proc/driver/nvidia/version")


def check_python() -> Finding:
    """Name the interpreter; packages refuse to install on one that is too old."""
    return ok("python", "doctor.python", version=platform.python_version(), path=sys.executable)


def check_processor() -> Finding:
    """See that the processor has what fast int8 arithmetic needs."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    types = ctranslate2.get_supported_compute_types("cpu")
    if not any(name.startswith("int8") for name in types):
        return warn("processor", "doctor.processor_slow", cores=cores)
    if platform.machine().lower() in ("x86_64", "amd64") and not _has_avx2():
        return warn("processor", "doctor.processor_slow", cores=cores)
    return ok("processor", "doctor.processor", cores=cores)


def _has_avx2() -> bool:
    try:
        return " avx2" in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return True  # not Linux: nothing says otherwise


def check_gpu(settings: Settings) -> Finding:
    """See whether CTranslate2 reaches a GPU, and whether it should."""
    count = ctranslate2.get_cuda_device_count()
    if count and settings.device != "cpu":
        return ok("gpu", "doctor.gpu", count=count)
    if settings.device == "cuda":
        return fail("gpu", "doctor.gpu_missing")
    has_driver = _NVIDIA_DRIVER.exists() or shutil.which("nvidia-smi") is not None
    if has_driver and not count:
        return warn("gpu", "doctor.gpu_unreachable")
    return ok("gpu", "doctor.gpu_none")


def check_clock() -> Finding:
    """See that the clock is not at a default: tokens and certificates would fail."""
    now = datetime.now(UTC).astimezone()
    if now.year < _OLDEST_YEAR:
        return warn("clock", "doctor.clock_wrong", now=f"{now:%Y-%m-%d %H:%M %Z}")
    return ok("clock", "doctor.clock", now=f"{now:%Y-%m-%d %H:%M %Z}")


def check_microphone() -> Finding:
    """See whether `alfavoice dictate` has something to record with; a server needs none."""
    try:
        device = find_microphone()
    except MicrophoneMissing as exc:
        keys = {
            "microphone.not_installed": "doctor.microphone_not_installed",
            "microphone.no_portaudio": "doctor.microphone_no_portaudio",
        }
        return warn("microphone", keys.get(exc.code, "doctor.microphone_missing"))
    return ok("microphone", "doctor.microphone", name=device.name)

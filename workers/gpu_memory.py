"""Memory of NVIDIA's GPUs, asked of the driver's own library (NVML) where there is one.

Structures and functions are those of nvml.h of the driver (NVML API Reference, "Device Queries"). The
library comes with every driver, so nothing is installed for it.
"""

import ctypes
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from prometheus_client.core import GaugeMetricFamily, Metric

_LIBRARY: Final = "libnvidia-ml.so.1"


class _Memory(ctypes.Structure):
    _fields_ = (
        ("total", ctypes.c_ulonglong),
        ("free", ctypes.c_ulonglong),
        ("used", ctypes.c_ulonglong),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuMemory:
    """Of one GPU, in bytes; all programs on it count."""

    gpu: int
    total_bytes: int
    used_bytes: int


def find_gpus() -> Callable[[], list[GpuMemory]] | None:
    """Give what asks for the memory of all GPUs; None: there is no driver, or it fails."""
    try:
        nvml = ctypes.CDLL(_LIBRARY)
        if nvml.nvmlInit_v2() != 0:
            return None
    except (OSError, AttributeError):
        return None
    return lambda: list(_ask(nvml))


def _ask(nvml: ctypes.CDLL) -> Iterable[GpuMemory]:
    count = ctypes.c_uint()
    if nvml.nvmlDeviceGetCount_v2(ctypes.byref(count)) != 0:
        return
    for number in range(count.value):
        device, memory = ctypes.c_void_p(), _Memory()
        if nvml.nvmlDeviceGetHandleByIndex_v2(number, ctypes.byref(device)) != 0:
            continue
        if nvml.nvmlDeviceGetMemoryInfo(device, ctypes.byref(memory)) == 0:
            yield GpuMemory(gpu=number, total_bytes=memory.total, used_bytes=memory.used)


class GpuMemoryCollector:
    """The memory of the GPUs as Prometheus metrics, asked whenever they are collected."""

    def __init__(self, ask: Callable[[], list[GpuMemory]]) -> None:
        self._ask = ask

    def describe(self) -> Iterable[Metric]:
        """Name the metrics without asking for them."""
        return self._families()

    def collect(self) -> Iterable[Metric]:
        """Give the memory of each GPU."""
        total, used = self._families()
        for each in self._ask():
            total.add_metric([str(each.gpu)], each.total_bytes)
            used.add_metric([str(each.gpu)], each.used_bytes)
        return (total, used)

    def _families(self) -> tuple[GaugeMetricFamily, GaugeMetricFamily]:
        return (
            GaugeMetricFamily(
                "alfavoice_worker_gpu_memory_bytes", "Memory of a GPU.", labels=["gpu"]
            ),
            GaugeMetricFamily(
                "alfavoice_worker_gpu_memory_used_bytes",
                "Of this in use, by all programs.",
                labels=["gpu"],
            ),
        )

"""Which devices and how many lanes `auto` stands for on this machine."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Final

PROBE_S: Final = 60.0
"""Longest time the probe for CUDA devices may take; loading the driver takes seconds at first."""

_COUNT_CUDA: Final = "import ctranslate2; print(ctranslate2.get_cuda_device_count())"


async def resolve_devices(wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Replace `auto` and `cuda` by the devices there are: every GPU, or else the CPU.

    GPUs are counted by a short process of its own, because the CUDA driver, once loaded, stays in
    the process that asked.
    """
    if not {"auto", "cuda"} & set(wanted):
        return wanted
    gpus = tuple(f"cuda:{index}" for index in range(await _count_gpus(wanted)))
    devices: list[str] = []
    for device in wanted:
        if device == "auto":
            devices += gpus or ("cpu",)
        elif device == "cuda":
            devices += gpus or ("cuda:0",)  # the engine says that it is not there
        else:
            devices.append(device)
    return tuple(dict.fromkeys(devices))


def _gpu_is_likely() -> bool:
    """Whether the kernel shows an NVIDIA device, so that asking the driver is worth a second."""
    return Path("/dev/nvidia0").exists() or Path("/dev/dxg").exists()  # dxg: WSL 2


async def _count_gpus(wanted: tuple[str, ...]) -> int:
    if "cuda" not in wanted and not _gpu_is_likely():
        return 0
    probe = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-c",
        _COUNT_CUDA,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(PROBE_S):
            output, _ = await probe.communicate()
    except TimeoutError:
        probe.kill()
        await probe.wait()
        return 0
    return int(output) if output.strip().isdigit() else 0


def lanes_of(device: str, wanted: int) -> int:
    """Lanes of one device: as wanted, or for 0 one per core on the CPU and one per GPU."""
    if wanted:
        return wanted
    return 1 if device.startswith("cuda") else usable_cores()


def usable_cores() -> int:
    """Count the cores this process may use, a container's quota included; at least 1."""
    cores = os.cpu_count() or 1
    if sys.platform == "linux":
        cores = len(os.sched_getaffinity(0))
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        cores = min(cores, max(1, int(quota) // int(period)))
    except (OSError, ValueError):  # no quota, written "max", or no cgroups
        pass
    return max(1, cores)


def compute_type_of(device: str, wanted: str) -> str:
    """Compute type of one device: as wanted, or for `auto` int8 on the CPU and float16 on a GPU."""
    if wanted != "auto":
        return wanted
    return "float16" if device.startswith("cuda") else "int8"


def parse_device(device: str) -> tuple[str, int]:
    """Split "cpu", "cuda" or "cuda:N" into a kind and an index.

    Raises:
        ValueError: it is none of these.
    """
    kind, _, index = device.partition(":")
    if kind not in {"cpu", "cuda"} or (index and (kind == "cpu" or not index.isdecimal())):
        raise ValueError(f'the device is "cpu", "cuda" or "cuda:N", not {device!r}')
    return kind, int(index or 0)

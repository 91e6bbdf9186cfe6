"""What CTranslate2 and its threads read from the environment when they are first imported."""

import os
from pathlib import Path
from typing import Final

_AVX512: Final = frozenset({"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"})


def prepare_cpu() -> None:
    """Set it, before CTranslate2 is imported; never override what the operator set.

    Threads of the wide encoder sleep when it is done: spinning, they would take the core of the lane
    that begins next. AVX-512 is used where the CPU has it; by itself CTranslate2 picks AVX2 on AMD,
    which costs 5-9 % (performance notes, section 2).
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return
    flags = next((line for line in lines if line.startswith("flags")), "")
    if set(flags.split()) >= _AVX512:
        os.environ.setdefault("CT2_FORCE_CPU_ISA", "AVX512")

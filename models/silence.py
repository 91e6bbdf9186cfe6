"""Libraries that report to their makers are told not to: nothing here goes to a third party.

Called where the packages `service` and `workers` begin, before any such library is imported. What an
operator has set stays.
"""

import os
from typing import Final

_QUIET: Final = {
    "ORT_DISABLE_TELEMETRY": "1",  # ONNX Runtime 1.31 sends usage to Microsoft, also on Linux
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
}


def silence_libraries() -> None:
    """Set what keeps them quiet."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)

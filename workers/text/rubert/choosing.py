"""The one place where a punctuation model is chosen and loaded."""

from pathlib import Path
from typing import Final

from workers.text.rubert.encoder import load_exported, shipped_model
from workers.text.rubert.exported import LABELS_FILE
from workers.text.rubert.labelling import PunctuationModel

SHIPPED: Final = "auto"
NONE: Final = "off"


def load_punctuator(choice: str, *, calls_at_once: int = 1) -> PunctuationModel | None:
    """Load a punctuation model on the CPU. Takes half a second; a checkpoint takes longer.

    Args:
        choice: `auto`, the model that comes with AlfaVoice; `off`; the folder of an exported model; or
            the folder or name of a checkpoint that `models/manifest.json` knows, for which torch and
            transformers must be installed.
        calls_at_once: calls that are computed side by side.

    Returns:
        None: `off`, or this build has none.

    Raises:
        PunctuatorUnusable: it cannot be used; says why.
    """
    if choice == NONE:
        return None
    folder = shipped_model() if choice == SHIPPED else Path(choice)
    if folder is None:
        return None
    if choice == SHIPPED or (folder / LABELS_FILE).is_file():
        return load_exported(folder, calls_at_once=calls_at_once)
    # Only here: it needs packages that nothing else does.
    from workers.text.rubert.checkpoint import load_checkpoint  # noqa: PLC0415

    return load_checkpoint(choice)

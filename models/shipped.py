"""What comes along with AlfaVoice itself, beside what is installed into the data folder."""

from importlib.resources import files
from pathlib import Path


def shipped_punctuation() -> Path | None:
    """Give the folder of the punctuation model that comes with AlfaVoice; None: this build has none."""
    folder = Path(str(files("models"))) / "punctuation" / "ru"
    return folder if folder.is_dir() else None

"""What we say of ourselves to `describe`: one program that turns speech into text."""

from importlib.metadata import version
from typing import Final

from service.compat.wyoming_events import Event, Fields

PROGRAM: Final = "alfavoice"
_ATTRIBUTION: Final = {"name": "AlfaVoice", "url": "https://pypi.org/project/alfavoice/"}


def info_event(*, model: str, languages: tuple[str, ...]) -> Event:
    """Make the answer to `describe`.

    Args:
        model: name of the model in use.
        languages: ISO 639-1 codes it knows.
    """
    program: Fields = {
        "name": PROGRAM,
        "description": "AlfaVoice, dictation on one's own server",
        "attribution": _ATTRIBUTION,
        "installed": True,
        "version": version("alfavoice"),
        "supports_transcript_streaming": True,
        # The client says when a command ended; we take what it sends.
        "requires_external_vad": True,
        "models": [
            {
                "name": model,
                "description": f"Whisper {model}",
                "attribution": _ATTRIBUTION,
                "installed": True,
                "version": None,
                "languages": list(languages),
            }
        ],
    }
    empty: dict[str, list[Fields]] = {
        domain: [] for domain in ("tts", "handle", "intent", "wake", "mic", "snd")
    }
    return Event(type="info", data={"asr": [program], **empty})

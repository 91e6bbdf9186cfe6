"""Models as OpenAI's clients name them: the one that recognises here, and names it answers to.

Programs made for OpenAI have its names built in. All of them mean the recogniser of this server.
"""

from collections.abc import Sequence
from typing import Final, Literal

from pydantic import BaseModel

from service.compat.openai_rest_errors import OpenAIRefused
from service.parts import Parts
from workers.contract.engine import EngineDescription

ALIASES: Final = (
    "whisper-1",
    "gpt-4o-transcribe",
    "gpt-4o-mini-transcribe",
    "gpt-4o-mini-transcribe-2025-12-15",
    "gpt-transcribe",
    "gpt-live-transcribe",
    "gpt-realtime-whisper",
)
"""Names of OpenAI's recognisers (`openai.types.AudioModel` and the realtime types, 3.54.0)."""
CREATED: Final = 1_663_718_400
"""2022-09-21, the release of Whisper, in Unix seconds; a required field nobody acts on."""
OWNER: Final = "alfavoice"


class Model(BaseModel):
    """A model that can be named in a request."""

    id: str
    object: Literal["model"] = "model"
    created: int = CREATED
    """Unix seconds."""
    owned_by: str = OWNER
    size_bytes: int | None = None
    """Of the recogniser's files; ours, and not given where it is not known or the name is one of OpenAI's."""


class ModelList(BaseModel):
    """All of them."""

    object: Literal["list"] = "list"
    data: list[Model]


def model_list(engines: Sequence[EngineDescription]) -> ModelList:
    """Give all names a request may use: the recognisers' own ones first, with their sizes."""
    sizes: dict[str, int | None] = {}
    for engine in engines:  # of two with one name, an older one elsewhere may not tell it
        sizes[engine.model] = sizes.get(engine.model) or engine.size_bytes
    return ModelList(
        data=[
            Model(id=name, size_bytes=sizes.get(name)) for name in dict.fromkeys((*sizes, *ALIASES))
        ]
    )


def check_model(parts: Parts, name: str | None) -> str:
    """Give the name back if it means something here.

    Raises:
        OpenAIRefused: `missing_required_parameter` (400) or `model_not_found` (404).
    """
    if name is None:
        raise OpenAIRefused(
            "missing_required_parameter", "name a model, such as whisper-1", param="model"
        )
    if name not in {model.id for model in model_list(parts.engines()).data}:
        raise OpenAIRefused(
            "model_not_found",
            "there is no such model; GET /v1/models lists them",
            status=404,
            param="model",
        )
    return name

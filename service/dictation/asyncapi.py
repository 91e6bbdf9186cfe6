"""The protocol as an AsyncAPI 3.0 document, made from the messages in `wire`.

    python -m service.dictation.asyncapi        writes stream.asyncapi.json beside this file

A test keeps the committed file current, so `wire` stays the only place where messages are defined.
"""

import inspect
import json
from pathlib import Path
from typing import Any, Final, get_args

import msgspec

from service.dictation import wire

PATH: Final = Path(__file__).with_name("stream.asyncapi.json")
_AUDIO: Final = {
    "name": "audio",
    "contentType": "application/octet-stream",
    "summary": "The next audio, in the format named in `start`.",
    "payload": {"type": "string", "format": "binary", "maxLength": wire.MAX_AUDIO_BYTES},
}


def document() -> dict[str, Any]:
    """Describe the protocol."""
    said_by_client = get_args(wire.ClientMessage)
    said_by_server = get_args(wire.ServerMessage)
    _, schemas = msgspec.json.schema_components(
        [*said_by_client, *said_by_server], ref_template="#/components/schemas/{name}"
    )
    for name, schema in schemas.items():
        schema["description"] = inspect.getdoc(getattr(wire, name)) or ""
    messages = {kind.__name__: _message(kind) for kind in (*said_by_client, *said_by_server)}
    messages["Audio"] = _AUDIO
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "AlfaVoice stream",
            "version": wire.SUBPROTOCOL.rsplit("v", 1)[-1] + ".0.0",
            "description": inspect.getdoc(wire) or "",
        },
        "defaultContentType": "application/json",
        "servers": {"local": {"host": "127.0.0.1:8765", "protocol": "ws"}},
        "channels": {
            "stream": {
                "address": "/v1/stream",
                "messages": {
                    name: {"$ref": f"#/components/messages/{name}"} for name in sorted(messages)
                },
                "bindings": {
                    "ws": {
                        "method": "GET",
                        "headers": {
                            "type": "object",
                            "properties": {
                                "Sec-WebSocket-Protocol": {"const": wire.SUBPROTOCOL},
                            },
                            "required": ["Sec-WebSocket-Protocol"],
                        },
                    }
                },
                "x-close-codes": {code.name.lower(): int(code) for code in wire.CloseCode},
            }
        },
        "operations": {
            "clientMessages": _operation("receive", [*said_by_client, None]),
            "serverMessages": _operation("send", list(said_by_server)),
        },
        "components": {
            "messages": dict(sorted(messages.items())),
            "schemas": dict(sorted(schemas.items())),
        },
    }


def _message(kind: type[msgspec.Struct]) -> dict[str, Any]:
    summary = (inspect.getdoc(kind) or "").splitlines()[0]
    return {
        "name": kind.__struct_config__.tag,
        "summary": summary,
        "payload": {"$ref": f"#/components/schemas/{kind.__name__}"},
    }


def _operation(action: str, kinds: list[type[msgspec.Struct] | None]) -> dict[str, Any]:
    """Describe what one side says, from the server's point of view; None stands for audio."""
    names = [kind.__name__ if kind else "Audio" for kind in kinds]
    return {
        "action": action,
        "channel": {"$ref": "#/channels/stream"},
        "messages": [{"$ref": f"#/channels/stream/messages/{name}"} for name in names],
    }


def written(description: dict[str, Any]) -> str:
    """Give the document as it is committed."""
    return json.dumps(description, ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    PATH.write_text(written(document()), encoding="utf-8")

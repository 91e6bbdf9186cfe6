"""The multipart form of an upload (RFC 7578), read as it arrives: the file to disk, bounded.

Nothing is kept of a body that is refused. Fields nobody knows are skipped, as OpenAI does.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from service.compat.openai_rest_errors import OpenAIRefused
from service.compat.openai_rest_upload import Upload

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

FIELD_BYTES: Final = 64 * 1024
"""Longest value of a field that is no file; the longest in use, `prompt`, is a few hundred words."""
PARTS: Final = 64
"""Most parts of a form: OpenAI's has some fifteen fields, a few of them repeated."""
_WRITE_BYTES: Final = 1024 * 1024
_PATIENCE_S: Final = 60.0
"""A client that sends nothing for this long is gone."""
_LONGEST_S: Final = 3600.0
"""One that sends a byte a minute must not keep others out for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form that arrived whole."""

    fields: dict[str, list[str]]
    """Values by name; a trailing `[]` of the name is left out."""
    file: Upload | None
    """What the part `file` carried."""

    def one(self, name: str) -> str | None:
        """Give the last value of a field; None when it is missing or empty."""
        return (self.fields.get(name) or [""])[-1] or None

    def all(self, name: str) -> list[str]:
        """Give all values of a field that are not empty."""
        return [value for value in self.fields.get(name, []) if value]


@asynccontextmanager
async def read_form(request: Request, *, max_bytes: int) -> AsyncIterator[Form]:
    """Read the form of a request; its file lives as long as the block.

    Args:
        request: not read yet.
        max_bytes: of the whole body.

    Raises:
        OpenAIRefused: it is no form, too large, or broken; or the disk is full.
        ClientDisconnect: the client went before the end.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary or len(boundary) > 200:
        raise OpenAIRefused("invalid_request", "send the file as multipart/form-data", param="file")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > max_bytes:
        raise _too_large(max_bytes)
    with Upload() as file:
        try:
            async with asyncio.timeout(_LONGEST_S):
                fields, has_file = await _receive(request, boundary, file, max_bytes)
        except FormParserError as exc:
            raise OpenAIRefused("invalid_request", "the multipart form is broken") from exc
        except TimeoutError as exc:
            raise ClientDisconnect from exc
        yield Form(fields=fields, file=file if has_file else None)


async def _receive(
    request: Request, boundary: bytes, file: Upload, max_bytes: int
) -> tuple[dict[str, list[str]], bool]:
    reading = _Reading()
    parser = MultipartParser(boundary, reading.callbacks())
    received = 0
    body = request.stream()
    while True:
        async with asyncio.timeout(_PATIENCE_S):
            part = await anext(body, None)
        if part is None:
            break
        received += len(part)
        if received > max_bytes:
            raise _too_large(max_bytes)
        parser.write(part)
        if len(reading.file) >= _WRITE_BYTES:
            await _write(file, reading.file)
            reading.file = bytearray()
    parser.finalize()
    if not reading.is_whole:
        raise OpenAIRefused("invalid_request", "the multipart form ends too early")
    await _write(file, reading.file)
    return reading.fields, reading.has_file


async def _write(file: Upload, data: bytearray) -> None:
    try:
        await asyncio.to_thread(file.write, data)
    except OSError as exc:
        raise OpenAIRefused(
            "no_space", "the server has no room for the file; try later", status=503
        ) from exc


def _too_large(max_bytes: int) -> OpenAIRefused:
    return OpenAIRefused(
        "request_too_large", f"a request is at most {max_bytes} bytes", status=413, param="file"
    )


class _Reading:
    """What the parser tells, kept part by part."""

    def __init__(self) -> None:
        self.fields: dict[str, list[str]] = {}
        self.file = bytearray()
        """What of the file was read and not written yet."""
        self.has_file = False
        self.is_whole = False
        self._parts = 0
        self._header = [bytearray(), bytearray()]
        self._disposition = b""
        self._name = ""
        self._is_file = False
        self._value = bytearray()

    def callbacks(self) -> "MultipartCallbacks":
        """Give what the parser calls."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._name_part,
            "on_part_data": self._take,
            "on_part_end": self._end,
            "on_end": self._finish,
        }

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > PARTS:
            raise OpenAIRefused("invalid_request", f"a form has at most {PARTS} parts")
        self._disposition, self._value = b"", bytearray()

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header[0] += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._header[1] += data[start:end]

    def _header_end(self) -> None:
        field, value = self._header
        if field.lower() == b"content-disposition":
            self._disposition = bytes(value)
        self._header = [bytearray(), bytearray()]

    def _name_part(self) -> None:
        _, options = parse_options_header(self._disposition)
        name = options.get(b"name", b"").decode("utf-8", "replace")
        self._name = name.removesuffix("[]")
        self._is_file = self._name == "file"
        if self._is_file and self.has_file:
            raise OpenAIRefused("invalid_request", "one file a request", param="file")
        self.has_file |= self._is_file

    def _take(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self.file += data[start:end]
            return
        self._value += data[start:end]
        if len(self._value) > FIELD_BYTES:
            raise OpenAIRefused(
                "invalid_request", f"a field has at most {FIELD_BYTES} bytes", param=None
            )

    def _end(self) -> None:
        if not self._is_file:
            value = self._value.decode("utf-8", "replace").replace("\0", "")
            self.fields.setdefault(self._name, []).append(value)

    def _finish(self) -> None:
        self.is_whole = True

"""Errors as OpenAI's clients expect them, on the routes that speak their protocol only.

    {"error": {"message": "…", "type": "invalid_request_error", "param": "file", "code": "…"}}

Form and types: the `openai` package (`APIError.code`, `.param`, `.type`). Messages never repeat what
was sent.
"""

from collections.abc import Callable, Coroutine, Mapping
from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from service.dictation.wire import CloseCode
from service.problems import (
    ProtocolError,
    Refused,
    RequestRefused,
    ServiceError,
    StoreUnavailable,
)

_REFUSED_STATUSES: Final = {
    int(CloseCode.FORBIDDEN): 403,
    int(CloseCode.TOO_MANY_SESSIONS): 429,
}
SIGNED_OUT: Final = "invalid_api_key"
"""OpenAI's code of every 401."""
_STORE_RETRY_S: Final = 2
log = structlog.get_logger()


class OpenAIError(BaseModel):
    """What went wrong."""

    message: str
    """One sentence for a person: what happened and what to do."""
    type: str
    """`invalid_request_error`, `rate_limit_error` or `server_error`."""
    param: str | None = None
    """Field of the request that is wrong."""
    code: str | None = None
    """What a program acts on."""


class OpenAIErrorAnswer(BaseModel):
    """An error of the compatible interface."""

    error: OpenAIError


RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    "default": {"model": OpenAIErrorAnswer, "description": "It cannot be done; `code` says why."}
}


class OpenAIRefused(ServiceError):
    """The request cannot be done as it is."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int = 400,
        param: str | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(code, message)
        self.status = status
        self.param = param
        self.retry_after_s = retry_after_s


class OpenAIRoute(APIRoute):
    """A route whose every error has OpenAI's form."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the handler."""
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handle(request)
            except ServiceError as exc:
                return answer_for(exc)
            except RequestValidationError:
                return answer(400, "invalid_request", "the request is not understood")
            except HTTPException as exc:
                phrase = HTTPStatus(exc.status_code).phrase
                return answer(exc.status_code, "invalid_request", phrase, headers=exc.headers)
            except Exception as exc:  # noqa: BLE001 - its words may carry what was sent
                log.error("request_broke", kind=type(exc).__name__)  # noqa: TRY400
                return answer(500, "server_failed", "the server failed on this request; try again")

        return handled


def answer(
    status: int,
    code: str,
    message: str,
    *,
    param: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Make the answer for an error."""
    error = error_of(status, code, message, param=param)
    return JSONResponse({"error": error.model_dump()}, status_code=status, headers=headers)


def answer_for(error: ServiceError) -> JSONResponse:
    """Make the answer for an error that was raised on purpose."""
    status, retry_s = _status(error)
    if status >= 500 and not error.retryable:
        log.error("request_failed", code=error.code)
    headers = {} if retry_s is None else {"Retry-After": str(retry_s)}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    param = error.param if isinstance(error, OpenAIRefused) else None
    return answer(status, error.code, error.message, param=param, headers=headers)


def described(error: ServiceError) -> OpenAIError:
    """Describe an error where the status is already sent: in a stream of events."""
    status, _ = _status(error)
    param = error.param if isinstance(error, OpenAIRefused) else None
    return error_of(status, error.code, error.message, param=param)


def error_of(status: int, code: str, message: str, *, param: str | None = None) -> OpenAIError:
    """Describe an error by its HTTP status; official clients know some codes by their own name."""
    kind = "server_error" if status >= 500 else "invalid_request_error"
    if status == 429:
        kind = "rate_limit_error"
    if status == 401:
        code = SIGNED_OUT
    return OpenAIError(message=message, type=kind, param=param, code=code)


def _status(error: ServiceError) -> tuple[int, int | None]:
    match error:
        case OpenAIRefused() | RequestRefused():
            return error.status, error.retry_after_s
        case StoreUnavailable():
            return 503, _STORE_RETRY_S
        case Refused(retry_after_ms=wait_ms):
            retry_s = None if wait_ms is None else -(-wait_ms // 1000)
            return _REFUSED_STATUSES.get(error.close_code, 503), retry_s
        case ProtocolError():
            return 400, None
    return 500, None

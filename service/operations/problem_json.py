"""Errors as HTTP answers: problem details (RFC 9457) with our stable code.

    {"type": "about:blank", "title": "Not Found", "status": 404, "code": "request.not_found",
     "detail": "there is no such note"}

Every error that leaves the server over HTTP has this form. What was sent is never repeated: it may
be speech or a password.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from prometheus_client import CollectorRegistry, Counter
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from service.dictation.wire import CloseCode
from service.problems import (
    ProtocolError,
    Refused,
    RequestRefused,
    ServiceError,
    StoreUnavailable,
)

MEDIA_TYPE: Final = "application/problem+json"
_STORE_RETRY_S: Final = 2
_STATUS_CODES: Final = {
    400: "request.invalid",
    404: "request.not_found",
    405: "request.wrong_method",
    408: "request.too_slow",
    413: "request.too_large",
    415: "request.unsupported_type",
}
log = structlog.get_logger()


class Problem(BaseModel):
    """An error, RFC 9457."""

    type: str = "about:blank"
    title: str
    status: int
    code: str
    """Stable, dotted; what a program acts on."""
    detail: str
    """One sentence for a person: what happened and what to do."""
    fields: list[str] = Field(default=[])
    """Where the request is wrong, such as `body.name`."""


RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    "default": {"model": Problem, "description": "It cannot be done; `code` says why."}
}
"""For `APIRouter(responses=…)`: every route documents its errors."""


def answer(
    status: int,
    code: str,
    detail: str,
    *,
    fields: list[str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Make the answer for an error."""
    problem = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        code=code,
        detail=detail,
        fields=fields or [],
    )
    return JSONResponse(
        problem.model_dump(), status_code=status, headers=headers, media_type=MEDIA_TYPE
    )


def answer_for(error: ServiceError) -> JSONResponse:
    """Make the answer for an error that was raised on purpose."""
    status, retry_s = 500, None
    match error:
        case RequestRefused():
            status, retry_s = error.status, error.retry_after_s
        case StoreUnavailable():
            status, retry_s = 503, _STORE_RETRY_S
        case Refused():
            status = 403 if error.code.endswith(".forbidden") else 503
            if error.close_code == CloseCode.TOO_MANY_SESSIONS:
                status = 429
            if error.retry_after_ms is not None:
                retry_s = -(-error.retry_after_ms // 1000)
        case ProtocolError():
            status = 400
    if status >= 500 and not error.retryable:
        log.error("request_failed", code=error.code)
    headers = {} if retry_s is None else {"Retry-After": str(retry_s)}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return answer(status, error.code, error.message, headers=headers)


def install_problem_answers(app: FastAPI, registry: CollectorRegistry) -> None:
    """Have every error of the application answered, documented and counted, in this form."""
    made = app.openapi
    app.openapi = lambda: _with_problem_type(made())  # type: ignore[method-assign]
    errors = Counter(
        "alfavoice_request_errors_total",
        "Requests answered with an error, by its code.",
        ["code"],  # of the errors that this server knows, never what somebody sent
        registry=registry,
    )

    @app.exception_handler(ServiceError)
    async def on_service_error(_: Request, error: ServiceError) -> JSONResponse:
        errors.labels(error.code).inc()
        return answer_for(error)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        errors.labels("request.invalid").inc()
        found = error.errors()
        fields = [".".join(str(part) for part in one["loc"]) for one in found]
        reasons = "; ".join(
            f"{field}: {one['msg']}" if one["type"] != "value_error" else field
            for field, one in zip(fields[:5], found, strict=False)
        )
        return answer(
            422, "request.invalid", f"the request is not understood: {reasons}", fields=fields
        )

    @app.exception_handler(HTTPException)
    async def on_http_error(_: Request, error: HTTPException) -> JSONResponse:
        code = _STATUS_CODES.get(error.status_code, "request.refused")
        errors.labels(code).inc()
        detail = HTTPStatus(error.status_code).description or HTTPStatus(error.status_code).phrase
        return answer(error.status_code, code, detail, headers=error.headers)

    @app.exception_handler(Exception)
    async def on_bug(_: Request, error: Exception) -> JSONResponse:
        # The exception's words may carry what was sent: only its kind is logged.
        log.error("request_broke", kind=type(error).__name__)
        errors.labels("server.failed").inc()
        return answer(500, "server.failed", "the server failed on this request; try again")


def _with_problem_type(document: dict[str, Any]) -> dict[str, Any]:
    """Say of errors which media type they have: FastAPI knows one for all answers of a route."""
    for operations in document["paths"].values():
        for operation in operations.values():
            for response in operation["responses"].values():
                content = response.get("content", {})
                schema = content.get("application/json", {}).get("schema", {})
                if schema.get("$ref", "").endswith("/Problem"):
                    content[MEDIA_TYPE] = content.pop("application/json")
    return document

"""Refusals in the form Deepgram's clients know: `err_code`, `err_msg`, and two headers.

Our stable code stands beside them as `code`.
"""

from typing import Final

from starlette.responses import JSONResponse

from service.dictation.wire import CloseCode
from service.problems import ProtocolError, Refused, RequestRefused, ServiceError, StoreUnavailable

STORE_RETRY_S: Final = 2
_REFUSED_STATUSES: Final = {
    int(CloseCode.FORBIDDEN): 403,
    int(CloseCode.TOO_MANY_SESSIONS): 429,
}
_ERR_CODES: Final = {
    400: "Bad Request",
    401: "INVALID_AUTH",
    403: "FORBIDDEN",
    413: "PAYLOAD_TOO_LARGE",
    429: "TOO_MANY_REQUESTS",
    503: "SERVICE_UNAVAILABLE",
}


def denial(error: ServiceError, request_id: str) -> JSONResponse:
    """Make the HTTP answer for an error that was raised on purpose."""
    status, retry_s = 500, None
    match error:
        case RequestRefused():
            status, retry_s = error.status, error.retry_after_s
        case StoreUnavailable():
            status, retry_s = 503, STORE_RETRY_S
        case Refused():
            status = _REFUSED_STATUSES.get(error.close_code, 503)
            if error.retry_after_ms is not None:
                retry_s = -(-error.retry_after_ms // 1000)
        case ProtocolError():
            status = 400
    headers = {"dg-request-id": request_id, "dg-error": error.message}
    if retry_s is not None:
        headers["Retry-After"] = str(retry_s)
    if status == 401:
        headers["WWW-Authenticate"] = "Token"
    content = {
        "err_code": _ERR_CODES.get(status, "REFUSED"),
        "err_msg": error.message,
        "request_id": request_id,
        "code": error.code,
    }
    return JSONResponse(content, status_code=status, headers=headers)

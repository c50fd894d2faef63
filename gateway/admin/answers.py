"""Refusals and faults as JSON {error, hint, cause}, with the status that fits (RFC 9110, section 15)."""

from __future__ import annotations

from typing import Final

import structlog
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.access.errors import AccessRefused, NotFound, NotPermitted, NotPossible, NotSignedIn, NotValid, TooMany
from gateway.access.store import StoreUnavailable
from gateway.admin.bodies import ErrorAnswer
from gateway.audit.journal import RecordUnavailable

log = structlog.get_logger(__name__)


class Refused(Exception):
    """A refusal of the API's own: not signed in, too large, not JSON."""

    def __init__(self, status: int, cause: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.cause = cause
        self.message = message
        self.hint = hint


def answer(body: BaseModel, status: int = 200) -> Response:
    """The model as a JSON response that nobody keeps."""
    return _json(body.model_dump_json().encode(), status)


def refusal(status: int, cause: str, message: str, hint: str = "", *, retry_after: int | None = None) -> Response:
    """{error, hint, cause} with the status; `retry_after` in seconds."""
    headers = {"WWW-Authenticate": 'Bearer realm="pgcurfew"'} if status == 401 else {}
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return _json(ErrorAnswer(error=message, hint=hint, cause=cause).model_dump_json().encode(), status, headers)


def refused(error: Refused) -> Response:
    return refusal(error.status, error.cause, error.message, error.hint)


def access_refused(error: AccessRefused) -> Response:
    """A refusal of the services."""
    match error:
        case NotPermitted():
            status = 403
        case NotFound():
            status = 404
        case NotPossible():
            status = 409
        case NotValid():
            status = 422
        case NotSignedIn():
            status = 401
        case TooMany():
            return refusal(429, error.cause, error.message, error.hint, retry_after=error.seconds)
        case _:
            status = 403
    return refusal(status, error.cause, error.message, error.hint)


def invalid(error: ValidationError) -> Response:
    """Every problem of a body at once; what was sent is not repeated."""
    problems = "; ".join(
        f"{'.'.join(str(part) for part in problem['loc']) or 'body'}: {problem['msg']}" for problem in error.errors()
    )
    return refusal(422, "body", problems, "see /v1/openapi.json")


#: The exceptions that Starlette brings to `on_error`.
HANDLED: Final = (
    Refused,
    AccessRefused,
    ValidationError,
    RecordUnavailable,
    StoreUnavailable,
    HTTPException,
    Exception,
)


async def on_error(request: Request, error: Exception) -> Response:
    """Any exception of a handler as a response; what is not a refusal is logged and kept to ourselves."""
    match error:
        case Refused():
            return refused(error)
        case AccessRefused():
            return access_refused(error)
        case ValidationError():
            return invalid(error)
        case HTTPException():
            answered = refusal(error.status_code, "http", error.detail.lower(), "see /v1/openapi.json")
            answered.headers.update(error.headers or {})  # 405 says what is allowed (RFC 9110, 15.5.6)
            return answered
        case RecordUnavailable():
            log.error("api.record-unavailable", path=request.url.path)
            return refusal(503, "record", "nothing was changed: the record cannot be written", "tell an administrator")
        case StoreUnavailable():
            log.error("api.store-failed", path=request.url.path, error=str(error))
            return refusal(503, "store", "nothing was changed: the store cannot be written", "tell an administrator")
        case _:
            log.error("api.failed", path=request.url.path, exc_info=error)
            return refusal(500, "fault", "something went wrong in the gateway", "its log says what")


def _json(content: bytes, status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(
        content,
        status,
        media_type="application/json",
        headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **(headers or {})},
    )

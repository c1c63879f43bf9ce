"""What went wrong, told to programs as RFC 9457 problem documents and to people as a page."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from scheduled.errors import (
    ConflictError,
    DatabaseError,
    DatabaseUnavailableError,
    ExpressionError,
    ScheduledError,
    UnknownNameError,
    UsageError,
)
from scheduled.web.links import is_api
from scheduled.web.middleware import HEADERS

MEDIA_TYPE = "application/problem+json"
STATUSES: tuple[tuple[type[ScheduledError], int], ...] = (
    (UnknownNameError, 404),
    (UsageError, 400),
    (ExpressionError, 400),
    (ConflictError, 409),
    (DatabaseUnavailableError, 503),
    (DatabaseError, 503),
)
"""The first that fits counts."""


class ProblemError(Exception):
    """Something that the one who asked has to be told, under a status of HTTP."""

    def __init__(self, status: int, detail: str, headers: dict[str, str] | None = None, **more: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers or {}
        self.more = more


def install(app: FastAPI) -> None:
    """Let the app answer every error in this way."""
    app.add_exception_handler(ProblemError, _told)
    app.add_exception_handler(ScheduledError, _known)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _unknown)


def status_of(error: ScheduledError) -> int:
    """The status of HTTP that an error of ours comes under."""
    return next((status for kind, status in STATUSES if isinstance(error, kind)), 500)


def answer(request: Request, problem: ProblemError) -> Response:
    """A problem document, or a page that says the same."""
    title = HTTPStatus(problem.status).phrase
    if is_api(request):
        document = {"type": "about:blank", "title": title, "status": problem.status, "detail": problem.detail}
        return JSONResponse(
            document | problem.more, problem.status, headers=problem.headers, media_type=MEDIA_TYPE
        )
    from scheduled.web.rendering import page

    told = {"title": title, "problem": problem}
    return page(request, "error.html", status=problem.status, headers=problem.headers, **told)


def _told(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101 - what it was registered for
    return answer(request, error)


def _known(request: Request, error: Exception) -> Response:
    assert isinstance(error, ScheduledError)  # noqa: S101 - what it was registered for
    status = status_of(error)
    headers = {"Retry-After": "5"} if status == 503 else None
    return answer(request, ProblemError(status, str(error), headers))


def _of_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - what it was registered for
    return answer(request, ProblemError(error.status_code, str(error.detail), dict(error.headers or {})))


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - what it was registered for
    faults = [
        {"where": ".".join(str(part) for part in fault["loc"]), "message": fault["msg"]}
        for fault in error.errors()
    ]
    told = "; ".join(f"{fault['where']}: {fault['message']}" for fault in faults)
    return answer(request, ProblemError(422, told, errors=faults))


def _unknown(request: Request, _error: Exception) -> Response:
    """Nothing of it is told: the log has the traceback."""
    # It is answered outside of all middleware: the headers that keep browsers strict belong here, too.
    told = "something went wrong within scheduled: its log tells what"
    return answer(request, ProblemError(500, told, {**HEADERS, "Cache-Control": "no-store"}))

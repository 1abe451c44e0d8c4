"""Errors of the registry's HTTP interface: one line of JSON, never a traceback.

In: an exception. Out: a response of RFC 9457 with `title`, `status`, `detail`; `error` repeats the detail, because
the official registry API v0.1 names that member.
"""

from collections.abc import Mapping
from http import HTTPStatus

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

PROBLEM_TYPE = "application/problem+json"
"""Source: RFC 9457, section 3."""

FAULTS_SHOWN = 3
"""Faults of one document that an answer names; more do not help and make the line long."""

_NO_SUCH_ENDPOINT = {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}

VALUE_LIMIT = 60
"""Characters of a client's value that an answer repeats."""


RETRY_AFTER_SECONDS = 5
"""When to ask again while the database is away: a fail-over takes longer, a restart about as long."""


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The answer for one fault."""
    line = " ".join(detail.split())
    content = {"title": HTTPStatus(status).phrase, "status": status, "detail": line, "error": line}
    return JSONResponse(content, status_code=status, media_type=PROBLEM_TYPE, headers=headers)


def invalid(error: ValidationError) -> str:
    """Which field, what is wrong, and the value it had, for the first faults."""
    faults = [
        f"{'.'.join(str(part) for part in fault['loc']) or 'document'}: {fault['msg']}"
        f" (got {_shortened(fault['input'])})"
        for fault in error.errors(include_url=False)
    ]
    more = f"; and {len(faults) - FAULTS_SHOWN} more" if len(faults) > FAULTS_SHOWN else ""
    return "; ".join(faults[:FAULTS_SHOWN]) + more


def _shortened(value: object) -> str:
    text = repr(value)
    return text if len(text) <= VALUE_LIMIT else f"{text[: VALUE_LIMIT - 3]}..."


async def on_http_exception(request: Request, error: Exception) -> JSONResponse:
    """An unknown path, a wrong method, a refused body."""
    if isinstance(error, HTTPException):
        what = f"{request.method} {_shortened(request.url.path)}: " if error.status_code in _NO_SUCH_ENDPOINT else ""
        return problem(error.status_code, what + error.detail)
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal error")


async def on_not_registered(_request: Request, error: Exception) -> JSONResponse:
    """Nothing live under that name, version or instance."""
    return problem(HTTPStatus.NOT_FOUND, str(error))


async def on_invalid(_request: Request, error: Exception) -> JSONResponse:
    """A document or parameter outside its bounds."""
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, invalid(error) if isinstance(error, ValidationError) else "")


async def on_data_error(_request: Request, _error: Exception) -> JSONResponse:
    """A value that the model lets through and the database does not: PostgreSQL keeps no NUL."""
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "a value holds a character that cannot be stored, such as NUL")


async def on_database_error(_request: Request, _error: Exception) -> JSONResponse:
    """The database is away; what it said stays in the log, it may name hosts and users."""
    detail = f"the registry's database does not answer; try again in {RETRY_AFTER_SECONDS} s"
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, {"Retry-After": str(RETRY_AFTER_SECONDS)})

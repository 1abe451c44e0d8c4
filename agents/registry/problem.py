"""Error responses of the registry: RFC 9457 problem details with a one-line `detail`."""

from collections.abc import Mapping
from http import HTTPStatus

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

PROBLEM_TYPE = "application/problem+json"  # Source: RFC 9457, section 3
MAX_VIOLATIONS = 3  # violations of a document that a response lists
_NO_SUCH_ENDPOINT = {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}
MAX_VALUE_CHARACTERS = 60  # characters of a client's value that a response repeats
RETRY_AFTER_SECONDS = 5  # Retry-After while the database is unavailable: about the time of a restart


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return the response for one error. The official registry API v0.1 names the detail `error`."""
    line = " ".join(detail.split())
    content = {"title": HTTPStatus(status).phrase, "status": status, "detail": line, "error": line}
    return JSONResponse(content, status_code=status, media_type=PROBLEM_TYPE, headers=headers)


def validation_detail(error: ValidationError) -> str:
    """Return field, message and value of the first violations."""
    violations = [
        f"{'.'.join(str(part) for part in violation['loc']) or 'document'}: {violation['msg']}"
        f" (got {_shortened(violation['input'])})"
        for violation in error.errors(include_url=False)
    ]
    more = f"; and {len(violations) - MAX_VIOLATIONS} more" if len(violations) > MAX_VIOLATIONS else ""
    return "; ".join(violations[:MAX_VIOLATIONS]) + more


def _shortened(value: object) -> str:
    text = repr(value)
    return text if len(text) <= MAX_VALUE_CHARACTERS else f"{text[: MAX_VALUE_CHARACTERS - 3]}..."


async def on_http_exception(request: Request, error: Exception) -> JSONResponse:
    """Handle an unknown path, a wrong method or a rejected body."""
    if isinstance(error, HTTPException):
        what = f"{request.method} {_shortened(request.url.path)}: " if error.status_code in _NO_SUCH_ENDPOINT else ""
        return problem(error.status_code, what + error.detail)
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal error")


async def on_not_registered(_request: Request, error: Exception) -> JSONResponse:
    """Handle an unknown name, version or instance."""
    return problem(HTTPStatus.NOT_FOUND, str(error))


async def on_invalid(_request: Request, error: Exception) -> JSONResponse:
    """Handle an invalid document or parameter."""
    detail = validation_detail(error) if isinstance(error, ValidationError) else ""
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail)


async def on_data_error(_request: Request, _error: Exception) -> JSONResponse:
    """Handle a value that the database rejects: PostgreSQL does not store NUL."""
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "a value contains a character that cannot be stored, such as NUL")


async def on_database_error(_request: Request, _error: Exception) -> JSONResponse:
    """Handle an unavailable database without its error text, which can name hosts and users."""
    detail = f"the registry's database does not respond; try again in {RETRY_AFTER_SECONDS} s"
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, {"Retry-After": str(RETRY_AFTER_SECONDS)})

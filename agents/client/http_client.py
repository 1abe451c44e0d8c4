"""HTTP client of the SDK's transport that returns an error response instead of raising an exception.

An exception from the HTTP client ends the SDK's transport with all its other calls and the task that opened it (seen
with mcp 2.3.0 when a server refuses the connection).
"""

from http import HTTPStatus
from typing import Any, Final

import httpx2
from mcp_types import CONNECTION_CLOSED, INTERNAL_ERROR

from meshed_mcp.agents.client.attempt import current_attempt
from meshed_mcp.agents.telemetry.propagation import inject_trace_context

CONNECT_SECONDS: Final = 5.0  # timeout for a connection to the server or its sidecar
MAX_TEXT_CHARACTERS: Final = 200  # characters of a response body that an error repeats
EVENT_STREAM: Final = "text/event-stream"
JSON: Final = "application/json"


class ServiceHTTPClient(httpx2.AsyncClient):
    """Connection pool that returns a 503 with a JSON-RPC error for an unreachable server.

    It honors the environment's proxy settings and sends the current trace context. Responses have no timeout here: the
    call's deadline ends them.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(
            timeout=httpx2.Timeout(None, connect=CONNECT_SECONDS),
            event_hooks={"request": [inject_trace_context]},
            **options,
        )

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """Return the server's response, read to the end unless it is an event stream."""
        attempt = current_attempt()
        try:
            response = await super().send(request, **options)
            if not response.headers.get("content-type", "").startswith(EVENT_STREAM):
                await response.aread()
        except httpx2.RequestError as error:
            attempt.record_failure(error)
            return _unavailable(request, error)
        attempt.record_response(response)
        return _with_json_error(response)


def _unavailable(request: httpx2.Request, error: httpx2.RequestError) -> httpx2.Response:
    reason = f"{type(error).__name__}: {error}".removesuffix(": ")
    message = f"no response from {_address(request)} ({reason})"
    return _error(request, HTTPStatus.SERVICE_UNAVAILABLE, CONNECTION_CLOSED, message)


def _with_json_error(response: httpx2.Response) -> httpx2.Response:
    """Return the response; a text error, such as a proxy's, becomes a JSON-RPC error with that text."""
    if not response.is_error or response.headers.get("content-type", "").startswith((JSON, EVENT_STREAM)):
        return response
    text = " ".join(response.text.split())[:MAX_TEXT_CHARACTERS]
    message = f"{_address(response.request)} returned {response.status_code}: {text}".removesuffix(": ")
    return _error(response.request, response.status_code, INTERNAL_ERROR, message)


def _error(request: httpx2.Request, status: int, code: int, message: str) -> httpx2.Response:
    body = {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message}}
    return httpx2.Response(status, json=body, request=request)


def _address(request: httpx2.Request) -> httpx2.URL:
    return request.url.copy_with(userinfo=b"", query=None)

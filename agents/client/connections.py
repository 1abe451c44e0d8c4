"""The HTTP connections below an MCP client that outlives its peer.

In: requests of the SDK's transport. Out: responses, always: where there is none, a 503 that carries a JSON-RPC error.
Why: an exception from the HTTP client ends the SDK's transport with all its other calls, and with it the task that
opened the client. Seen with mcp 2.3.0 when a peer refuses the connection.
Not here: what is sent again (service_client.py).
"""

from http import HTTPStatus
from typing import Any, Final

import httpx2
from mcp_types import CONNECTION_CLOSED, INTERNAL_ERROR

from meshed_mcp.agents.client.attempt import current_attempt
from meshed_mcp.agents.telemetry.propagation import put_trace_on_headers

CONNECT_SECONDS: Final = 5.0
"""How long a peer, or the sidecar before it, may take to accept a connection."""

TEXT_CHARACTERS: Final = 200
"""Part of a foreign answer that an error repeats."""

EVENT_STREAM: Final = "text/event-stream"
JSON: Final = "application/json"


class ServiceConnections(httpx2.AsyncClient):
    """A connection pool that answers for a peer that does not.

    Proxy settings of the environment are honored. An answer may take any time: the call's deadline ends it.
    Every request carries the trace context of the span it is made in, as `_meta` of the SDK's requests does.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(
            timeout=httpx2.Timeout(None, connect=CONNECT_SECONDS),
            event_hooks={"request": [put_trace_on_headers]},
            **options,
        )

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """Return the peer's response; one that is no event stream is read to its end, where it may still break."""
        attempt = current_attempt()
        try:
            response = await super().send(request, **options)
            if not response.headers.get("content-type", "").startswith(EVENT_STREAM):
                await response.aread()
        except httpx2.RequestError as error:
            attempt.broke(error)
            return _no_response(request, error)
        attempt.got(response)
        return _explained(response)


def _no_response(request: httpx2.Request, error: httpx2.RequestError) -> httpx2.Response:
    reason = f"{type(error).__name__}: {error}".removesuffix(": ")
    message = f"no answer from {_address(request)} ({reason})"
    return _error(request, HTTPStatus.SERVICE_UNAVAILABLE, CONNECTION_CLOSED, message)


def _explained(response: httpx2.Response) -> httpx2.Response:
    """The response; where it is a fault in words, such as a proxy's, those words as the JSON-RPC error they become."""
    if not response.is_error or response.headers.get("content-type", "").startswith((JSON, EVENT_STREAM)):
        return response
    words = " ".join(response.text.split())[:TEXT_CHARACTERS]
    message = f"{_address(response.request)} answered {response.status_code}: {words}".removesuffix(": ")
    return _error(response.request, response.status_code, INTERNAL_ERROR, message)


def _error(request: httpx2.Request, status: int, code: int, message: str) -> httpx2.Response:
    body = {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message}}
    return httpx2.Response(status, json=body, request=request)


def _address(request: httpx2.Request) -> httpx2.URL:
    return request.url.copy_with(userinfo=b"", query=None)

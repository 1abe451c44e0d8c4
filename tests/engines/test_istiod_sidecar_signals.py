"""What a real istiod configures in the sidecar of a server without the runtime: its cluster of open streams."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.cluster import manifests as cluster
from meshed_mcp.components.mesh.service import manifests as service
from meshed_mcp.local.process.engines import envoy_program
from tests.engines import istiod_mesh, local_stack, stock_bootstrap
from tests.engines import proxy_views as views
from tests.engines.api_server import ApiServer
from tests.engines.proxied_pods import configurations

NAME = "outside"


def objects() -> list[Manifest]:
    """The mesh and a server without the runtime, which `front` calls."""
    outside = local_stack.arguments(runtime="external", callers=["front"])
    return [
        *cluster.mesh_manifests(istiod_mesh.MESH),
        *service.service_manifests("front", local_stack.arguments(sidecar_egress_hosts=[f"mcp-system/{NAME}"])),
        *service.service_manifests(NAME, outside),
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "monitoring"}},
        istiod_mesh.gateway_service(),
    ]


@pytest.fixture(scope="module")
def proxies(
    find_engine: Callable[[str], Path], api_server: ApiServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    """The configuration of every pod's proxy, by pod."""
    program, folder = find_engine("pilot-discovery"), tmp_path_factory.mktemp("istiod")
    with configurations(program, api_server, folder, objects()) as found:
        yield found


def inbound_routes(dump: dict[str, Any]) -> list[list[views.Config]]:
    """Routes of the pod's own port, of each filter chain."""
    managers = views.managers(views.listeners(dump)["virtualInbound"])
    tables = [manager["routeConfig"] for manager in managers]
    return [host["routes"] for each in tables if each["name"] == "inbound|8000||" for host in each["virtualHosts"]]


def test_streams_go_to_a_cluster_of_their_own(proxies: dict[str, Any]) -> None:
    """Requirement SIG-1: GET and subscriptions/listen precede the default route, in every filter chain of the port."""
    chains = inbound_routes(proxies[NAME])
    assert chains
    for routes in chains:
        assert [route["route"]["cluster"] for route in routes] == [contract.STREAMS_CLUSTER] * 2 + ["inbound|8000||"]
        headers = {
            (header["name"], header["stringMatch"]["exact"])
            for route in routes[:2]
            for header in route["match"]["headers"]
        }
        assert headers == {(":method", "GET"), ("mcp-method", "subscriptions/listen")}
        assert all(route["match"]["prefix"] == "/mcp" for route in routes[:2])


def test_stream_routes_keep_the_defaults_of_inbound_routes(proxies: dict[str, Any]) -> None:
    """istiod, default inbound route: no timeout, and retries of requests that the server has not seen."""
    *streams, default = inbound_routes(proxies[NAME])[0]
    for route in streams:
        assert route["route"]["timeout"] == default["route"]["timeout"] == "0s"
        assert route["route"]["retryPolicy"] == default["route"]["retryPolicy"]
        assert route["decorator"] == default["decorator"]


def test_cluster_of_streams_connects_like_the_inbound_cluster(proxies: dict[str, Any]) -> None:
    """istiod, inbound clusters: the original destination, a source address that is not captured, no limits."""
    streams, own = (views.clusters(proxies[NAME])[name] for name in (contract.STREAMS_CLUSTER, "inbound|8000||"))
    for field in ("type", "lbPolicy", "connectTimeout"):
        assert streams[field] == own[field], field
    assert streams["upstreamBindConfig"]["sourceAddress"] == own["upstreamBindConfig"]["sourceAddress"]
    assert streams["circuitBreakers"]["thresholds"][0].items() <= own["circuitBreakers"]["thresholds"][0].items()
    assert streams["altStatName"] == f"{contract.STREAMS_CLUSTER};"
    assert own["altStatName"] == "inbound|8000||;"


def test_other_sidecars_have_no_cluster_of_streams(proxies: dict[str, Any]) -> None:
    """Requirement SIG-1: the runtime itself tells streams from requests."""
    assert contract.STREAMS_CLUSTER not in views.clusters(proxies["front"])


def test_envoy_loads_the_configuration(proxies: dict[str, Any], tmp_path: Path) -> None:
    """Envoy, `--mode validate`: every listener, route and cluster."""
    done = stock_bootstrap.loaded(envoy_program(), proxies[NAME], tmp_path)
    assert done.returncode == 0, done.stderr

"""The EnvoyFilter that counts the open streams of a server without the runtime apart."""

from typing import Any

from meshed_mcp import contract
from meshed_mcp.components.mesh.routing.inbound_streams import inbound_stream_filters
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs


def patches(**settings: object) -> list[dict[str, Any]]:
    """The patches of a server without the runtime."""
    args = MeshedMCPServiceArgs.model_validate({"image": "a:1", "runtime": "external", **settings})
    (item,) = inbound_stream_filters("mcp-a", args)
    assert item["spec"]["workloadSelector"]["labels"] == {"app": "mcp-a"}
    return list(item["spec"]["configPatches"])


def test_server_with_the_runtime_needs_no_filter() -> None:
    """Requirement SIG-1: the runtime itself tells streams from requests."""
    assert inbound_stream_filters("mcp-a", MeshedMCPServiceArgs.model_validate({"image": "a:1"})) == []


def test_routes_are_those_of_the_servers_port_and_path() -> None:
    """istiod, names of inbound route configurations: the port of the container."""
    routes = [patch for patch in patches(port=3001, path="/api/mcp") if patch["applyTo"] == "HTTP_ROUTE"]
    assert {patch["match"]["routeConfiguration"]["name"] for patch in routes} == {"inbound|3001||"}
    assert {patch["patch"]["value"]["match"]["prefix"] for patch in routes} == {"/api/mcp"}


def test_routes_of_the_root_path_match_every_path() -> None:
    """Envoy, RouteMatch: `prefix` may be `/`, and `path_separated_prefix` never is."""
    routes = [patch for patch in patches(path="/") if patch["applyTo"] == "HTTP_ROUTE"]
    assert {patch["patch"]["value"]["match"]["prefix"] for patch in routes} == {"/"}


def test_limits_of_streams_are_those_of_the_service() -> None:
    """Requirement SIG-1: `traffic.connections` bounds streams and requests alike."""
    (added,) = [
        patch["patch"]["value"]
        for patch in patches(traffic={"connections": {"streams": 64}})
        if patch["applyTo"] == "CLUSTER"
    ]
    (limits,) = added["circuit_breakers"]["thresholds"]
    assert limits["max_requests"] == limits["max_connections"] == 64
    assert added["name"] == contract.STREAMS_CLUSTER

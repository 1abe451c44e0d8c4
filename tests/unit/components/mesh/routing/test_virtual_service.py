"""VirtualServices of mesh and gateway: hosts, weights, exposed paths."""

import pytest

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.service.addresses import exposed_path, service_url
from tests.unit.components.mesh.mesh_rendering import CANARY, Objects, render, render_exposed, service_args

HOST = "mcp-search.mcp-system.svc.cluster.local"


def ingress(items: Objects) -> Manifest:
    """The route at the gateway."""
    spec: Manifest = items.one("VirtualService", "mcp-search-ingress")["spec"]
    return spec


def test_routes_and_rules_name_the_full_host() -> None:
    """Istio API, VirtualService `hosts`: short names are completed with the rule's own namespace."""
    objects = render()
    assert objects.one("VirtualService")["spec"]["hosts"] == [HOST]
    assert objects.one("DestinationRule")["spec"]["host"] == HOST


def test_mesh_route_is_for_sidecars_only() -> None:
    """Istio API, VirtualService `gateways`: `mesh` is the reserved name of all sidecars."""
    assert render().one("VirtualService")["spec"]["gateways"] == ["mesh"]


def test_single_version_gets_all_calls() -> None:
    """Istio API, HTTPRouteDestination: a single destination needs no weight."""
    (target,) = render().one("VirtualService")["spec"]["http"][0]["route"]
    assert target == {"destination": {"host": HOST, "subset": "stable", "port": {"number": 8000}}}


def test_two_versions_share_the_calls_by_their_weights() -> None:
    """Istio API, HTTPRouteDestination `weight`."""
    targets = render(rollout=CANARY).one("VirtualService")["spec"]["http"][0]["route"]
    assert [(target["destination"]["subset"], target["weight"]) for target in targets] == [
        ("stable", 90),
        ("canary", 10),
    ]


def test_service_without_expose_has_no_gateway_route() -> None:
    """Requirement SEC-7: only `expose` makes a service reachable from outside."""
    assert render().kinds().count("VirtualService") == 1


@pytest.mark.parametrize("path", ["/mcp", "/v0.1", "/a/b"])
def test_gateway_routes_only_the_endpoint_path_and_its_subpaths(path: str) -> None:
    """Istio API, HTTPMatchRequest `uri`: a prefix without its slash would also reach `/mcp-admin`."""
    routes = ingress(render_exposed(path=path))["http"]
    assert [route["match"] for route in routes] == [
        [{"uri": {"exact": f"/mcp-search{path}"}}, {"uri": {"exact": f"/mcp-search{path}/"}}],
        [{"uri": {"prefix": f"/mcp-search{path}/"}}],
    ]
    assert [route["rewrite"] for route in routes] == [{"uri": path}, {"uri": f"{path}/"}]


def test_gateway_route_is_attached_to_the_given_gateway_and_host() -> None:
    """Istio API, VirtualService `gateways`: "<namespace>/<name>"."""
    spec = ingress(render_exposed())
    assert (spec["gateways"], spec["hosts"]) == (["istio-ingress/mcp"], ["mcp.example.com"])


def test_gateway_and_mesh_use_the_same_weights() -> None:
    """Requirement NET-5: a canary's share does not depend on where a call comes from."""
    objects = render_exposed(rollout=CANARY)
    inside = objects.one("VirtualService", "mcp-search")["spec"]["http"][0]["route"]
    assert all(route["route"] == inside for route in ingress(objects)["http"])


def test_connections_are_encrypted_even_where_automatic_mutual_tls_is_off() -> None:
    """Istio API, ClientTLSSettings: ISTIO_MUTUAL."""
    assert render().one("DestinationRule")["spec"]["trafficPolicy"]["tls"] == {"mode": "ISTIO_MUTUAL"}


def test_external_hosts_are_declared_in_the_namespace_of_the_service_only() -> None:
    """Istio API, ServiceEntry: with REGISTRY_ONLY a host without an entry is unreachable."""
    entry = render(egress_hosts=["llm.example.com"]).one("ServiceEntry")["spec"]
    assert entry["hosts"] == ["llm.example.com"]
    assert (entry["location"], entry["resolution"], entry["exportTo"]) == ("MESH_EXTERNAL", "DNS", ["."])
    assert entry["ports"] == [{"number": 443, "name": "tls", "protocol": "TLS"}]
    assert "ServiceEntry" not in render().kinds()


def test_client_urls_inside_the_mesh_and_at_the_gateway() -> None:
    """Requirement CMP-16: plain HTTP inside, because sidecars encrypt; below the service name at the gateway."""
    args = service_args(path="/mcp")
    assert service_url("mcp-search", args) == f"http://{HOST}:8000/mcp"
    assert exposed_path("mcp-search", args) == "/mcp-search/mcp"


def test_an_endpoint_at_the_root_is_exposed_below_the_name_of_its_service() -> None:
    """Requirement SRV-2: an external server may serve `/` alone."""
    objects = render_exposed(runtime="external", path="/", callers=["mcp-controller"])
    routes = ingress(objects)["http"]
    assert [route["match"][0]["uri"] for route in routes] == [{"exact": "/mcp-search"}, {"prefix": "/mcp-search/"}]
    assert [route["rewrite"] for route in routes] == [{"uri": "/"}, {"uri": "/"}]
    assert exposed_path("mcp-search", service_args(runtime="external", path="/")) == "/mcp-search"
    (rule,) = objects.one("AuthorizationPolicy")["spec"]["rules"]
    assert rule["to"][0]["operation"]["paths"] == ["/", "/*"]


def test_an_endpoint_at_the_root_of_a_service_has_both_forms() -> None:
    """Requirement WEB-6: `/name` and `/name/` are the same endpoint."""
    external = {"path": "/", "runtime": "external", "port": 3001}
    endpoint, beneath = ingress(render_exposed(**external))["http"]
    paths = [{"exact": "/mcp-search"}, {"exact": "/mcp-search/"}]
    assert [match["uri"] for match in endpoint["match"]] == paths
    assert beneath["match"] == [{"uri": {"prefix": "/mcp-search/"}}]
    own = render_exposed(**external, hosts=["search.example.com"]).one("VirtualService", "mcp-search-hosts")["spec"]
    assert [match["uri"] for rule in own["http"] for match in rule["match"]] == [{"exact": "/"}, {"prefix": "/"}]

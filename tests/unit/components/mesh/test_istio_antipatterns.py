"""Istio antipatterns in routing and multi-cluster configuration: rendered objects avoid each of them."""

from typing import Any

import pytest
from pydantic import ValidationError

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.cluster.istio_releases import istio_releases
from meshed_mcp.infra.checks.schema import schema_issues
from meshed_mcp.infra.checks.schemas import schema_file
from tests.unit.components.mesh.mesh_rendering import (
    CANARY,
    TRACING,
    Objects,
    mesh_args,
    render,
    render_exposed,
    render_mesh,
)

EAST: dict[str, Any] = {
    "topology": "multi-primary",
    "mesh_id": "mcp",
    "cluster": "east",
    "network": "network-east",
    "root": {"issuer": {"name": "mesh-root"}},
    "peers": {"west": {"network": "network-west", "kubeconfig": "the-access"}},
}

ISTIO_GROUPS = ("networking.istio.io", "security.istio.io", "telemetry.istio.io", "extensions.istio.io")


def everything() -> Objects:
    """Every kind of object that is rendered."""
    service = render_exposed(rollout=CANARY, callers=["mcp-controller"], egress_hosts=["a.example"])
    return Objects([*service, *render_mesh(tls_secret="tls", tracing=TRACING)])  # noqa: S106 - the name of a Secret


def istio_objects(items: Objects) -> list[Manifest]:
    """Those of Istio's own kinds."""
    return [item for item in items if item["apiVersion"].partition("/")[0] in ISTIO_GROUPS]


def http_routes(items: Objects) -> list[Manifest]:
    """Every HTTP route of every VirtualService."""
    return [route for item in items if item["kind"] == "VirtualService" for route in item["spec"]["http"]]


def test_01_only_v1_is_rendered() -> None:
    """Istio 1.31 CRDs: v1beta1 and v1alpha1 are still served but old; EnvoyFilter has no v1 (correction 14)."""
    objects = [item for item in istio_objects(everything()) if item["kind"] != "EnvoyFilter"]
    assert {item["apiVersion"].partition("/")[2] for item in objects} == {"v1"}


def test_02_every_istio_object_names_its_namespace() -> None:
    """Istio, "Peer Authentication": policies hold per namespace, so an omitted one protects the default namespace."""
    assert all(item["metadata"]["namespace"] for item in istio_objects(everything()))


def test_02_strict_mutual_tls_is_mesh_wide() -> None:
    """Istio, "Mutual TLS": an object `default` in the root namespace, without a selector, holds for the mesh."""
    policy = render_mesh().one("PeerAuthentication")
    assert (policy["metadata"]["name"], policy["metadata"]["namespace"]) == ("default", "istio-system")
    assert policy["spec"] == {"mtls": {"mode": "STRICT"}}


def test_03_every_subset_that_a_route_names_is_defined() -> None:
    """Istio message IST0101: Envoy responds 503 for an undefined subset."""
    for rollout in ({}, CANARY):
        objects = render_exposed(rollout=rollout)
        defined = {subset["name"] for subset in objects.one("DestinationRule")["spec"]["subsets"]}
        named = {target["destination"]["subset"] for route in http_routes(objects) for target in route["route"]}
        assert named <= defined


def test_03_every_subset_selects_the_pods_of_a_deployment() -> None:
    """Istio API, Subset: labels select endpoints; Envoy responds 503 for a subset without pods."""
    objects = render(rollout=CANARY)
    pods = [item["spec"]["template"]["metadata"]["labels"] for item in objects if item["kind"] == "Deployment"]
    for subset in objects.one("DestinationRule")["spec"]["subsets"]:
        assert any(subset["labels"].items() <= labels.items() for labels in pods)


def test_04_no_field_is_unknown_to_the_schema() -> None:
    """Istio 1.31 CRDs: `circuitBreaker` and other unknown fields are pruned silently, leaving no breaker."""
    objects = everything()
    assert [fault for item in objects for fault in schema_issues(item)] == []
    policy = objects.one("DestinationRule")["spec"]["trafficPolicy"]
    assert {"outlierDetection", "connectionPool"} <= policy.keys()


def test_05_min_health_percent_is_not_rendered_by_default() -> None:
    """Istio API, OutlierDetection `minHealthPercent`: below it, ejection is off; the default 0 keeps it on."""
    assert "minHealthPercent" not in outlier_detection(render())


def test_06_both_outlier_counters_are_set() -> None:
    """Istio API, OutlierDetection: an omitted counter keeps its default."""
    detection = outlier_detection(render())
    assert {"consecutive5xxErrors", "consecutiveGatewayErrors"} <= detection.keys()
    assert detection["maxEjectionPercent"] == 50


def test_07_balancing_is_least_request() -> None:
    """Istio API, LoadBalancerSettings: ROUND_ROBIN is "generally unsafe" and streams make counts uneven."""
    assert render().one("DestinationRule")["spec"]["trafficPolicy"]["loadBalancer"]["simple"] == "LEAST_REQUEST"
    definitions = schema_file("istio")["$defs"]
    spec = definitions["networking.istio.io.v1.DestinationRule"]["properties"]["spec"]["properties"]
    known = spec["trafficPolicy"]["properties"]["loadBalancer"]["properties"]["simple"]["enum"]
    assert "LEAST_REQUEST" in known


def test_08_distribute_and_failover_are_never_rendered_together() -> None:
    """Istio's admission: "can not simultaneously specify"."""
    for locality in ({"failover": {"eu": "us"}}, {"distribute": {"eu/*": {"eu/*": 100}}}):
        policy = render(traffic={"locality": locality}).one("DestinationRule")["spec"]["trafficPolicy"]
        assert len({"distribute", "failover"} & policy["loadBalancer"]["localityLbSetting"].keys()) == 1
    with pytest.raises(ValidationError, match="exclude each other"):
        render(traffic={"locality": {"failover": {"eu": "us"}, "distribute": {"eu/*": {"eu/*": 100}}}})


def test_09_failover_is_rendered_with_outlier_detection() -> None:
    """Istio's admission warns: without outlier detection, failover does nothing."""
    failover = {"locality": {"failover": {"eu": "us"}}}
    assert "outlierDetection" in render(traffic=failover).one("DestinationRule")["spec"]["trafficPolicy"]
    with pytest.raises(ValidationError, match="needs outlier_detection"):
        render(traffic=failover | {"outlier_detection": None})


def test_20_gateway_has_no_listener_without_routes() -> None:
    """Istio: a server in mode ISTIO_MUTUAL on 15443 is admitted and gets no listener."""
    objects = render_mesh(tls_secret="tls")  # noqa: S106 - the name of a Secret
    servers = [objects.one("Gateway", name)["spec"]["servers"][0] for name in ("mcp-https-redirect", "mcp")]
    assert [server["port"]["number"] for server in servers] == [80, 443]
    assert servers[1]["tls"]["mode"] == "SIMPLE"


def test_21_cluster_that_joins_a_mesh_has_all_required_settings() -> None:
    """Istio, "Install Multi-Primary on different networks": a Gateway alone joins nothing."""
    joined = mesh_args(multi_cluster=EAST)
    objects = render_mesh(multi_cluster=EAST)
    values = {item.name: item.values for item in istio_releases(joined)}["istiod"]["global"]
    assert values["meshID"] == "mcp"
    assert values["multiCluster"] == {"clusterName": "east"}
    assert values["network"] == "network-east"
    network = objects.one("Namespace", "istio-system")["metadata"]["labels"]["topology.istio.io/network"]
    assert network == values["network"]
    assert objects.one("Certificate")["spec"]["secretName"] == "cacerts"
    access = objects.one("Secret", "istio-remote-secret-west")["metadata"]["labels"]
    assert access["istio/multiCluster"] == "true"
    with pytest.raises(ValidationError, match="root is missing"):
        mesh_args(multi_cluster={key: value for key, value in EAST.items() if key != "root"})


def test_22_default_route_of_the_mesh_comes_last_and_matches_everything() -> None:
    """Istio API, VirtualService: what no route matches gets 404."""
    for rollout in ({}, CANARY):
        assert "match" not in http_routes(render(rollout=rollout))[-1]


def test_23_patterns_are_valid_re2() -> None:
    """Istio's admission rejects look-aheads; RE2 matches the whole value."""
    variant = {"strategy": "ab", "image": "search:2"}
    (first, _) = http_routes(render(rollout=variant | {"regex": ".*Mobile.*"}))
    assert first["match"] == [{"headers": {"user-agent": {"regex": ".*Mobile.*"}}}]
    with pytest.raises(ValidationError, match="not an RE2 pattern"):
        render(rollout=variant | {"regex": "(?=.*Mobile).*"})


def test_24_retries_never_repeat_a_call_that_a_server_may_have_received() -> None:
    """Envoy, `retry_on`: 5xx, reset and gateway-error repeat a POST that already ran."""
    for route in http_routes(render_exposed()):
        conditions = set(route["retries"]["retryOn"].split(","))
        assert conditions == {"connect-failure", "refused-stream", "retriable-headers"}
        assert route["headers"]["request"]["set"]["x-envoy-retriable-header-names"] == "x-mcp-connect-failure"


def test_25_fault_injection_is_on_routes_of_its_own() -> None:
    """Istio API, HTTPFaultInjection: time-outs and retries are off where a client-side fault is set."""
    routes = http_routes(render_exposed(faults={"slow": {"delay_seconds": 1}}))
    faulty = [route for route in routes if "fault" in route]
    assert faulty
    assert all(match["headers"]["x-mcp-fault"] for route in faulty for match in route["match"])
    sound = [route for route in routes if "fault" not in route]
    assert sound == http_routes(render_exposed())


def test_26_no_route_has_a_timeout() -> None:
    """Istio API, HTTPRoute `timeout`: disabled by default; `0s` is rejected, any other value cuts streams."""
    assert not any("timeout" in route or "perTryTimeout" in route["retries"] for route in http_routes(render_exposed()))


def test_27_weights_sum_to_100() -> None:
    """Istio admits 110 and reads it as a ratio."""
    for route in http_routes(render_exposed(rollout=CANARY)):
        assert sum(target["weight"] for target in route["route"]) == 100


def test_28_connection_pools_are_sized_for_streams() -> None:
    """Istio API, ConnectionPoolSettings: a stream holds a request and a connection as long as it lives."""
    pool = render().one("DestinationRule")["spec"]["trafficPolicy"]["connectionPool"]
    assert pool["tcp"]["maxConnections"] == pool["http"]["http2MaxRequests"] >= 1024
    assert "maxRequestsPerConnection" not in pool["http"]
    assert "idleTimeout" in pool["tcp"]


def test_31_every_meshed_namespace_denies_by_default() -> None:
    """Istio, AuthorizationPolicy "allow-nothing": an ALLOW policy elsewhere closes nothing here."""
    policies = [item for item in render_mesh(namespaces=["one", "two"]) if item["kind"] == "AuthorizationPolicy"]
    assert [(item["metadata"]["namespace"], item["spec"]) for item in policies] == [("one", {}), ("two", {})]


def test_35_traces_name_their_provider() -> None:
    """Istio chart, `tracer: none`: without a named provider no span leaves a proxy."""
    objects = [item for item in render_mesh(tracing=TRACING) if item["kind"] == "Telemetry"]
    assert [item["spec"]["tracing"][0]["providers"] for item in objects] == [[{"name": "otlp"}]] * 2


def test_36_sampling_is_explicit_and_not_the_default_one_percent() -> None:
    """Istio, Telemetry `randomSamplingPercentage`: left out, one percent of the requests is traced."""
    objects = render_mesh(tracing=TRACING | {"sampling_percent": 25})
    ingress, inside = objects.one("Telemetry", "istio-ingress"), objects.one("Telemetry", "mesh-default")
    assert ingress["spec"]["tracing"][0]["randomSamplingPercentage"] == 25
    assert ingress["spec"]["selector"]["matchLabels"] == objects.one("Gateway")["spec"]["selector"]
    assert inside["spec"]["tracing"][0]["randomSamplingPercentage"] == 100  # measured: less would cut kept traces


def outlier_detection(items: Objects) -> Manifest:
    """The service's outlier detection."""
    detection: Manifest = items.one("DestinationRule")["spec"]["trafficPolicy"]["outlierDetection"]
    return detection

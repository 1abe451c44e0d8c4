"""Ambient mode: objects in place of sidecars, and rejected settings."""

from typing import Any, Final

import pytest
import yaml
from pydantic import ValidationError

from meshed_mcp import contract
from meshed_mcp.components.mesh.ambient.routes import unsupported_fields
from meshed_mcp.components.mesh.ambient.validation import SIDECAR_ONLY_FIELDS
from meshed_mcp.components.mesh.cluster import manifests as cluster
from meshed_mcp.components.mesh.cluster.istio_releases import istio_releases
from meshed_mcp.components.mesh.service import manifests as service
from meshed_mcp.error_codes import mesh as codes
from tests.unit.components.mesh.mesh_rendering import CANARY, INGRESS, TRACING, Objects, mesh_args, service_args

AMBIENT: Final = {"mode": "ambient", "outbound": "ALLOW_ANY"}
GATEWAY_API: Final = "gateway.networking.k8s.io/v1"


def mesh(**settings: Any) -> Objects:
    """Objects of an ambient mesh."""
    return Objects(cluster.mesh_manifests(mesh_args(**AMBIENT, **settings)))


def served(**settings: Any) -> Objects:
    """Objects of a service in ambient mode."""
    return Objects(service.service_manifests("mcp-x", service_args(mode="ambient", callers=["mcp-y"], **settings)))


def release_values(name: str) -> dict[str, Any]:
    """Helm values of a release in ambient mode."""
    return {item.name: item.values for item in istio_releases(mesh_args(**AMBIENT))}[name]


def test_ztunnel_is_installed_after_the_cni_agent() -> None:
    """Istio, "Install with Helm" (ambient): base, istiod, cni, ztunnel."""
    names = [item.name for item in istio_releases(mesh_args(**AMBIENT))]
    assert names[1:5] == ["istio-base", "istiod", "istio-cni", "ztunnel"]
    assert "ztunnel" not in [item.name for item in istio_releases(mesh_args())]


@pytest.mark.parametrize("release", ["istio-base", "istiod", "istio-cni", "ztunnel"])
def test_every_chart_gets_the_ambient_profile(release: str) -> None:
    """Istio 1.31 charts, `files/profile-ambient.yaml`."""
    assert release_values(release)["profile"] == "ambient"


def test_mesh_default_retries_only_failed_connections() -> None:
    """Requirement NET-4: Gateway API routes cannot limit retries, and Istio's default repeats 503 responses."""
    policy = release_values("istiod")["meshConfig"]["defaultHttpRetryPolicy"]
    assert policy == {"attempts": 2, "retryOn": "connect-failure,refused-stream"}


def test_namespaces_are_ambient_and_not_injected() -> None:
    """Istio, "Add workloads to the mesh": both labels at once would put sidecars into ambient pods."""
    labels = mesh().one("Namespace", "mcp-system")["metadata"]["labels"]
    assert labels["istio.io/dataplane-mode"] == "ambient"
    assert not {"istio-injection", "istio.io/rev"} & set(labels)


def test_each_namespace_has_a_waypoint_of_the_requested_size() -> None:
    """Istio, "Configure waypoint proxies"; Gateway API deployment, `parametersRef`."""
    found = mesh(waypoint={"min_replicas": 3, "max_replicas": 4, "cpu": "1", "memory": "1Gi"})
    gateway = found.one("Gateway", "waypoint")
    assert (gateway["apiVersion"], gateway["spec"]["gatewayClassName"]) == (GATEWAY_API, "istio-waypoint")
    (listener,) = gateway["spec"]["listeners"]
    assert (listener["port"], listener["protocol"]) == (15008, "HBONE")
    options = found.one("ConfigMap", gateway["spec"]["infrastructure"]["parametersRef"]["name"])["data"]
    assert yaml.safe_load(options["horizontalPodAutoscaler"])["spec"]["minReplicas"] == 3
    assert yaml.safe_load(options["podDisruptionBudget"])["spec"]["maxUnavailable"] == 1


def test_spans_of_waypoints_follow_the_sampling_of_the_gateway() -> None:
    """Istio, Telemetry `targetRefs`: waypoints take objects that name them."""
    found = mesh(tracing=TRACING).one("Telemetry", "waypoint")["spec"]
    assert found["targetRefs"][0]["kind"] == "Gateway"
    assert found["tracing"][0]["randomSamplingPercentage"] == 100


def test_waypoint_forwards_the_client_identity_and_servers_trust_it() -> None:
    """Istio 1.31, issue 54995; ztunnel lets only the waypoint connect, whose pods' addresses come and go."""
    annotations = mesh().one("Gateway", "waypoint")["spec"]["infrastructure"]["annotations"]
    assert annotations == {"ambient.istio.io/xfcc-include-client-identity": "true"}
    (container,) = served().one("Deployment")["spec"]["template"]["spec"]["containers"]
    assert {"name": contract.ENV_TRUSTED_PROXIES, "value": "*"} in container["env"]


def test_pods_accept_calls_only_from_their_waypoint() -> None:
    """Istio, "Use Layer 4 security policy": else a caller could pass the waypoint, and its rules, by."""
    found = served().one("AuthorizationPolicy", "mcp-x-pods")["spec"]
    waypoint, management = found["rules"]
    assert found["selector"] == {"matchLabels": {"app": "mcp-x"}}
    assert waypoint["from"] == [{"source": {"principals": ["cluster.local/ns/mcp-system/sa/waypoint"]}}]
    assert waypoint["to"] == [{"operation": {"ports": ["8000"]}}]
    assert management == {"to": [{"operation": {"ports": ["9464"]}}]}


def test_only_the_management_port_accepts_plain_text() -> None:
    """Istio, PeerAuthentication `portLevelMtls`: Prometheus is outside the mesh."""
    spec = served().one("PeerAuthentication")["spec"]
    assert (spec["mtls"], spec["portLevelMtls"]) == ({"mode": "STRICT"}, {"9464": {"mode": "PERMISSIVE"}})


def test_callers_and_tools_are_authorized_at_the_waypoint() -> None:
    """Istio, "Use Layer 7 features": `targetRefs` to the Service; the rules are those of sidecar mode."""
    tools = {"erase": {"allow": ["mcp-y"]}}
    ours = served(tools=tools).one("AuthorizationPolicy", "mcp-x")["spec"]
    theirs = Objects(service.service_manifests("mcp-x", service_args(callers=["mcp-y"], tools=tools)))
    assert ours["targetRefs"] == [{"group": "", "kind": "Service", "name": "mcp-x"}]
    assert ours["rules"] == theirs.one("AuthorizationPolicy", "mcp-x")["spec"]["rules"]
    assert "selector" not in ours


def test_canary_weights_are_divided_between_services_of_the_versions() -> None:
    """Gateway API, HTTPRoute `backendRefs`: it has no subsets."""
    found = served(rollout=CANARY)
    (rule,) = found.one("HTTPRoute")["spec"]["rules"]
    assert {item["name"]: item["weight"] for item in rule["backendRefs"]} == {"mcp-x-stable": 90, "mcp-x-canary": 10}
    assert found.one("Service", "mcp-x-canary")["spec"]["selector"] == {"app": "mcp-x", "version": "canary"}
    assert "istio.io/use-waypoint" not in found.one("Service", "mcp-x-canary")["metadata"]["labels"]


def test_preview_version_is_chosen_by_header_and_the_active_one_otherwise() -> None:
    """Gateway API, HTTPRoute: rules with more matches win; the last has none."""
    found = served(rollout={"strategy": "blue_green", "image": "search:2"})
    preview, everything = found.one("HTTPRoute")["spec"]["rules"]
    assert preview["matches"][0]["headers"][0]["type"] == "Exact"
    assert preview["backendRefs"][0]["name"] == "mcp-x-green"
    assert everything["matches"] == [{"path": {"type": "PathPrefix", "value": "/"}}]
    assert everything["backendRefs"][0]["name"] == "mcp-x-stable"


def test_connection_rules_apply_to_every_version_and_leave_encryption_to_ztunnel() -> None:
    """Istio, DestinationRule: it holds for one host, and the route leads to the versions' hosts."""
    rules = [item["spec"] for item in served(rollout=CANARY) if item["kind"] == "DestinationRule"]
    assert [rule["host"].split(".")[0] for rule in rules] == ["mcp-x-stable", "mcp-x-canary"]
    for rule in rules:
        assert rule["trafficPolicy"]["outlierDetection"]
        assert not {"tls", "subsets"} & {*rule, *rule["trafficPolicy"]}


def test_ingress_gateway_routes_to_the_waypoint_which_chooses_the_version() -> None:
    """Istio, label `istio.io/ingress-use-waypoint`: without it the gateway passes the waypoint by."""
    found = served(expose=True, ingress=INGRESS, rollout=CANARY)
    labels = found.one("Service", "mcp-x")["metadata"]["labels"]
    assert (labels["istio.io/use-waypoint"], labels["istio.io/ingress-use-waypoint"]) == ("waypoint", "true")
    for rule in found.one("VirtualService")["spec"]["http"]:
        (target,) = rule["route"]
        assert target == {"destination": {"host": "mcp-x.mcp-system.svc.cluster.local", "port": {"number": 8000}}}


def test_ambient_pods_request_no_sidecar_and_no_sidecar_object_exists() -> None:
    """Requirement CFG-6: an annotation that no component reads would have no effect."""
    found = served(sidecar_egress_hosts=["data/redis"])
    template = found.one("Deployment")["spec"]["template"]["metadata"]
    marks = [key for texts in template.values() for key in texts if "istio.io" in key]
    assert marks == []
    assert not {"EnvoyFilter", "Sidecar"} & set(found.kinds())


def test_service_extension_runs_at_its_waypoint() -> None:
    """Istio API, TrafficExtension `targetRefs`."""
    lua = {"kind": "lua", "code": "function envoy_on_response(handle) end"}
    spec = served(extensions={"stamp": lua}).one("TrafficExtension")["spec"]
    assert spec["targetRefs"] == [{"group": "", "kind": "Service", "name": "mcp-x"}]


def test_rule_that_waypoint_routes_cannot_express_is_named() -> None:
    """Requirement NET-16: no part of a rule is dropped silently."""
    rules = [{"match": [{"headers": {"a": {"prefix": "x"}}, "port": 1}], "fault": {}, "route": []}]
    assert unsupported_fields(rules) == ["fault", "match.headers.prefix", "match.port"]


EVERYTHING: Final[dict[str, Any]] = {
    "legacy": "sticky",
    "proxy": "large",
    "faults": {"slow": {"delay_seconds": 1, "percent": 10}},
    "rate_limits": {"pod": {"rate": "10/s"}},
    "traffic": {"balancing": {"policy": "consistent_hash", "hash_header": "x-key"}},
    "extensions": {
        "out": {"kind": "lua", "code": "function envoy_on_request(handle) end", "direction": "client"},
    },
}


WHY: Final = {
    "legacy": codes.AMBIENT_STICKY.message(),
    "proxy": codes.AMBIENT_SERVICE_PROXY.message(),
    "rate_limits": codes.AMBIENT_RATE_LIMITS.message(),
    "faults": codes.AMBIENT_FAULT_INJECTION.message(),
    "traffic.balancing.hash_header": codes.AMBIENT_HASH_HEADER.message(),
    "extensions.out.direction": codes.AMBIENT_CLIENT_EXTENSION.message(),
}


def test_service_settings_that_need_sidecars_are_rejected_by_name_in_one_run() -> None:
    """Requirement NET-16: ambient mode renders what it supports and rejects the rest by name."""
    with pytest.raises(ValidationError) as caught:
        service_args(mode="ambient", **EVERYTHING)
    for field, why in WHY.items():
        assert f"{field}: {why}" in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        pytest.param(
            {"outbound": "REGISTRY_ONLY"}, f"outbound: {codes.AMBIENT_REGISTRY_ONLY.message()}", id="outbound"
        ),
        pytest.param(
            {"traffic_capture": "init-container"},
            f"traffic_capture: {codes.AMBIENT_INIT_CONTAINER.message()}",
            id="capture",
        ),
        pytest.param({"proxy": "small"}, f"proxy: {SIDECAR_ONLY_FIELDS['proxy']}", id="proxy"),
        pytest.param(
            {"egress_gateway": {"min_replicas": 1, "max_replicas": 1, "cpu": "1", "memory": "1Gi"}},
            f"egress_gateway: {SIDECAR_ONLY_FIELDS['egress_gateway']}",
            id="egress",
        ),
        pytest.param(
            {"revision": "1-31-1", "canary_revision": {"revision": "1-32-0", "istio_version": "1.32.0"}},
            f"canary_revision: {SIDECAR_ONLY_FIELDS['canary_revision']}",
            id="canary-revision",
        ),
        pytest.param(
            {"revision": "1-31-1", "data_plane": "1-31-1"},
            f"data_plane: {SIDECAR_ONLY_FIELDS['data_plane']}",
            id="data-plane",
        ),
        pytest.param(
            {"rate_limiting": {"redis": {"secret": "redis", "key": "address"}, "failure_mode": "open"}},
            f"rate_limiting: {SIDECAR_ONLY_FIELDS['rate_limiting']}",
            id="rate-limiting",
        ),
        pytest.param(
            {
                "multi_cluster": {
                    "topology": "multi-primary",
                    "mesh_id": "mcp",
                    "cluster": "east",
                    "network": "network-east",
                    "root": {"existing": True},
                }
            },
            f"multi_cluster: {SIDECAR_ONLY_FIELDS['multi_cluster']}",
            id="multi-cluster",
        ),
        pytest.param(
            {"extensions": {"a": {"kind": "lua", "code": "function envoy_on_request(handle) end"}}},
            f"extensions: {SIDECAR_ONLY_FIELDS['extensions']}",
            id="extensions",
        ),
    ],
)
def test_mesh_settings_that_need_sidecars_are_rejected_by_name(settings: dict[str, Any], line: str) -> None:
    """Requirement NET-16: ambient mode rejects by name the mesh settings that it cannot carry."""
    with pytest.raises(ValidationError) as caught:
        mesh_args(**{**AMBIENT, **settings})
    assert line in str(caught.value)


def test_service_chooses_its_access_log_at_the_waypoint() -> None:
    """Istio API, Telemetry `targetRefs`: a selector would name pods, which have no proxy of their own."""
    spec = served(access_log={"requests": "all"}).one("Telemetry")["spec"]
    assert spec["targetRefs"] == [{"group": "", "kind": "Service", "name": "mcp-x"}]
    assert "selector" not in spec
    assert "filter" not in spec["accessLogging"][0]
    assert "Telemetry" not in served().kinds()


def test_tokens_are_verified_at_the_waypoint_and_required_at_the_gateway() -> None:
    """Istio API, RequestAuthentication `targetRefs`; an HTTPRoute has no direct response."""
    auth = {
        "issuers": [{"issuer": "https://login.example.com", "jwks_url": "https://login.example.com/keys"}],
        "claims_to_headers": {"organization": "x-organization"},
    }
    found = served(auth=auth, expose=True, ingress=INGRESS)
    spec = found.one("RequestAuthentication")["spec"]
    assert spec["targetRefs"] == [{"group": "", "kind": "Service", "name": "mcp-x"}]
    assert "selector" not in spec
    (rule,) = found.one("HTTPRoute")["spec"]["rules"]
    assert rule["filters"] == [
        {"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": ["x-organization"]}}
    ]
    statuses = [
        rule["directResponse"]["status"]
        for rule in found.one("VirtualService")["spec"]["http"]
        if "directResponse" in rule
    ]
    assert set(statuses) == {401}


ISSUERS: Final = {"issuers": [{"issuer": "https://login.example.com", "jwks_url": "https://login.example.com/keys"}]}


def test_the_runtime_rejects_missing_and_invalid_tokens_behind_a_waypoint() -> None:
    """Requirement IDP-4: a waypoint's response names no metadata; Istio 1.31, CRDs: a rule cannot require a token."""
    found = served(auth=ISSUERS)
    assert "RequestAuthentication" not in found.kinds()
    assert "requestPrincipals" not in str(found.one("AuthorizationPolicy", "mcp-x"))
    names = {each["name"] for each in found.one("Deployment")["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert contract.ENV_AUTH_ISSUERS in names


def test_a_waypoint_validates_tokens_for_a_server_without_the_runtime() -> None:
    """Requirement SEC-4: nothing behind the waypoint would."""
    found = served(auth=ISSUERS, runtime="external", port=3001)
    assert found.one("RequestAuthentication")["spec"]["jwtRules"][0]["issuer"] == "https://login.example.com"
    assert "requestPrincipals" in str(found.one("AuthorizationPolicy", "mcp-x"))


def test_pods_of_an_external_server_accept_its_own_port_alone() -> None:
    """Istio, "Use Layer 4 security policy": ztunnel matches the port of the pod; there is no management port."""
    objects = served(runtime="external", port=3001)
    rules = objects.one("AuthorizationPolicy", "mcp-x-pods")["spec"]["rules"]
    assert [rule["to"][0]["operation"]["ports"] for rule in rules] == [["3001"]]
    assert "PeerAuthentication" not in objects.kinds()
    (rule,) = objects.one("AuthorizationPolicy", "mcp-x")["spec"]["rules"]
    assert "ports" not in rule["to"][0]["operation"]

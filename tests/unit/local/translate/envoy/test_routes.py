"""VirtualServices, DestinationRules and Gateways as Envoy routes and clusters, field by field."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.translate.envoy.clusters import UNLIMITED, outbound_clusters
from meshed_mcp.local.translate.envoy.gateway import (
    egress_clusters,
    egress_virtual_hosts,
    gateway_identity,
    gateway_virtual_hosts,
)
from meshed_mcp.local.translate.envoy.routes import mesh_virtual_hosts
from meshed_mcp.local.translate.envoy.tls import KeyFiles
from meshed_mcp.local.translate.references import unresolved_references
from meshed_mcp.local.translate.topology import Topology
from tests.unit.local import local_objects

LaidOut = Callable[[list[dict[str, Any]]], Topology]
FILES = KeyFiles(chain=Path("chain"), key=Path("key"), root=Path("root"))
OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
STABLE, CANARY = f"outbound|8000|stable|{local_objects.BACK}", f"outbound|8000|canary|{local_objects.BACK}"


def route_of_back(objects: list[dict[str, Any]]) -> dict[str, Any]:
    """The one HTTP route of VirtualService `back`."""
    route: dict[str, Any] = local_objects.find(objects, "VirtualService", "back")["spec"]["http"][0]
    return route


def policy_of_back(objects: list[dict[str, Any]]) -> dict[str, Any]:
    """The traffic policy of DestinationRule `back`."""
    policy: dict[str, Any] = local_objects.find(objects, "DestinationRule", "back")["spec"]["trafficPolicy"]
    return policy


def virtual_host(laid: Topology, host: str = local_objects.BACK, namespace: str = "mcp-system") -> dict[str, Any]:
    """The virtual host of a Service in a sidecar."""
    (found,) = [each for each in mesh_virtual_hosts(laid, namespace) if each["name"] == f"{host}:8000"]
    return found


def envoy_route(laid: Topology) -> dict[str, Any]:
    """The one route to `back`."""
    (route,) = virtual_host(laid)["routes"]
    return dict(route)


def cluster(laid: Topology, name: str) -> dict[str, Any]:
    """A cluster by name."""
    (found,) = [each for each in outbound_clusters(laid, "mcp-system", FILES) if each["name"] == name]
    return found


def test_weights_become_subset_weights(objects: list[dict[str, Any]], laid_out: LaidOut) -> None:
    """Istio HTTPRouteDestination, `weight` and `destination.subset`."""
    clusters = [{"name": STABLE, "weight": 75}, {"name": CANARY, "weight": 25}]
    assert envoy_route(laid_out(objects))["route"]["weighted_clusters"] == {"clusters": clusters}


def test_a_subset_holds_the_pods_with_its_labels(objects: list[dict[str, Any]], laid_out: LaidOut) -> None:
    """Istio Subset, `labels`; the sidecars' inbound ports stand for the pods."""
    laid = laid_out(objects)
    assert addresses(cluster(laid, STABLE)) == [("127.16.1.2", 15006), ("127.16.1.3", 15006)]
    assert addresses(cluster(laid, CANARY)) == [("127.16.1.4", 15006)]


def addresses(found: dict[str, Any]) -> list[tuple[str, int]]:
    """Endpoints of a cluster."""
    (locality,) = found["load_assignment"]["endpoints"]
    sockets = [each["endpoint"]["address"]["socket_address"] for each in locality["lb_endpoints"]]
    return [(each["address"], each["port_value"]) for each in sockets]


def test_a_route_without_timeout_never_ends_a_stream(objects: list[dict[str, Any]], laid_out: LaidOut) -> None:
    """Istio HTTPRoute, `timeout`: disabled by default; Envoy's own default would be 15 s."""
    assert envoy_route(laid_out(objects))["route"]["timeout"] == "0s"


def test_a_timeout_is_kept(objects: list[dict[str, Any]], laid_out: LaidOut) -> None:
    """Istio HTTPRoute, `timeout`, a Go duration."""
    route_of_back(objects)["timeout"] = "1m30s"
    assert envoy_route(laid_out(objects))["route"]["timeout"] == "90.000s"


def test_retries_go_to_another_replica(objects: list[dict[str, Any]], laid_out: LaidOut) -> None:
    """Istio HTTPRetry; istiod adds the predicate that avoids hosts already tried."""
    route_of_back(objects)["retries"] = {"attempts": 3, "retryOn": "connect-failure,503", "perTryTimeout": "500ms"}
    policy = envoy_route(laid_out(objects))["route"]["retry_policy"]
    assert policy["num_retries"] == 3
    assert policy["retry_on"] == "connect-failure,retriable-status-codes"
    assert policy["retriable_status_codes"] == [503]
    assert policy["per_try_timeout"] == "0.500s"
    assert policy["retry_host_predicate"][0]["name"] == "envoy.retry_host_predicates.previous_hosts"


def test_no_attempts_means_no_retry(objects: list[dict[str, Any]], laid_out: LaidOut) -> None:
    """Istio HTTPRetry, `attempts: 0`."""
    route_of_back(objects)["retries"] = {"attempts": 0}
    assert "retry_policy" not in envoy_route(laid_out(objects))["route"]


def test_a_route_without_retries_gets_istios_default(objects: list[dict[str, Any]], laid_out: LaidOut) -> None:
    """Source: istiod, retry.DefaultPolicy since 1.24."""
    del route_of_back(objects)["retries"]
    policy = envoy_route(laid_out(objects))["route"]["retry_policy"]
    assert (policy["num_retries"], policy["retry_on"]) == (2, "connect-failure,refused-stream,unavailable,cancelled")


def test_all_matches_are_translated_and_required(objects: list[dict[str, Any]], laid_out: LaidOut) -> None:
    """Istio HTTPMatchRequest; an empty header match means presence."""
    route_of_back(objects)["match"] = [
        {
            "uri": {"prefix": "/mcp"},
            "method": {"exact": "POST"},
            "headers": {"mcp-name": {"regex": "a.*"}, "mcp-session-id": {}},
            "withoutHeaders": {"x-legacy": {"exact": "1"}},
        }
    ]
    assert envoy_route(laid_out(objects))["match"] == {
        "prefix": "/mcp",
        "headers": [
            {"name": "mcp-name", "string_match": {"safe_regex": {"regex": "a.*"}}},
            {"name": "mcp-session-id", "present_match": True},
            {
                "name": "x-legacy",
                "string_match": {"exact": "1"},
                "invert_match": True,
                "treat_missing_header_as_empty": True,
            },
            {"name": ":method", "string_match": {"exact": "POST"}},
        ],
    }


def test_alternative_matches_become_routes_in_order(objects: list[dict[str, Any]], laid_out: LaidOut) -> None:
    """Istio HTTPRoute, `match`: one of the list suffices."""
    route_of_back(objects)["match"] = [{"uri": {"exact": "/a"}}, {"uri": {"regex": "/b.*"}}]
    matches = [each["match"] for each in virtual_host(laid_out(objects))["routes"]]
    assert matches == [{"path": "/a"}, {"safe_regex": {"regex": "/b.*"}}]


def test_header_changes_are_translated(objects: list[dict[str, Any]], laid_out: LaidOut) -> None:
    """Istio Headers: set overwrites, add appends, remove drops."""
    route_of_back(objects)["headers"] = {
        "request": {"set": {"x-a": "1"}, "add": {"x-b": "2"}, "remove": ["x-c"]},
        "response": {"remove": ["server"]},
    }
    route = envoy_route(laid_out(objects))
    assert route["request_headers_to_add"] == [
        {"header": {"key": "x-a", "value": "1"}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"},
        {"header": {"key": "x-b", "value": "2"}, "append_action": "APPEND_IF_EXISTS_OR_ADD"},
    ]
    assert (route["request_headers_to_remove"], route["response_headers_to_remove"]) == (["x-c"], ["server"])


def test_a_service_has_every_dns_name_with_its_port(objects: list[dict[str, Any]], laid_out: LaidOut) -> None:
    """Kubernetes, "DNS for Services and Pods"; a name without a port would mean port 80."""
    assert virtual_host(laid_out(objects))["domains"] == [
        "back:8000",
        "back.mcp-system:8000",
        "back.mcp-system.svc:8000",
        "back.mcp-system.svc.cluster.local:8000",
    ]


def test_the_short_name_belongs_to_the_callers_namespace(objects: list[dict[str, Any]], laid_out: LaidOut) -> None:
    """Kubernetes, "DNS for Services and Pods": search domains start with the pod's namespace."""
    assert "back:8000" not in virtual_host(laid_out(objects), namespace="other")["domains"]


def test_port_80_is_reached_without_naming_it(objects: list[dict[str, Any]], laid_out: LaidOut) -> None:
    """RFC 9110, section 4.2.1: the default port of http is 80."""
    for each in ("VirtualService", "DestinationRule"):
        objects.remove(local_objects.find(objects, each, "back"))
    local_objects.find(objects, "Service", "back")["spec"]["ports"][0]["port"] = 80
    hosts = mesh_virtual_hosts(laid_out(objects), "mcp-system")
    assert {"back", "back:80", local_objects.BACK} <= {name for host in hosts for name in host["domains"]}


def test_a_service_without_a_virtual_service_is_reached_as_a_whole(
    objects: list[dict[str, Any]], laid_out: LaidOut
) -> None:
    """Source: istiod, default route of a Service."""
    objects.remove(local_objects.find(objects, "VirtualService", "back"))
    assert envoy_route(laid_out(objects))["route"]["cluster"] == f"outbound|8000||{local_objects.BACK}"


def test_an_unknown_host_gets_502(objects: list[dict[str, Any]], laid_out: LaidOut) -> None:
    """Source: istiod, virtual host block_all of REGISTRY_ONLY."""
    last = mesh_virtual_hosts(laid_out(objects), "mcp-system")[-1]
    assert last["domains"] == ["*"]
    assert {each["direct_response"]["status"] for each in last["routes"]} == {502}


def test_the_gateway_rewrites_its_loopback_name_to_the_rendered_host(
    objects: list[dict[str, Any]], laid_out: LaidOut
) -> None:
    """Requirement LOC-1: a server sees the same Host locally as in the cluster."""
    laid = laid_out(objects)
    loopback, host = gateway_virtual_hosts(laid, laid.stack.gateways[0], 8080)
    assert loopback["domains"] == ["127.0.0.1:8080", "localhost:8080"]
    assert loopback["routes"][0]["route"]["host_rewrite_literal"] == "mcp.example.com"
    assert host["domains"] == ["mcp.example.com", "mcp.example.com:*"]
    assert host["routes"][0]["match"] == {"path": "/front/mcp"}
    assert host["routes"][0]["route"]["prefix_rewrite"] == "/mcp"


def test_an_authority_that_a_route_sets_wins_over_the_loopback_name(
    objects: list[dict[str, Any]], laid_out: LaidOut
) -> None:
    """Istio HTTPRewrite, `authority`."""
    route = local_objects.find(objects, "VirtualService", "front-ingress")["spec"]["http"][0]
    route["rewrite"]["authority"] = "inner.example.com"
    laid = laid_out(objects)
    hosts = gateway_virtual_hosts(laid, laid.stack.gateways[0], 8080)
    assert {each["routes"][0]["route"]["host_rewrite_literal"] for each in hosts} == {"inner.example.com"}


def test_a_port_that_redirects_to_https_serves_nothing(objects: list[dict[str, Any]], laid_out: LaidOut) -> None:
    """Requirement LOC-2: the local gateway speaks plain HTTP, so it serves the hosts of the HTTPS server."""
    (http,) = local_objects.find(objects, "Gateway", "mcp")["spec"]["servers"]
    https = {**http, "port": {"number": 443, "name": "https", "protocol": "HTTPS"}, "tls": {"mode": "SIMPLE"}}
    local_objects.find(objects, "Gateway", "mcp")["spec"]["servers"] = [{**http, "tls": {"httpsRedirect": True}}, https]
    laid = laid_out(objects)
    assert len(gateway_virtual_hosts(laid, laid.stack.gateways[0], 8080)) == 2


def test_the_gateways_identity_follows_from_its_selector(objects: list[dict[str, Any]], laid_out: LaidOut) -> None:
    """Istio's gateway chart: label `istio: ingress` for release and service account `istio-ingress`."""
    laid = laid_out(objects)
    assert gateway_identity(laid.stack.gateways[0], "cluster.local").principal == local_objects.GATEWAY_PRINCIPAL


def test_a_gateway_with_other_labels_is_rejected(objects: list[dict[str, Any]], laid_out: LaidOut) -> None:
    """Requirement LOC-2: an identity that cannot be known is not guessed."""
    local_objects.find(objects, "Gateway", "mcp")["spec"]["selector"] = {"app": "edge"}
    with pytest.raises(LocalRunError, match=r"Gateway istio-ingress/mcp: spec.selector=.* is not run locally"):
        gateway_identity(laid_out(objects).stack.gateways[0], "cluster.local")


def test_connection_limits_are_translated(objects: list[dict[str, Any]], laid_out: LaidOut) -> None:
    """Istio ConnectionPoolSettings to Envoy circuit breakers."""
    http = policy_of_back(objects)["connectionPool"]["http"]
    http |= {"maxRetries": 7, "maxRequestsPerConnection": 9}
    found = cluster(laid_out(objects), STABLE)
    (limits,) = found["circuit_breakers"]["thresholds"]
    assert [limits[each] for each in ("max_connections", "max_pending_requests", "max_requests", "max_retries")] == [
        4096, 1024, 2048, 7,
    ]  # fmt: skip
    assert found["connect_timeout"] == "3.000s"
    assert found["typed_extension_protocol_options"][OPTIONS]["common_http_protocol_options"] == {
        "idle_timeout": "900.000s",
        "max_requests_per_connection": 9,
    }


def test_keepalive_is_translated(objects: list[dict[str, Any]], laid_out: LaidOut) -> None:
    """Istio TcpKeepalive: whole seconds in Envoy."""
    policy_of_back(objects)["connectionPool"]["tcp"]["tcpKeepalive"] = {"time": "1m", "interval": "20s", "probes": 3}
    assert cluster(laid_out(objects), STABLE)["upstream_connection_options"] == {
        "tcp_keepalive": {"keepalive_probes": 3, "keepalive_time": 60, "keepalive_interval": 20}
    }


def test_without_a_policy_nothing_is_limited_and_least_request_is_used(
    objects: list[dict[str, Any]], laid_out: LaidOut
) -> None:
    """Source: istiod, defaults of a cluster without DestinationRule."""
    for each in ("VirtualService", "DestinationRule"):
        objects.remove(local_objects.find(objects, each, "back"))
    found = cluster(laid_out(objects), f"outbound|8000||{local_objects.BACK}")
    assert found["lb_policy"] == "LEAST_REQUEST"
    assert set(found["circuit_breakers"]["thresholds"][0].values()) == {UNLIMITED, True}
    assert found["connect_timeout"] == "10.000s"
    assert "outlier_detection" not in found


@pytest.mark.parametrize("simple", ["LEAST_REQUEST", "ROUND_ROBIN", "RANDOM"])
def test_load_balancers_are_translated(objects: list[dict[str, Any]], laid_out: LaidOut, simple: str) -> None:
    """Istio LoadBalancerSettings, `simple`."""
    policy_of_back(objects)["loadBalancer"] = {"simple": simple}
    assert cluster(laid_out(objects), STABLE)["lb_policy"] == simple


def test_outlier_detection_counts_both_kinds_of_errors(objects: list[dict[str, Any]], laid_out: LaidOut) -> None:
    """Istio OutlierDetection; istiod enforces gateway errors and never the success rate."""
    policy_of_back(objects)["outlierDetection"] |= {"minHealthPercent": 30, "splitExternalLocalOriginErrors": True}
    found = cluster(laid_out(objects), STABLE)
    assert found["common_lb_config"]["healthy_panic_threshold"] == {"value": 30}
    assert found["outlier_detection"] == {
        "consecutive_5xx": 5,
        "enforcing_consecutive_5xx": 100,
        "consecutive_gateway_failure": 4,
        "enforcing_consecutive_gateway_failure": 100,
        "split_external_local_origin_errors": True,
        "enforcing_success_rate": 0,
        "interval": "10.000s",
        "base_ejection_time": "30.000s",
        "max_ejection_percent": 50,
    }


def test_a_counter_of_zero_is_off(objects: list[dict[str, Any]], laid_out: LaidOut) -> None:
    """Istio OutlierDetection, `consecutive5xxErrors: 0` disables it."""
    policy_of_back(objects)["outlierDetection"] = {"consecutive5xxErrors": 0}
    assert cluster(laid_out(objects), STABLE)["outlier_detection"]["enforcing_consecutive_5xx"] == 0


def test_a_subsets_policy_replaces_the_hosts(objects: list[dict[str, Any]], laid_out: LaidOut) -> None:
    """Istio Subset, `trafficPolicy` overrides field by field."""
    rule = local_objects.find(objects, "DestinationRule", "back")["spec"]
    rule["subsets"][1]["trafficPolicy"] = {"loadBalancer": {"simple": "RANDOM"}}
    laid = laid_out(objects)
    assert (cluster(laid, STABLE)["lb_policy"], cluster(laid, CANARY)["lb_policy"]) == ("LEAST_REQUEST", "RANDOM")
    assert cluster(laid, CANARY)["outlier_detection"]["max_ejection_percent"] == 50


def test_a_client_accepts_only_the_servers_own_service_account(
    objects: list[dict[str, Any]], laid_out: LaidOut
) -> None:
    """Istio, "Security", secure naming: the certificate must name the destination's service account."""
    context = cluster(laid_out(objects), STABLE)["transport_socket"]["typed_config"]["common_tls_context"]
    assert context["validation_context"]["match_typed_subject_alt_names"] == [
        {"san_type": "URI", "matcher": {"exact": "spiffe://cluster.local/ns/mcp-system/sa/back"}}
    ]


def test_other_domains_are_read_from_the_objects(objects: list[dict[str, Any]], laid_out: LaidOut) -> None:
    """Requirement LOC-1: trust domain and DNS suffix are read from the rendered objects."""
    for each in ("front", "back"):
        source = local_objects.find(objects, "AuthorizationPolicy", each)["spec"]["rules"][0]["from"][0]["source"]
        source["principals"] = [source["principals"][0].replace("cluster.local", "example.org")]
        rule = local_objects.find(objects, "DestinationRule", each)["spec"]
        rule["host"] = rule["host"].replace("cluster.local", "k8s.example.org")
    laid = laid_out(objects)
    assert {pod.identity.uri for pod in laid.pods if pod.name == "back-0"} == {
        "spiffe://example.org/ns/mcp-system/sa/back"
    }
    assert laid.fqdn(laid.stack.services[0]) == "front.mcp-system.svc.k8s.example.org"


def test_two_trust_domains_are_rejected(objects: list[dict[str, Any]], laid_out: LaidOut) -> None:
    """Requirement LOC-2: the local run has one mesh."""
    source = local_objects.find(objects, "AuthorizationPolicy", "back")["spec"]["rules"][0]["from"][0]["source"]
    source["principals"] = ["other.org/ns/mcp-system/sa/front"]
    with pytest.raises(LocalRunError, match=r"more than one trust domain \(cluster.local, other.org\), and one is run"):
        laid_out(objects)


@pytest.mark.parametrize(
    ("owner", "field", "value", "line"),
    [
        (
            "VirtualService back",
            "hosts",
            ["x.org"],
            ("spec.hosts='x.org' is not a Service of this stack; set one that is, or add it"),
        ),
        (
            "VirtualService front-ingress",
            "hosts",
            ["x.org"],
            ("spec.hosts='x.org' is not a host of Gateway istio-ingress/mcp of this stack; set one that is, or add it"),
        ),
        (
            "VirtualService back",
            "gateways",
            ["a/b"],
            ("spec.gateways[0]='a/b' is not a Gateway of this stack; set one that is, or add it"),
        ),
        (
            "DestinationRule back",
            "host",
            "x",
            ("spec.host='x' is not a Service of this stack; set one that is, or add it"),
        ),
    ],
)
def test_unknown_names_are_rejected(
    objects: list[dict[str, Any]], laid_out: LaidOut, owner: str, field: str, value: Any, line: str
) -> None:
    """Requirement CFG-6: an object without effect is an error."""
    kind, name = owner.split()
    local_objects.find(objects, kind, name)["spec"][field] = value
    assert unresolved_references(laid_out(objects)) == [f"{kind} mcp-system/{name}: {line}"]


def test_a_missing_service_account_is_rejected(objects: list[dict[str, Any]], laid_out: LaidOut) -> None:
    """Kubernetes rejects pods of a service account that does not exist."""
    objects.remove(local_objects.find(objects, "ServiceAccount", "front"))
    assert unresolved_references(laid_out(objects)) == [
        (
            "Deployment mcp-system/front: spec.template.spec.serviceAccountName='front' is not "
            "a ServiceAccount of this stack; set one that is, or add it"
        )
    ]


@pytest.mark.parametrize(
    ("destination", "line"),
    [
        ({"host": "unknown"}, r"route\[0\]\.destination\.host='unknown' is not a Service of this stack"),
        ({"host": "back", "subset": "green"}, r"destination\.subset='green' is not a subset of back\."),
        ({"host": "back", "port": {"number": 81}}, r"Service mcp-system/back: spec.ports does not have the port 81"),
    ],
)
def test_a_route_to_an_unknown_destination_is_rejected(
    objects: list[dict[str, Any]], laid_out: LaidOut, destination: dict[str, Any], line: str
) -> None:
    """Istio IST0101: a missing host or subset returns 503 in a cluster."""
    route_of_back(objects)["route"] = [{"destination": destination}]
    with pytest.raises(LocalRunError, match=line):
        mesh_virtual_hosts(laid_out(objects), "mcp-system")


def test_two_virtual_services_for_one_host_are_rejected(objects: list[dict[str, Any]], laid_out: LaidOut) -> None:
    """Istio: a sidecar uses the oldest of them, which is unknown here."""
    second = local_objects.virtual_service("second", ["back"], ["mesh"], [local_objects.weighted_route()])
    with pytest.raises(LocalRunError, match="mcp-system/back and mcp-system/second both route host"):
        mesh_virtual_hosts(laid_out([*objects, second]), "mcp-system")


def test_an_object_exported_to_its_own_namespace_is_unknown_elsewhere(
    objects: list[dict[str, Any]], laid_out: LaidOut
) -> None:
    """Istio, field `exportTo`."""
    local_objects.find(objects, "VirtualService", "back")["spec"]["exportTo"] = ["."]
    laid = laid_out(objects)
    assert "weighted_clusters" in virtual_host(laid)["routes"][0]["route"]
    assert "weighted_clusters" not in virtual_host(laid, namespace="other")["routes"][0]["route"]


def test_a_service_whose_target_is_no_process_is_rejected(objects: list[dict[str, Any]], laid_out: LaidOut) -> None:
    """Requirement LOC-2: a local sidecar serves the one application port."""
    local_objects.find(objects, "Service", "back")["spec"]["ports"][0]["targetPort"] = "http-metrics"
    with pytest.raises(LocalRunError, match=r"targetPort='http-metrics' is not the port 8000 of back-0"):
        laid_out(objects)


def test_a_declared_external_host_is_reached_by_connect_only(objects: list[dict[str, Any]], laid_out: LaidOut) -> None:
    """Istio ServiceEntry, protocol TLS; exportTo "." keeps it to its namespace."""
    spec = {
        "hosts": ["llm.example.com"],
        "ports": [{"number": 443, "name": "tls", "protocol": "TLS"}],
        "resolution": "DNS",
        "exportTo": ["."],
    }
    objects.append(local_objects.item("networking.istio.io/v1", "ServiceEntry", "llm", "mcp-system", spec))
    laid = laid_out(objects)
    (host,) = egress_virtual_hosts(laid, "mcp-system")
    assert host["domains"] == ["llm.example.com:443"]
    assert [each["match"] for each in host["routes"]] == [{"connect_matcher": {}}]
    (found,) = egress_clusters(laid, "mcp-system")
    assert addresses(found) == [("llm.example.com", 443)]
    assert egress_virtual_hosts(laid, "other") == egress_clusters(laid, "other") == []

"""Proxy configuration of a real istiod for a client sidecar, a server sidecar and the gateway.

Each test names one rule that we rely on. Whether istiod takes the objects at all: test_istiod.py. What proxies then do
with real traffic: the tests of the local run.
"""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from meshed_mcp import contract
from meshed_mcp.components.mesh.routing.destination_rule_args import Connections
from meshed_mcp.local.process.engines import envoy_program
from tests.engines import istiod_mesh, local_stack, stock_bootstrap
from tests.engines import proxy_views as views
from tests.engines.api_server import ApiServer
from tests.engines.proxied_pods import configurations

BACK: Final = f"back.{local_stack.NAMESPACE}.svc.cluster.local"
FRONT: Final = f"front.{local_stack.NAMESPACE}.svc.cluster.local"
SESSIONS: Final = f"meshed-mcp.sessions.back.{local_stack.NAMESPACE}"
"""Name of the filter that keeps sessions of `back` on their replica."""


@pytest.fixture(scope="module")
def proxies(
    find_engine: Callable[[str], Path], api_server: ApiServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    """The configuration of every pod's proxy, by pod; the stack leaves the API server afterwards."""
    program, folder = find_engine("pilot-discovery"), tmp_path_factory.mktemp("istiod")
    with configurations(program, api_server, folder, istiod_mesh.objects()) as found:
        yield found


def routes_to_back(proxies: dict[str, Any]) -> list[views.Config]:
    """How the sidecar of a caller finds `back`."""
    return views.routes(proxies["front"], "8000")[f"{BACK}:8000"]


def inbound(proxies: dict[str, Any], pod: str) -> list[views.Config]:
    """What the sidecar of `pod` does with HTTP that arrives, by port and for all other ports."""
    return list(views.managers(views.listeners(proxies[pod])["virtualInbound"]))


def policies(proxies: dict[str, Any], pod: str) -> dict[str, Any]:
    """Who may reach `pod`, one way for all ports."""
    found = [
        entry["typedConfig"]["rules"].get("policies", {})
        for manager in inbound(proxies, pod)
        for entry in manager["httpFilters"]
        if entry["name"] == "envoy.filters.http.rbac"
    ]
    assert len(found) == len(inbound(proxies, pod))
    assert all(each == found[0] for each in found)
    return dict(found[0])


def identities(policy: Any) -> set[str]:
    """Identities that a policy names."""
    return {text for text in views.texts(policy) if text.startswith("spiffe://")}


def test_a_canary_gets_its_weight_of_the_calls(proxies: dict[str, Any]) -> None:
    """Envoy, `weighted_clusters`: shares of their sum, which is 100."""
    shares = {"stable": 75, "canary": 25}
    expected = [{"name": f"outbound|8000|{subset}|{BACK}", "weight": weight} for subset, weight in shares.items()]
    assert routes_to_back(proxies)[-1]["route"]["weightedClusters"]["clusters"] == expected


def test_sessions_are_routed_before_the_weights_and_to_all_replicas(proxies: dict[str, Any]) -> None:
    """Requirement NET-7: a weight drawn per request would change the version within a session."""
    session, _ = routes_to_back(proxies)
    assert session["match"]["headers"] == [{"name": contract.SESSION_HEADER, "presentMatch": True}]
    assert session["route"]["cluster"] == f"outbound|8000||{BACK}"


@pytest.mark.parametrize("pod", ["front", "gateway"])
def test_no_route_has_a_timeout(proxies: dict[str, Any], pod: str) -> None:
    """Requirement NET-6; Envoy, `RouteAction.timeout`: its default of 15 s would end every stream; 0 is none."""
    table = "http.80" if pod == "gateway" else "8000"
    actions = [
        route["route"]
        for name, found in views.routes(proxies[pod], table).items()
        if name != "block_all"
        for route in found
    ]
    assert {action["timeout"] for action in actions} == {"0s"}
    assert {manager["streamIdleTimeout"] for manager in inbound(proxies, "back")} == {"0s"}


@pytest.mark.parametrize("pod", ["front", "gateway"])
def test_only_calls_that_reached_no_server_are_retried(proxies: dict[str, Any], pod: str) -> None:
    """Requirement NET-4: no tool runs twice; Istio's default retries responses with 503, too."""
    table = "http.80" if pod == "gateway" else "8000"
    conditions = {
        route["route"]["retryPolicy"]["retryOn"]
        for name, found in views.routes(proxies[pod], table).items()
        if name != "block_all"
        for route in found
    }
    assert conditions == {"connect-failure,refused-stream,retriable-headers"}


@pytest.mark.parametrize("pod", ["front", "gateway"])
def test_callers_check_the_header_of_undelivered_calls(proxies: dict[str, Any], pod: str) -> None:
    """Envoy, router filter, `x-envoy-retriable-header-names`: set by the route, before it is read."""
    table = "http.80" if pod == "gateway" else "8000"
    found = [route for name, each in views.routes(proxies[pod], table).items() if name != "block_all" for route in each]
    for route in found:
        added = {each["header"]["key"]: each["header"]["value"] for each in route["requestHeadersToAdd"]}
        assert added["x-envoy-retriable-header-names"] == contract.CONNECT_FAILURE_HEADER
        assert contract.CONNECT_FAILURE_HEADER in route["responseHeadersToRemove"]


def test_a_destinations_sidecar_marks_only_undelivered_calls(proxies: dict[str, Any]) -> None:
    """Envoy, "Response flags": UF; and the rest of istiod's connection manager stays."""
    for manager in inbound(proxies, "back"):
        (mapper,) = manager["localReplyConfig"]["mappers"]
        assert mapper["filter"]["responseFlagFilter"]["flags"] == ["UF"]
        assert [each["header"]["key"] for each in mapper["headersToAdd"]] == [contract.CONNECT_FAILURE_HEADER]
        assert "envoy.filters.http.router" in views.filter_names(manager)


def test_only_allowed_callers_are_let_through(proxies: dict[str, Any]) -> None:
    """Istio, AuthorizationPolicy: identities of the callers, of another namespace and of the gateway too."""
    accounts = {"mcp-system/sa/front", "jobs/sa/nightly", "istio-ingress/sa/istio-ingress"}
    assert identities(policies(proxies, "back")) == {f"spiffe://cluster.local/ns/{account}" for account in accounts}


def test_a_tool_with_a_rule_is_called_by_its_named_callers_only(proxies: dict[str, Any]) -> None:
    """MCP 2026-07-28, "Standard Request Headers": the one rule that admits the tool's name admits its callers only."""
    name = {"orIds": {"ids": [{"header": {"name": "mcp-name", "stringMatch": {"exact": "erase"}}}]}}
    admitting = [
        policy
        for policy in policies(proxies, "back").values()
        if name in policy["principals"][0].get("andIds", {}).get("ids", [])
    ]
    assert [identities(policy) for policy in admitting] == [{"spiffe://cluster.local/ns/mcp-system/sa/front"}]


def test_a_service_without_callers_is_unreachable(proxies: dict[str, Any]) -> None:
    """Istio, AuthorizationPolicy: with ALLOW policies, a request that none of them matches is denied."""
    found = policies(proxies, "closed")
    assert found
    for policy in found.values():
        assert policy["permissions"] == [{"notRule": {"any": True}}]


@pytest.mark.parametrize("pod", ["front", "back", "back-canary", "closed"])
def test_no_port_of_a_pod_accepts_plaintext(proxies: dict[str, Any], pod: str) -> None:
    """Istio, "Mutual TLS", STRICT: every filter chain of the server requires a mesh certificate."""
    chains = views.listeners(proxies[pod])["virtualInbound"]["filterChains"]
    leading = [chain for chain in chains if chain["name"] != "virtualInbound-blackhole"]
    assert {8000, None} == {chain["filterChainMatch"].get("destinationPort") for chain in leading}
    for chain in leading:
        assert chain["filterChainMatch"]["transportProtocol"] == "tls"
        assert chain["transportSocket"]["typedConfig"]["requireClientCertificate"] is True


@pytest.mark.parametrize("pod", ["front", "gateway"])
def test_the_session_filter_is_last_before_the_router_and_disabled(proxies: dict[str, Any], pod: str) -> None:
    """Envoy, `HttpFilter.disabled`: it runs only on routes that name it, and before the router chooses a replica."""
    outbound = [
        manager
        for name, listener in views.listeners(proxies[pod]).items()
        if name != "virtualInbound"
        for manager in views.managers(listener)
    ]
    assert outbound
    for manager in outbound:
        assert views.filter_names(manager)[-2:] == [SESSIONS, "envoy.filters.http.router"]
        assert manager["httpFilters"][-2]["disabled"] is True


@pytest.mark.parametrize(
    ("pod", "table", "hosts"),
    [("front", "8000", {f"{BACK}:8000", f"{FRONT}:8000"}), ("gateway", "http.80", {f"{local_stack.HOST}:80"})],
)
def test_only_routes_of_a_service_with_sessions_enable_the_filter(
    proxies: dict[str, Any], pod: str, table: str, hosts: set[str]
) -> None:
    """Istio, EnvoyFilter: a patch whose route or host is not found is dropped silently."""
    found = [route for name, each in views.routes(proxies[pod], table).items() if name in hosts for route in each]
    awake = {
        "back.mcp-system" in str(route["route"]): SESSIONS in route.get("typedPerFilterConfig", {}) for route in found
    }
    assert awake == {True: True, False: False}


@pytest.mark.parametrize("subset", ["", "stable", "canary"])
def test_unhealthy_replicas_are_ejected_from_every_subset(proxies: dict[str, Any], subset: str) -> None:
    """Envoy, `OutlierDetection`: both counters enforced; with a panic threshold of 0 ejected hosts get nothing."""
    cluster = views.clusters(proxies["front"])[f"outbound|8000|{subset}|{BACK}"]
    detection = cluster["outlierDetection"]
    assert (detection["consecutive5xx"], detection["enforcingConsecutive5xx"]) == (5, 100)
    assert (detection["consecutiveGatewayFailure"], detection["enforcingConsecutiveGatewayFailure"]) == (5, 100)
    assert detection["maxEjectionPercent"] == 50
    assert cluster["commonLbConfig"]["healthyPanicThreshold"] == {}


@pytest.mark.parametrize("subset", ["", "stable", "canary"])
def test_connection_pool_settings_hold_in_every_subset(proxies: dict[str, Any], subset: str) -> None:
    """Istio, DestinationRule: subsets inherit the settings of the host."""
    cluster = views.clusters(proxies["front"])[f"outbound|8000|{subset}|{BACK}"]
    (limits,) = cluster["circuitBreakers"]["thresholds"]
    wanted = Connections()
    assert (limits["maxConnections"], limits["maxRequests"]) == (wanted.streams, wanted.streams)
    assert limits["maxPendingRequests"] == wanted.pending_requests
    assert (cluster["lbPolicy"], cluster["connectTimeout"]) == ("LEAST_REQUEST", f"{wanted.connect_seconds}s")
    assert cluster["transportSocket"]["typedConfig"]["sni"] == f"outbound_.8000_.{subset}_.{BACK}"


def test_the_gateway_serves_exposed_endpoints_only(proxies: dict[str, Any]) -> None:
    """Requirement SEC-7: of an exposed service its path; Envoy answers 404 where no route matches."""
    served = views.routes(proxies["gateway"], "http.80")
    assert set(served) == {f"{local_stack.HOST}:80"}
    places = {route["match"].get("path") or route["match"]["prefix"] for route in served[f"{local_stack.HOST}:80"]}
    assert places == {"/back/mcp", "/back/mcp/", "/front/mcp", "/front/mcp/"}


def test_undeclared_hosts_are_a_black_hole(proxies: dict[str, Any]) -> None:
    """Istio, `outboundTrafficPolicy` REGISTRY_ONLY: by name as by address."""
    (route,) = views.routes(proxies["front"], "8000")["block_all"]
    assert route["directResponse"]["status"] == 502
    rest = views.listeners(proxies["front"])["virtualOutbound"]["filterChains"]
    assert {chain["filters"][-1]["typedConfig"]["cluster"] for chain in rest} == {"BlackHoleCluster"}


@pytest.mark.parametrize("pod", ["front", "back", "closed"])
def test_a_host_that_two_services_declare_has_each_of_its_ports_once(proxies: dict[str, Any], pod: str) -> None:
    """Istio API, ServiceEntry: entries of one host overlap, and of two equal filter chains Envoy would lose both."""
    expected = {(443, istiod_mesh.SHARED_HOST), (443, istiod_mesh.TWO_PORT_HOST), (8443, istiod_mesh.TWO_PORT_HOST)}
    found = [
        (int(name.rpartition("_")[2]), host)
        for name, listener in views.listeners(proxies[pod]).items()
        for chain in listener["filterChains"]
        for host in chain.get("filterChainMatch", {}).get("serverNames", ())
    ]
    assert sorted(found) == sorted(expected)
    outside = {name for name in views.clusters(proxies[pod]) if name.endswith("example.com")}
    assert outside == {f"outbound|{port}||{host}" for port, host in expected}


@pytest.mark.parametrize(("pod", "percent"), [("gateway", 25), ("front", 100)])
def test_traces_are_sampled_at_the_gateway_and_kept_complete_behind_it(
    proxies: dict[str, Any], pod: str, percent: int
) -> None:
    """Istio, Telemetry: one decision at the ingress gateway; a provider that is not found is ignored silently."""
    for listener in views.listeners(proxies[pod]).values():
        for manager in views.managers(listener):
            assert manager["tracing"]["randomSampling"] == {"value": percent}
            assert "outbound|4317||collector.monitoring.svc.cluster.local" in views.texts(manager["tracing"])


@pytest.mark.parametrize("pod", ["front", "back", "gateway"])
def test_no_listener_is_lost(proxies: dict[str, Any], pod: str) -> None:
    """Istio: where a filter cannot be built, the listener is left out and only the log reports it."""
    expected = {"0.0.0.0_80"} if pod == "gateway" else {"0.0.0.0_8000", "virtualInbound", "virtualOutbound"}
    assert expected <= set(views.listeners(proxies[pod]))


@pytest.mark.parametrize("pod", ["front", "back", "back-canary", "closed", "gateway"])
def test_envoy_loads_istiods_configuration(proxies: dict[str, Any], pod: str, tmp_path: Path) -> None:
    """Envoy, `--mode validate`: every listener, filter, script, route and cluster."""
    done = stock_bootstrap.loaded(envoy_program(), proxies[pod], tmp_path)
    assert done.returncode == 0, done.stderr


def test_envoy_rejects_an_invalid_script(proxies: dict[str, Any], tmp_path: Path) -> None:
    """Negative control: istiod passes scripts on unread, so that a wrong one would cost the listener."""
    wrong = copy.deepcopy(proxies["gateway"])
    (listener,) = views.listeners(wrong).values()
    (manager,) = views.managers(listener)
    manager["httpFilters"][-2]["typedConfig"]["sourceCodes"]["session_affinity"]["inlineString"] = "function ("
    done = stock_bootstrap.loaded(envoy_program(), wrong, tmp_path)
    assert done.returncode != 0
    assert "script load error" in done.stderr

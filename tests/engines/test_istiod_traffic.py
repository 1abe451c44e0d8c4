"""Proxy configuration of a real istiod for rollouts, tool routes, load balancing and localities.

Each test names one rule that we rely on. The rules of every service: test_istiod_proxies.py.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.cluster import manifests as cluster
from meshed_mcp.components.mesh.cluster.gateway_args import INGRESS_RELEASE, INGRESS_SELECTOR
from meshed_mcp.components.mesh.service import manifests as service
from meshed_mcp.local.process.engines import envoy_program
from tests.engines import istiod_mesh, local_stack, stock_bootstrap
from tests.engines import proxy_views as views
from tests.engines.api_server import ApiServer
from tests.engines.istiod import Istiod, started
from tests.engines.proxied_pods import configurations

SUFFIX: Final = f"{local_stack.NAMESPACE}.svc.cluster.local"
IMAGE: Final = "registry.example.com/echo:2"
TOOLS: Final = {"search": {"read_only": True, "timeout_seconds": 9}, "erase": {"idempotent": True}}
MIRROR: Final = {"tools": ["search"], "percent": 12.5}
BLUE_GREEN: Final = {"strategy": "blue_green", "image": IMAGE, "mirror": MIRROR}
SERVICES: Final[dict[str, dict[str, Any]]] = {
    "colors": {
        "rollout": BLUE_GREEN,
        "tools": TOOLS,
        "pools": {"slow": {"tools": ["report"], "resources": {"memory_limit": "1Gi"}}},
        "legacy": "sticky",
        "expose": True,
    },
    "phones": {
        "rollout": {"strategy": "ab", "image": IMAGE, "regex": ".*(Mobile|Android).*"},
        "traffic": {
            "balancing": {"policy": "consistent_hash", "hash_header": "x-organization-id"},
            "outlier_detection": {
                "consecutive_5xx_errors": 9,
                "consecutive_gateway_errors": 2,
                "min_health_percent": 40,
            },
        },
    },
    "near": {
        "traffic": {
            "balancing": {"warmup_seconds": 45},
            "locality": {"failover": {"europe": "america"}},
            "connections": {"streams": 20000, "pending_requests": 64, "connect_seconds": 1, "idle_seconds": 120},
        }
    },
    "spread": {
        "traffic": {
            "balancing": {"policy": "round_robin"},
            "locality": {"distribute": {"europe/a/*": {"europe/a/*": 80, "europe/b/*": 20}}},
        }
    },
    "stored": {
        "legacy": "sticky",
        "sessions": {"store": "redis"},
        "redis": {"secret": "redis", "key": "url"},
        "expose": True,
    },
    "random": {"traffic": {"balancing": {"policy": "random"}, "outlier_detection": None}},
}
"""Each choice that a stack may make, in one service or another; `caller` may call them all."""


def objects() -> list[Manifest]:
    """The rendered objects and the Service of the gateway."""
    selector = {"metadata": {"name": INGRESS_RELEASE, "namespace": "istio-ingress"}}
    ports = [{"name": "http", "port": 80, "targetPort": 80}]
    gateway = {
        "apiVersion": "v1",
        "kind": "Service",
        **selector,
        "spec": {"selector": INGRESS_SELECTOR, "ports": ports},
    }
    return [
        *cluster.mesh_manifests(istiod_mesh.MESH),
        *service.service_manifests("caller", local_stack.arguments()),
        *(
            item
            for name, settings in SERVICES.items()
            for item in service.service_manifests(name, local_stack.arguments(callers=["caller"], **settings))
        ),
        *({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in ("monitoring", "jobs")),
        gateway,
    ]


@pytest.fixture(scope="module")
def proxies(
    find_engine: Callable[[str], Path], api_server: ApiServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    """The configuration of every pod's proxy, by pod."""
    program, folder = find_engine("pilot-discovery"), tmp_path_factory.mktemp("istiod")
    with configurations(program, api_server, folder, objects()) as found:
        yield found


@pytest.fixture(scope="module")
def istiod(
    find_engine: Callable[[str], Path], api_server: ApiServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Istiod]:
    """An istiod that admits."""
    folder = tmp_path_factory.mktemp("admission")
    with started(find_engine("pilot-discovery"), api_server, istiod_mesh.mesh_config(), folder) as ready:
        yield ready


def host(name: str) -> str:
    """Full name of a service."""
    return f"{name}.{SUFFIX}"


def routes(proxies: dict[str, Any], name: str) -> list[views.Config]:
    """How the caller's sidecar finds a service."""
    return views.routes(proxies["caller"], "8000")[f"{host(name)}:8000"]


def target(route: views.Config) -> str:
    """The subset that a route leads to."""
    return str(route["route"]["cluster"]).split("|")[2]


def wanted(route: views.Config) -> dict[str, str]:
    """Headers that a route asks for, with what they must be."""
    return {
        each["name"]: "present" if each.get("presentMatch") else next(iter(each["stringMatch"].values()))
        for each in route["match"].get("headers", [])
    }


def called(tool: str) -> dict[str, str]:
    """Headers of a call of a tool."""
    return {"mcp-method": "tools/call", "mcp-name": tool, "mcp-protocol-version": "2026-07-28"}


def balanced(proxies: dict[str, Any], name: str, subset: str = "stable") -> views.Config:
    """How the caller's sidecar connects to a service."""
    return views.clusters(proxies["caller"])[f"outbound|8000|{subset}|{host(name)}"]


def test_every_object_is_admitted_without_a_warning(istiod: Istiod) -> None:
    """Istio's own validation: a warning means a rule without effect; EnvoyFilters always give one."""
    found = [item for item in objects() if item["apiVersion"].partition("/")[0] == "networking.istio.io"]
    assert {"VirtualService", "DestinationRule"} <= {item["kind"] for item in found}
    for item in found:
        if item["kind"] != "EnvoyFilter":
            verdict = istiod.admit(item)
            assert (verdict.allowed, verdict.warnings) == (True, []), f"{item['metadata']['name']}: {verdict}"


def test_routes_keep_their_order(proxies: dict[str, Any]) -> None:
    """Envoy, `VirtualHost.routes`: the first match decides; sessions, then the preview, then tools, then all."""
    preview = {"x-deployment-stage": "green"}
    assert [(wanted(route), target(route)) for route in routes(proxies, "colors")] == [
        ({"mcp-session-id": "present"}, ""),
        (preview | called("search"), "green"),
        (preview | called("erase"), "green"),
        (preview, "green"),
        (called("search"), "stable"),
        (called("erase"), "stable"),
        (called("report"), "pool-slow"),
        ({}, "stable"),
    ]


def test_the_gateway_has_the_same_routes_at_the_endpoint(proxies: dict[str, Any]) -> None:
    """Requirement NET-5: the result of a call does not depend on where it comes from."""
    found = views.routes(proxies["gateway"], "http.80")[f"{local_stack.HOST}:80"]
    endpoint = [route for route in found if route["match"].get("path") == "/colors/mcp"]
    inside = [(wanted(route), target(route)) for route in routes(proxies, "colors")]
    assert [(wanted(route), target(route)) for route in endpoint] == inside


def test_a_mirror_gets_its_share_of_one_tool_under_the_services_own_name(proxies: dict[str, Any]) -> None:
    """Envoy, `RequestMirrorPolicy`: with "-shadow" behind the host, our servers would respond with 421."""
    mirrored = [route for route in routes(proxies, "colors") if "requestMirrorPolicies" in route["route"]]
    assert [wanted(route) for route in mirrored] == [called("search")]
    (policy,) = mirrored[0]["route"]["requestMirrorPolicies"]
    assert policy["cluster"] == f"outbound|8000|green|{host('colors')}"
    assert policy["runtimeFraction"]["defaultValue"] == {"numerator": 125000, "denominator": "MILLION"}
    assert policy["disableShadowHostSuffixAppend"] is True


def test_only_declared_tools_have_timeouts_or_retries_after_delivery(proxies: dict[str, Any]) -> None:
    """Envoy, `RetryPolicy`: reset and gateway-error retry a call that may have run."""
    for route in routes(proxies, "colors"):
        tool = wanted(route).get("mcp-name")
        repeated = "reset" in route["route"]["retryPolicy"]["retryOn"].split(",")
        assert repeated is (tool in TOOLS)
        assert route["route"]["timeout"] == ("9s" if tool == "search" else "0s")


def test_a_header_match_selects_the_variant(proxies: dict[str, Any]) -> None:
    """Envoy, `safe_regex`: RE2 over the whole value."""
    variant, default = routes(proxies, "phones")
    (header,) = variant["match"]["headers"]
    assert (header["name"], header["stringMatch"]["safeRegex"]["regex"]) == ("user-agent", ".*(Mobile|Android).*")
    assert (target(variant), target(default)) == ("variant", "stable")


@pytest.mark.parametrize(
    ("name", "balancer"),
    [("colors", "LEAST_REQUEST"), ("phones", "RING_HASH"), ("spread", "ROUND_ROBIN"), ("random", "RANDOM")],
)
def test_the_load_balancer_is_the_configured_one(proxies: dict[str, Any], name: str, balancer: str) -> None:
    """Envoy, `Cluster.LbPolicy`; round robin is Envoy's default, which istiod leaves out."""
    assert balanced(proxies, name).get("lbPolicy", "ROUND_ROBIN") == balancer


def test_a_hash_uses_the_configured_header(proxies: dict[str, Any]) -> None:
    """Envoy, `RouteAction.hash_policy`: on every route, or the ring hash has no input."""
    for route in routes(proxies, "phones"):
        assert [policy["header"]["headerName"] for policy in route["route"]["hashPolicy"]] == ["x-organization-id"]


def test_a_new_replica_warms_up(proxies: dict[str, Any]) -> None:
    """Envoy, `SlowStartConfig`."""
    start = balanced(proxies, "near")["leastRequestLbConfig"]["slowStartConfig"]
    assert (start["slowStartWindow"], start["minWeightPercent"]) == ("45s", {"value": 10})


def test_outlier_detection_is_as_configured(proxies: dict[str, Any]) -> None:
    """Envoy, `OutlierDetection` and panic threshold; where detection is off, no host is ejected."""
    cluster = balanced(proxies, "phones", "variant")
    detection = cluster["outlierDetection"]
    assert (detection["consecutive5xx"], detection["consecutiveGatewayFailure"]) == (9, 2)
    assert cluster["commonLbConfig"]["healthyPanicThreshold"] == {"value": 40}
    assert "outlierDetection" not in balanced(proxies, "random")


def test_connection_limits_are_as_configured(proxies: dict[str, Any]) -> None:
    """Envoy, `CircuitBreakers`: requests and connections alike, as a stream needs one of each."""
    cluster = balanced(proxies, "near")
    (limits,) = cluster["circuitBreakers"]["thresholds"]
    assert (limits["maxConnections"], limits["maxRequests"], limits["maxPendingRequests"]) == (20000, 20000, 64)
    assert cluster["connectTimeout"] == "1s"
    assert cluster["upstreamConnectionOptions"]["tcpKeepalive"] == {
        "keepaliveTime": 60, "keepaliveInterval": 20, "keepaliveProbes": 3,
    }  # fmt: skip


@pytest.mark.parametrize("name", ["near", "spread"])
def test_locality_weights_apply_where_configured(proxies: dict[str, Any], name: str) -> None:
    """Envoy, `LocalityWeightedLbConfig`: without it the endpoints' localities have no weight."""
    assert "localityWeightedLbConfig" in balanced(proxies, name)["commonLbConfig"]
    assert "localityWeightedLbConfig" not in balanced(proxies, "colors")["commonLbConfig"]


def test_terminating_pods_are_kept_for_their_sessions(proxies: dict[str, Any]) -> None:
    """istiod, persistent-session label: DRAINING endpoints stay for requests that name them, no others."""
    kept = balanced(proxies, "colors", "")["commonLbConfig"]["overrideHostStatus"]["statuses"]
    assert "DRAINING" in kept
    assert "overrideHostStatus" not in balanced(proxies, "near", "")["commonLbConfig"]


def test_sessions_in_redis_fall_through_by_hash(proxies: dict[str, Any]) -> None:
    """istiod, getHashPolicy: routes to versions have the policy too, without effect on a cluster that does not hash."""
    assert balanced(proxies, "stored", "")["lbPolicy"] == "RING_HASH"
    assert balanced(proxies, "stored")["lbPolicy"] == "LEAST_REQUEST"
    hashed = {route["name"]: route["route"].get("hashPolicy") for route in routes(proxies, "stored")}
    by_session = [{"header": {"headerName": "mcp-session-id"}}]
    assert hashed["default-session"] == by_session


@pytest.mark.parametrize("pod", ["caller", "gateway"])
def test_envoy_loads_istiods_configuration_of_routes(proxies: dict[str, Any], pod: str, tmp_path: Path) -> None:
    """Envoy, `--mode validate`: every route, pattern and cluster."""
    done = stock_bootstrap.loaded(envoy_program(), proxies[pod], tmp_path)
    assert done.returncode == 0, done.stderr

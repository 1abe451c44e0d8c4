"""Proxy configuration of a real istiod for services behind a corporate proxy.

`named` has a proxy with a name, `addressed` one with an address, `plain` no external host. `uncaptured` is as `named`
in a mesh whose sidecars do not answer DNS.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.cluster import manifests as cluster
from meshed_mcp.components.mesh.egress.proxy import PROXY_ALIAS
from meshed_mcp.components.mesh.service import manifests as service
from meshed_mcp.local.process.engines import envoy_program
from tests.engines import istiod_mesh, local_stack, stack_pods, stock_bootstrap
from tests.engines import proxy_views as views
from tests.engines.api_server import ApiServer
from tests.engines.proxied_pods import configurations

NAMED: Final = {"host": "proxy.example.com", "no_proxy": ["git.corp.example.com"]}
ADDRESSED: Final = {"host": "192.0.2.10", "port": 8080}
HOSTS: Final = ["api.example.com", "git.corp.example.com"]
TCP: Final = "envoy.filters.network.tcp_proxy"


def corporate(**more: Any) -> Any:
    """Arguments of a service with known destinations: a cache in the cluster at the port of the proxy."""
    given = {"sidecar_egress_hosts": ["data/cache"], "egress_hosts": HOSTS, "ca_bundle": {"config_map": "corporate-ca"}}
    return local_stack.arguments(**given | more)


def with_dns_capture(items: list[Manifest]) -> list[Manifest]:
    """The objects with the proxy metadata of the rendered mesh configuration, which istiod's injector adds to pods."""
    proxy_config = {"proxyMetadata": istiod_mesh.mesh_config()["defaultConfig"]["proxyMetadata"]}
    for item in items:
        if item["kind"] == "Deployment":
            annotations = item["spec"]["template"]["metadata"]["annotations"]
            annotations["proxy.istio.io/config"] = json.dumps(proxy_config)
    return items


def objects() -> list[Manifest]:
    """The rendered objects, those of the gateway's chart, and the cache."""
    return [
        *cluster.mesh_manifests(istiod_mesh.MESH),
        *with_dns_capture(service.service_manifests("named", corporate(egress_proxy=NAMED))),
        *service.service_manifests("uncaptured", corporate(egress_proxy=NAMED, sidecar_egress_hosts=[])),
        *with_dns_capture(service.service_manifests("addressed", corporate(egress_proxy=ADDRESSED))),
        *service.service_manifests("plain", corporate(egress_proxy=NAMED, egress_hosts=[])),
        *({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in ("monitoring", "data")),
        stack_pods.service("collector", "monitoring", {"app": "collector"}, {"grpc": (4317, 4317)}),
        stack_pods.service("cache", "data", {"app": "cache"}, {"http": (3128, 3128)}),
        istiod_mesh.gateway_service(),
    ]


@pytest.fixture(scope="module")
def proxies(
    find_engine: Callable[[str], Path], api_server: ApiServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    """The configuration of every pod's proxy, by pod; the stack leaves the API server afterwards."""
    program, folder = find_engine("pilot-discovery"), tmp_path_factory.mktemp("istiod")
    with configurations(program, api_server, folder, objects()) as found:
        yield found


def tcp_routes(proxy: Any) -> dict[str, set[str]]:
    """Cluster of each TCP filter -> names of its listeners, without the cluster of undeclared addresses."""
    found: dict[str, set[str]] = {}
    for name, listener in views.listeners(proxy).items():
        for chain in listener.get("filterChains", ()):
            last = chain["filters"][-1]
            if last["name"] == TCP and "cluster" in last["typedConfig"]:
                found.setdefault(last["typedConfig"]["cluster"], set()).add(name)
    return {cluster: names for cluster, names in found.items() if cluster.startswith("outbound|")}


@pytest.mark.parametrize("pod", ["named", "uncaptured"])
def test_connect_reaches_the_proxy_as_plain_tcp(proxies: dict[str, Any], pod: str) -> None:
    """Istio, "Using an External HTTPS Proxy": the listener has a TCP filter, so CONNECT passes unread."""
    target = "outbound|3128||proxy.example.com"
    listeners = tcp_routes(proxies[pod])[target]
    assert all(name.endswith("_3128") for name in listeners)
    assert ("0.0.0.0_3128" in listeners) == (pod == "uncaptured")
    found = views.clusters(proxies[pod])[target]
    assert found["type"] == "STRICT_DNS"
    assert "transportSocket" not in found


def test_service_of_the_cluster_at_the_port_of_the_proxy_keeps_its_listener(proxies: dict[str, Any]) -> None:
    """Istio, "DNS Proxying": the proxy has a virtual address, so the listeners of TCP and HTTP do not conflict."""
    routes = views.routes(proxies["named"], "3128")
    assert any(name.startswith("cache.data.svc") for name in routes)


def test_proxy_with_an_address_has_a_listener_of_that_address(proxies: dict[str, Any]) -> None:
    """Istio API, ServiceEntry `addresses`: no other address at the port leads to the proxy."""
    target = f"outbound|8080||{PROXY_ALIAS}"
    assert tcp_routes(proxies["addressed"])[target] == {"192.0.2.10_8080"}
    assert views.clusters(proxies["addressed"])[target]["type"] == "ORIGINAL_DST"


def outside(proxy: Any) -> set[str]:
    """Clusters of external hosts."""
    return {name for name in views.clusters(proxy) if "example.com" in name or PROXY_ALIAS in name}


DIRECT: Final = "outbound|443||git.corp.example.com"


@pytest.mark.parametrize(
    ("pod", "found"),
    [
        ("named", {DIRECT, "outbound|3128||proxy.example.com"}),
        ("uncaptured", {DIRECT, "outbound|3128||proxy.example.com"}),
        ("addressed", {f"outbound|8080||{PROXY_ALIAS}"}),
        ("plain", set()),
    ],
)
def test_sidecar_knows_the_proxy_and_direct_hosts_only(proxies: dict[str, Any], pod: str, found: set[str]) -> None:
    """Requirement NET-19: hosts behind the proxy have no direct way, and a service without hosts knows no proxy."""
    assert outside(proxies[pod]) == found


@pytest.mark.parametrize("pod", ["named", "uncaptured", "addressed", "plain"])
def test_envoy_loads_istiods_configuration(proxies: dict[str, Any], pod: str, tmp_path: Path) -> None:
    """Envoy, `--mode validate`: every listener, filter, route and cluster."""
    done = stock_bootstrap.loaded(envoy_program(), proxies[pod], tmp_path)
    assert done.returncode == 0, done.stderr

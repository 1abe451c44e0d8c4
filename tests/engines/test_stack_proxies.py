"""Proxy configuration of a real istiod for every example stack: listeners, weights, filter order, limits.

Rules that hold for every stack, whatever it asks for. One rule of one feature: test_istiod_proxies.py. Each stack is
applied to a real API server, with the pods that a cluster would add, and leaves it afterwards.
"""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.cluster.proxy_filters import filter_names, unsupported_filters
from meshed_mcp.local.process.engines import envoy_program
from tests.engines import proxy_views as views
from tests.engines import stack_pods, stock_bootstrap
from tests.engines.api_server import ApiServer
from tests.engines.istiod import started
from tests.engines.test_api_server import namespaces_first
from tests.stacks import EXISTING_MESH, GOVERNED_ELSEWHERE, JUDGED, WITHOUT_MESH, WITHOUT_SIDECARS, recording

HTTP_FILTER_ORDER: Final = ("ext_authz", "jwt_authn", "rbac", "local_ratelimit", "ratelimit", "router")
"""A server that is asked, who calls, whether they may, how often, and the server: each only for what passed the one
before. Istio puts another `rbac` before `ext_authz`, which decides nothing but what is asked."""

INJECTION: Final = "MutatingWebhookConfiguration"
"""Kind left out here: it would have each pod changed by a control plane that is not in this cluster."""

PLATFORM_MESH_CONFIG: Final[Manifest] = {
    "trustDomain": "cluster.local",
    "extensionProviders": [
        {
            "name": "otel",
            "opentelemetry": {"service": "otel-collector.observability.svc.cluster.local", "port": 4317},
        }
    ],
}
"""MeshConfig of a cluster with its own Istio: it knows nothing of this product."""

HUNDRED: Final = {"numerator": 100}
"""As istiod writes it: the denominator of 0 is HUNDRED. Source: Envoy, FractionalPercent."""


class Judged(NamedTuple):
    """A stack in a cluster: its objects, and what istiod tells the proxy of every pod."""

    objects: list[Manifest]
    gateways: list[str]
    proxies: dict[str, Any]

    @property
    def sidecars(self) -> dict[str, Any]:
        """Configurations of the sidecars, by pod."""
        return {name: found for name, found in self.proxies.items() if name not in self.gateways}


@pytest.fixture(
    scope="module",
    params=[stack for stack in JUDGED if stack not in (*WITHOUT_SIDECARS, *GOVERNED_ELSEWHERE, *WITHOUT_MESH)],
)
def judged(
    request: pytest.FixtureRequest,
    find_engine: Callable[[str], Path],
    api_server: ApiServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Judged]:
    """One stack; its objects leave the API server afterwards."""
    recorded = recording(request.param)
    gateways, services = stack_pods.chart_gateways(recorded.releases)
    if request.param in EXISTING_MESH:
        gateways, services = stack_pods.shared_gateway()
    pods = stack_pods.pods(recorded.objects, gateways.values())
    kept = [item for item in recorded.objects if item["kind"] != INJECTION]
    asked = stack_pods.authorizers(mesh_config(recorded.releases))
    objects = namespaces_first([*kept, *services, *asked, *pods.values()])
    try:
        refusals = [refusal for item in objects if (refusal := api_server.client.apply(item))]
        assert not refusals, "\n".join(map(str, refusals))
        for pod in pods.values():
            assert api_server.client.merge(f"{api_server.client.path(pod)}/status", {"status": pod["status"]})
        program, folder = find_engine("pilot-discovery"), tmp_path_factory.mktemp("istiod")
        with started(program, api_server, mesh_config(recorded.releases), folder) as istiod:
            proxies = {
                name: istiod.gateway(pod) if name in gateways else istiod.sidecar(pod) for name, pod in pods.items()
            }
        yield Judged(recorded.objects, list(gateways), proxies)
    finally:
        for item in objects:
            if item["kind"] != "Namespace":
                api_server.client.delete(item)


def mesh_config(releases: list[Manifest]) -> Manifest:
    """The mesh configuration of a stack, which every control plane is given alike."""
    found: list[Manifest] = [
        each["values"]["meshConfig"] for each in releases if each["chart"].rpartition("/")[2] == "istiod"
    ]
    assert all(each == found[0] for each in found)
    return found[0] if found else PLATFORM_MESH_CONFIG


def managers(dump: Any) -> Iterator[views.Config]:
    """All HTTP connection managers of a proxy."""
    for listener in views.listeners(dump).values():
        yield from views.managers(listener)


def every(value: Any, kind: str) -> Iterator[views.Config]:
    """Every configuration of a type anywhere in `value`."""
    if isinstance(value, dict):
        if str(value.get("@type", "")).endswith(f".{kind}"):
            yield value
        for part in value.values():
            yield from every(part, kind)
    elif isinstance(value, list):
        for part in value:
            yield from every(part, kind)


def test_no_listener_is_lost(judged: Judged) -> None:
    """Istio: where a filter cannot be built, the listener is left out and only the log reports it."""
    for name, dump in judged.sidecars.items():
        assert {"virtualInbound", "virtualOutbound"} <= set(views.listeners(dump)), name
        assert list(views.managers(views.listeners(dump)["virtualInbound"])), name
    for item in (each for each in judged.objects if each["kind"] == "Gateway" and "servers" in each["spec"]):
        (pod,) = [name for name in judged.gateways if selected(item, name)]
        ports = {f"0.0.0.0_{server['port']['number']}" for server in item["spec"]["servers"]}
        assert ports <= set(views.listeners(judged.proxies[pod])), pod


def selected(gateway: Manifest, pod: str) -> bool:
    """Whether a Gateway selects the pod of a chart's release, or that of an existing gateway."""
    selector = gateway["spec"]["selector"]
    return pod == f"istio-{selector.get('istio')}" or selector == stack_pods.SHARED_LABELS


def test_every_weighted_route_keeps_its_weights(judged: Judged) -> None:
    """Envoy, `weighted_clusters`: shares of their sum; the stack's own weights arrive unchanged."""
    wanted = {
        tuple(sorted((target["destination"].get("subset", ""), target["weight"]) for target in route["route"]))
        for item in judged.objects
        if item["kind"] == "VirtualService"
        for route in item["spec"].get("http", ())
        if len(route.get("route", ())) > 1
    }
    found = {
        tuple(sorted((share["name"].split("|")[2], share["weight"]) for share in each["clusters"]))
        for dump in judged.proxies.values()
        for each in weighted(dump)
    }
    assert found == wanted
    assert all(sum(weight for _, weight in shares) == 100 for shares in found)


def weighted(value: Any) -> Iterator[views.Config]:
    """Every division of calls between clusters."""
    if isinstance(value, dict):
        if "weightedClusters" in value:
            yield value["weightedClusters"]
        for part in value.values():
            yield from weighted(part)
    elif isinstance(value, list):
        for part in value:
            yield from weighted(part)


def test_filters_are_in_the_order_of_their_decisions(judged: Judged) -> None:
    """Envoy, HTTP filters run as listed: tokens, policy, limits, and the router last."""
    for name, dump in judged.proxies.items():
        for manager in managers(dump):
            kinds = [kind.removeprefix("envoy.filters.http.") for kind in filter_names(manager["httpFilters"])]
            asked = kinds[kinds.index("ext_authz") :] if "ext_authz" in kinds else kinds
            decisions = [kind for kind in asked if kind in HTTP_FILTER_ORDER]
            assert decisions == sorted(decisions, key=HTTP_FILTER_ORDER.index), name
            assert kinds[-1] == "router", name


def test_every_sidecar_checks_the_caller(judged: Judged) -> None:
    """Requirement SEC-10: no server is reached past a policy."""
    for name, dump in judged.sidecars.items():
        for manager in views.managers(views.listeners(dump)["virtualInbound"]):
            assert "envoy.filters.http.rbac" in set(filter_names(manager["httpFilters"])), name


def test_every_sidecar_forwards_to_the_port_of_its_server(judged: Judged) -> None:
    """Istio, "Protocol Selection": an inbound cluster is of the pod's port, which may differ from the Service's."""
    for item in (each for each in judged.objects if each["kind"] == "Deployment"):
        name, containers = item["metadata"]["name"], item["spec"]["template"]["spec"]["containers"]
        ports = [port for each in containers for port in each.get("ports", ()) if port.get("name") == "http"]
        for port in ports if name in judged.sidecars else ():
            assert f"inbound|{port['containerPort']}||" in views.clusters(judged.sidecars[name]), name


def test_limits_are_enforced_on_all_requests(judged: Judged) -> None:
    """Envoy, LocalRateLimit: `filter_enabled` and `filter_enforced` are 0 percent unless set."""
    limiters = [each for dump in judged.sidecars.values() for each in every(dump, "v3.LocalRateLimit")]
    assert bool(limiters) == any(
        "LocalRateLimit" in json.dumps(item) for item in judged.objects if item["kind"] == "EnvoyFilter"
    )
    for each in limiters:
        assert each["filterEnabled"]["defaultValue"] == each["filterEnforced"]["defaultValue"] == HUNDRED


def test_every_filter_is_in_istios_own_proxy(judged: Judged) -> None:
    """Requirement SEC-14: a filter that istio-proxy lacks costs the listener; stock Envoy would accept it."""
    for item in judged.objects:
        if item["kind"] == "EnvoyFilter":
            assert unsupported_filters(item, "1.31") == [], item["metadata"]["name"]


def test_a_sidecar_knows_only_the_services_it_calls(judged: Judged) -> None:
    """Istio API, Sidecar: every cluster of a limited proxy is of a host that it imports."""
    limited = {
        item["metadata"]["name"]: set(item["spec"]["egress"][0]["hosts"])
        for item in judged.objects
        if item["kind"] == "Sidecar"
    }
    deployments = {item["metadata"]["name"]: item for item in judged.objects if item["kind"] == "Deployment"}
    assert limited
    for pod, dump in judged.sidecars.items():
        owner = deployments[pod]["spec"]["template"]["metadata"]["labels"]["app"]
        if owner not in limited:
            continue
        known = {name.split("|")[3] for name in views.clusters(dump) if name.startswith("outbound|")}
        imported = {host.partition("/")[2] for host in limited[owner]}
        assert {host for host in known if host not in imported} == set(), pod
        services = {host for host in imported if host.endswith(".mcp-system.svc.cluster.local")}
        assert services <= known, pod


@pytest.mark.parametrize("kind", ["sidecars", "gateways"])
def test_envoy_loads_istiods_configuration(judged: Judged, kind: str, tmp_path: Path) -> None:
    """Envoy, `--mode validate`: every listener, filter, script, route and cluster of every pod."""
    names = judged.gateways if kind == "gateways" else list(judged.sidecars)
    assert names
    for name in names:
        file = tmp_path / f"{name}.json"
        file.write_text(json.dumps(stock_bootstrap.bootstrap(judged.proxies[name])))
        command = [str(envoy_program()), "--mode", "validate", "--config-path", str(file), "--log-level", "warning"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{name}: {done.stderr}"


def test_every_host_of_a_gateway_has_its_routes(judged: Judged) -> None:
    """Istio API, Gateway `hosts` and VirtualService `hosts`: a host that a proxy does not know is answered with 404."""
    wanted = {
        host
        for item in judged.objects
        if item["kind"] == "VirtualService" and item["spec"]["gateways"] != ["mesh"]
        for host in (item["spec"]["hosts"] if "http" in item["spec"] else ())
    }
    served = {
        domain
        for name in judged.gateways
        for config in views.route_tables(judged.proxies[name])
        for virtual_host in config.get("virtualHosts", ())
        for domain in virtual_host["domains"]
    }
    assert wanted <= served


def test_an_undeclared_destination_is_unknown_to_every_sidecar(judged: Judged) -> None:
    """Istio, `outboundTrafficPolicy` REGISTRY_ONLY: by the MeshConfig, or by Sidecars in an existing mesh."""
    for name, dump in judged.sidecars.items():
        text = json.dumps(views.listeners(dump)["virtualOutbound"])
        assert "BlackHoleCluster" in text, name
        assert "PassthroughCluster" not in text, name

"""Proxy configuration of a real istiod for pods with an IPv4 address, an IPv6 address, and both."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.cluster import manifests as cluster
from meshed_mcp.components.mesh.cluster.args import ServiceMeshArgs
from meshed_mcp.components.mesh.cluster.istio_releases import istio_releases, istiod_values
from meshed_mcp.components.mesh.service import manifests as service
from meshed_mcp.local.process.engines import envoy_program
from tests.engines import istio_charts, local_stack, stack_pods, stock_bootstrap
from tests.engines import proxy_views as views
from tests.engines.api_server import ApiServer
from tests.engines.istiod import started

NAMESPACE: Final = "mcp-families"
IPV4, IPV6 = contract.SIDECAR_ADDRESSES
ADDRESSES: Final = {
    "ipv4": ["10.244.0.10"],
    "ipv6": ["fd00:10:244::11"],
    "dual": ["10.244.0.12", "fd00:10:244::12"],
    "dual-ipv6-first": ["fd00:10:244::13", "10.244.0.13"],
}
SOURCES: Final = {"ipv4": [IPV4], "ipv6": [IPV6], "dual": [IPV4, IPV6], "dual-ipv6-first": [IPV4, IPV6]}
WILDCARDS: Final = {"127.0.0.6": "0.0.0.0", "::6": "::"}  # noqa: S104 - of proxies

MESH: Final = ServiceMeshArgs.model_validate(
    {"domain": local_stack.HOST, "namespaces": [NAMESPACE], "dual_stack": True}
)


def objects() -> list[Manifest]:
    """One service per kind of pod; `external` has no runtime."""
    args = {"namespace": NAMESPACE, "dual_stack": True}
    named = {name: local_stack.arguments(**args) for name in ADDRESSES}
    external = local_stack.arguments(**args, command=[], runtime="external", port=3001)
    rendered = [item for name, each in named.items() for item in service.service_manifests(name, each)]
    return [*cluster.mesh_manifests(MESH), *rendered, *service.service_manifests("external", external)]


@pytest.fixture(scope="module")
def proxies(
    find_engine: Callable[[str], Path], api_server: ApiServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    """The configuration of every pod's proxy, by pod; the stack leaves the API server afterwards."""
    rendered, values = objects(), istiod_values(MESH)
    pods = stack_pods.pods(rendered)
    for name, found in {**ADDRESSES, "external": ADDRESSES["dual"]}.items():
        pods[name]["status"] |= {"podIP": found[0], "podIPs": [{"ip": each} for each in found]}
    try:
        for item in sorted([*rendered, *pods.values()], key=lambda item: item["kind"] != "Namespace"):
            assert api_server.client.apply(item) is None
        for pod in pods.values():
            assert api_server.client.merge(f"{api_server.client.path(pod)}/status", {"status": pod["status"]})
        variables = {"ISTIO_DUAL_STACK": values["env"]["ISTIO_DUAL_STACK"]}
        folder = tmp_path_factory.mktemp("istiod")
        with started(find_engine("pilot-discovery"), api_server, values["meshConfig"], folder, variables) as istiod:
            yield {name: istiod.sidecar(pod) for name, pod in pods.items()}
    finally:
        for item in [*pods.values(), *rendered]:
            if item["kind"] != "Namespace":
                api_server.client.delete(item)


def sources(bind: dict[str, Any]) -> list[str]:
    """The addresses from which a cluster connects."""
    extra = [each["address"]["address"] for each in bind.get("extraSourceAddresses", [])]
    return [bind["sourceAddress"]["address"], *extra]


@pytest.mark.parametrize("pod", ADDRESSES)
def test_a_sidecar_connects_to_its_process_from_the_trusted_addresses(proxies: dict[str, Any], pod: str) -> None:
    """Istio, bind addresses of inbound clusters: what the runtime trusts, and what the namespace test connects from."""
    inbound = views.clusters(proxies[pod])[f"inbound|{contract.MCP_PORT}||"]
    assert inbound["type"] == "ORIGINAL_DST"
    assert sources(inbound["upstreamBindConfig"]) == SOURCES[pod]


@pytest.mark.parametrize("pod", ADDRESSES)
def test_a_sidecar_listens_on_the_families_of_its_pod(proxies: dict[str, Any], pod: str) -> None:
    """Requirement IP6-1: Envoy, Listener `additional_addresses`."""
    listener = views.listeners(proxies[pod])["virtualInbound"]
    found = [listener["address"], *(each["address"] for each in listener.get("additionalAddresses", []))]
    assert [each["socketAddress"]["address"] for each in found] == [WILDCARDS[each] for each in SOURCES[pod]]


def test_streams_of_a_server_without_the_runtime_use_both_families(proxies: dict[str, Any]) -> None:
    """Envoy, BindConfig `extra_source_addresses`: the cluster of the rendered EnvoyFilter is as Istio's own."""
    found = views.clusters(proxies["external"])
    assert sources(found[contract.STREAMS_CLUSTER]["upstreamBindConfig"]) == SOURCES["dual"]


@pytest.mark.parametrize("pod", ADDRESSES)
def test_envoy_loads_istiods_configuration(proxies: dict[str, Any], pod: str, tmp_path: Path) -> None:
    """Requirement PRJ-7: a stock Envoy judges the addresses."""
    loaded = stock_bootstrap.loaded(envoy_program(), proxies[pod], tmp_path)
    assert loaded.returncode == 0, loaded.stderr


def test_istios_charts_give_their_services_both_families(find_engine: Callable[[str], Path]) -> None:
    """Requirement IP6-7: Istio's own charts render what the values say, for istiod and the gateway."""
    releases = [each for each in istio_releases(MESH) if each.chart.name in {"istiod", "gateway"}]
    program = find_engine("istio-charts")
    items = [
        item
        for each in releases
        for item in istio_charts.rendered(program, {**each._asdict(), "chart": each.chart.name})
    ]
    services = [item["spec"]["ipFamilyPolicy"] for item in items if item["kind"] == "Service"]
    assert services == ["PreferDualStack"] * 2

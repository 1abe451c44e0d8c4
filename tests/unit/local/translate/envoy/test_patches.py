"""EnvoyFilters as patches of proxies, and errors for unsupported fields."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.cluster import manifests as cluster
from meshed_mcp.components.mesh.cluster.gateway import gateway_principal, gateway_reference
from meshed_mcp.components.mesh.service import manifests as service
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs, ServiceMeshArgs
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.translate.envoy.gateway import gateway_virtual_hosts
from meshed_mcp.local.translate.envoy.patches import (
    GATEWAY,
    INBOUND,
    SIDECAR,
    added_clusters,
    inserted_filters,
    inserted_routes,
    local_replies,
    patched_hosts,
)
from meshed_mcp.local.translate.envoy.routes import mesh_virtual_hosts
from meshed_mcp.local.translate.references import unresolved_references
from meshed_mcp.local.translate.stack import read_stack
from meshed_mcp.local.translate.topology import Topology, topology

HOST = "mcp.example.com"
SESSIONS = "EnvoyFilter mcp-system/back-sessions: spec.configPatches[{}]"
NAME = "meshed-mcp.sessions.back.mcp-system"


def rendered() -> list[Manifest]:
    """`back` has sticky sessions and `front` calls it; both are exposed."""
    ingress = {"gateway": gateway_reference(), "host": HOST, "principal": gateway_principal("cluster.local")}
    base = {"image": "echo:1", "command": ["python", "echo.py"], "ingress": ingress, "expose": True}
    return [
        *cluster.mesh_manifests(ServiceMeshArgs.model_validate({"domain": HOST, "namespaces": ["mcp-system"]})),
        *service.service_manifests("front", MeshedMCPServiceArgs.model_validate(base)),
        *service.service_manifests(
            "back", MeshedMCPServiceArgs.model_validate(base | {"callers": ["front"], "legacy": "sticky"})
        ),
    ]


def laid(objects: list[Manifest]) -> Topology:
    """Topology of objects."""
    return topology(read_stack(objects), 16)


def configured(hosts: list[dict[str, Any]]) -> dict[str, bool]:
    """Virtual host and route -> whether the filter runs on it."""
    return {
        f"{host['name']} {route.get('name')}": NAME in route.get("typed_per_filter_config", {})
        for host in hosts
        for route in host["routes"]
    }


def test_a_callers_sidecar_runs_the_filter_on_the_services_routes_only() -> None:
    """Istio API, EnvoyFilter: HTTP_ROUTE by virtual host and route name."""
    mesh = laid(rendered())
    assert [each["name"] for each in inserted_filters(mesh, "mcp-system", SIDECAR, {})] == [NAME]
    runs = configured(patched_hosts(mesh, "mcp-system", SIDECAR, {}, mesh_virtual_hosts(mesh, "mcp-system")))
    assert {name for name, active in runs.items() if active} == {
        "back.mcp-system.svc.cluster.local:8000 default-session",
        "back.mcp-system.svc.cluster.local:8000 default",
    }
    assert "front.mcp-system.svc.cluster.local:8000 default" in runs


def test_the_gateway_runs_the_filter_on_the_services_routes_only() -> None:
    """As for sidecars, by route name alone: a gateway's virtual hosts are those of its clients."""
    mesh = laid(rendered())
    (gateway,) = mesh.stack.gateways
    runs = configured(patched_hosts(mesh, "istio-ingress", GATEWAY, {}, gateway_virtual_hosts(mesh, gateway, 8080)))
    assert {name.split()[1] for name, active in runs.items() if active} == {
        "back-endpoint-session", "back-endpoint", "back-beneath-session", "back-beneath",
    }  # fmt: skip
    assert {name.split()[1] for name, active in runs.items() if not active} == {"front-endpoint", "front-beneath"}


def test_a_proxy_of_another_namespace_is_not_patched() -> None:
    """Istio API, EnvoyFilter: it applies to its own namespace."""
    mesh = laid(rendered())
    assert inserted_filters(mesh, "elsewhere", SIDECAR, {}) == []
    hosts = mesh_virtual_hosts(mesh, "elsewhere")
    assert patched_hosts(mesh, "elsewhere", SIDECAR, {}, hosts) == hosts


def test_a_filter_of_the_root_namespace_applies_to_every_proxy() -> None:
    """Istio API, EnvoyFilter: in the root namespace it applies to all."""
    objects = rendered()
    sessions(objects)["metadata"]["namespace"] = "istio-system"
    assert [each["name"] for each in inserted_filters(laid(objects), "elsewhere", SIDECAR, {})] == [NAME]


def sessions(objects: list[Manifest]) -> Manifest:
    """The EnvoyFilter of the callers' sidecars."""
    return next(item for item in objects if item["metadata"]["name"] == "back-sessions")


def patch(number: int, change: Callable[[Manifest], object]) -> Callable[[Manifest], object]:
    """A change of one patch."""
    return lambda item: change(item["spec"]["configPatches"][number])


def test_a_selector_leaves_other_pods_alone() -> None:
    """Istio API, EnvoyFilter, `workloadSelector`: only pods with all of its labels are changed."""
    objects = copy.deepcopy(rendered())
    sessions(objects)["spec"]["workloadSelector"] = {"labels": {"app": "front"}}
    mesh = laid(objects)
    assert [each["name"] for each in inserted_filters(mesh, "mcp-system", SIDECAR, {"app": "front"})] == [NAME]
    assert inserted_filters(mesh, "mcp-system", SIDECAR, {"app": "back"}) == []


@pytest.mark.parametrize(
    ("change", "line"),
    [
        pytest.param(
            lambda item: item["spec"].update(workloadSelector={"matchLabels": {"app": "front"}}),
            (
                "EnvoyFilter mcp-system/back-sessions: spec.workloadSelector.matchLabels is not run "
                "locally; remove it from the stack of the local run"
            ),
            id="a selector of another kind",
        ),
        pytest.param(
            lambda item: item["spec"].update(priority=10),
            (
                "EnvoyFilter mcp-system/back-sessions: spec.priority is not run locally; remove it "
                "from the stack of the local run"
            ),
            id="a priority",
        ),
        pytest.param(
            patch(0, lambda it: it["patch"].update(operation="INSERT_FIRST")),
            f"{SESSIONS.format(0)}.HTTP_FILTER.patch.operation='INSERT_FIRST' is not run locally; use 'INSERT_BEFORE'",
            id="another operation",
        ),
        pytest.param(
            patch(0, lambda it: it["match"].update(proxy={"proxyVersion": ".*"})),
            f"{SESSIONS.format(0)}.HTTP_FILTER.match.proxy is not run locally; "
            "remove it from the stack of the local run",
            id="a match of the proxy",
        ),
        pytest.param(
            patch(0, lambda it: it["patch"]["value"]["typed_config"].update(clear_route_cache=False)),
            f"{SESSIONS.format(0)}.HTTP_FILTER.patch.value.typed_config.clear_route_cache is not run locally; "
            "remove it from the stack of the local run",
            id="a field of the filter",
        ),
        pytest.param(
            patch(1, lambda it: it["patch"]["value"].update(decorator={"operation": "x"})),
            f"{SESSIONS.format(1)}.HTTP_ROUTE.patch.value.decorator is not run locally; "
            "remove it from the stack of the local run",
            id="a field of the route",
        ),
        pytest.param(
            patch(1, lambda it: it["match"].update(context="SIDECAR_INBOUND")),
            f"{SESSIONS.format(1)}.HTTP_ROUTE.match.context='SIDECAR_INBOUND' is not run locally; "
            "use 'SIDECAR_OUTBOUND' or 'GATEWAY'",
            id="another context",
        ),
    ],
)
def test_an_untranslated_field_is_rejected_by_object_and_path(change: Callable[[Manifest], object], line: str) -> None:
    """Requirement LOC-2: a field that is not translated is never ignored."""
    objects = copy.deepcopy(rendered())
    change(sessions(objects))
    with pytest.raises(LocalRunError) as refused:
        read_stack(objects)
    assert refused.value.messages == (line,)


def undelivered(objects: list[Manifest]) -> Manifest:
    """The EnvoyFilter for local replies of `back`'s sidecars."""
    return next(item for item in objects if item["metadata"]["name"] == "back-connect-failure")


def test_responses_are_marked_in_the_services_own_sidecars() -> None:
    """Istio API, EnvoyFilter, NETWORK_FILTER and MERGE; Envoy, `LocalReplyConfig`."""
    mesh = laid(rendered())
    config = local_replies(mesh, "mcp-system", INBOUND, {"app": "back"})["local_reply_config"]
    assert [list(each["filter"]["response_flag_filter"]["flags"]) for each in config["mappers"]] == [["UF"]]
    assert local_replies(mesh, "mcp-system", INBOUND, {"app": "unknown"}) == {}
    assert local_replies(mesh, "mcp-system", SIDECAR, {"app": "back"}) == {}


@pytest.mark.parametrize(
    ("change", "line"),
    [
        pytest.param(
            lambda it: it["match"].update(context="SIDECAR_OUTBOUND"),
            "match.context='SIDECAR_OUTBOUND' is not run locally; use 'SIDECAR_INBOUND'",
            id="another context",
        ),
        pytest.param(
            lambda it: it["patch"]["value"]["typed_config"].update(server_name="x"),
            ("patch.value.typed_config.server_name is not run locally; remove it from the stack of the local run"),
            id="a field of the connection manager",
        ),
    ],
)
def test_other_patches_of_connection_managers_are_rejected(change: Callable[[Manifest], object], line: str) -> None:
    """Requirement LOC-2: a field that is not translated is never ignored."""
    objects = copy.deepcopy(rendered())
    change(undelivered(objects)["spec"]["configPatches"][0])
    with pytest.raises(LocalRunError) as refused:
        read_stack(objects)
    assert refused.value.messages == (
        f"EnvoyFilter mcp-system/back-connect-failure: spec.configPatches[0].NETWORK_FILTER.{line}",
    )


def test_a_patch_of_another_context_is_rejected() -> None:
    """Requirement LOC-2: listeners are not patched in the local run."""
    objects = rendered()
    sessions(objects)["spec"]["configPatches"][1]["applyTo"] = "LISTENER"
    with pytest.raises(
        LocalRunError, match=r"EnvoyFilter mcp-system/back-sessions: spec\.configPatches\[1\]: .*'LISTENER'"
    ):
        read_stack(objects)


def test_a_patch_of_a_missing_route_is_rejected_by_name() -> None:
    """Requirement LOC-2: istiod would ignore the patch silently."""
    objects = rendered()
    route = sessions(objects)["spec"]["configPatches"][1]["match"]["routeConfiguration"]["vhost"]["route"]
    route["name"] = "defualt"
    assert unresolved_references(laid(objects)) == [
        (
            f"{SESSIONS.format(1)}.match.routeConfiguration.vhost.route.name='defualt' is not a route of a "
            "VirtualService of this stack; set one that is, or add it"
        )
    ]


def test_streams_of_a_server_without_the_runtime_have_a_cluster_in_its_sidecar_alone() -> None:
    """Requirement SIG-1: the local run counts its requests as a cluster does."""
    outside = MeshedMCPServiceArgs.model_validate({"image": "a:1", "command": ["a"], "runtime": "external"})
    laid_out = laid([*rendered(), *service.service_manifests("outside", outside)])
    labels = {pod.deployment.name: pod.labels for pod in laid_out.pods}
    names = [each["name"] for each in added_clusters(laid_out, "mcp-system", labels["outside"])]
    routes = inserted_routes(laid_out, "mcp-system", "inbound|8000||", labels["outside"])
    assert names == [contract.STREAMS_CLUSTER]
    assert {route["route"]["cluster"] for route in routes} == {contract.STREAMS_CLUSTER}
    assert inserted_routes(laid_out, "mcp-system", "inbound|9000||", labels["outside"]) == []
    assert added_clusters(laid_out, "mcp-system", labels["back"]) == []


def test_only_routes_and_clusters_of_streams_are_patched() -> None:
    """Requirement LOC-2: another operation is rejected, not ignored."""
    outside = MeshedMCPServiceArgs.model_validate({"image": "a:1", "command": ["a"], "runtime": "external"})
    objects = [*rendered(), *service.service_manifests("outside", outside)]
    (item,) = [each for each in objects if each["metadata"]["name"] == "outside-streams"]
    item["spec"]["configPatches"][0]["patch"]["operation"] = "MERGE"
    with pytest.raises(LocalRunError, match=r"CLUSTER\.patch\.operation='MERGE' is not run locally; use 'ADD'"):
        read_stack(objects)

"""Pods of every kind of server."""

from typing import Any

import pytest

from meshed_mcp import contract
from meshed_mcp.components.mesh.service.container import SECURITY_CONTEXT
from meshed_mcp.components.pod.validation import PLATFORM_CONTAINERS, is_platform_volume
from tests.unit.components.mesh.mesh_rendering import CANARY
from tests.unit.components.mesh.service.kinds import BRIDGE, BRIDGED, EXTERNAL, KINDS, STDIO, pod, rendered

LAYOUTS: dict[str, tuple[list[tuple[str, str]], list[tuple[str, str]]]] = {
    "meshed": ([], [("server", "search:1")]),
    "external": ([], [("server", "files:1")]),
    "bridged": ([("upstream", "files:1")], [("server", BRIDGE)]),
    "stdio": ([("launcher", BRIDGE), ("upstream", "github:1")], [("server", BRIDGE)]),
    "npm": ([("installer", BRIDGE)], [("server", BRIDGE)]),
    "pypi": ([("installer", BRIDGE)], [("server", BRIDGE)]),
    "remote": ([], [("server", BRIDGE)]),
}
"""Kind -> init containers and containers, with their images."""


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_its_containers(kind: str) -> None:
    """Requirement SRV-2: the container `server` serves the endpoint in every kind."""
    spec = pod(**KINDS[kind])
    found = [
        [(each["name"], each["image"]) for each in spec.get(field, [])] for field in ("initContainers", "containers")
    ]
    assert tuple(found) == LAYOUTS[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_every_container_is_unprivileged_and_sized(kind: str) -> None:
    """Requirement SRV-8: Kubernetes, "Pod Security Standards", Restricted, holds for init containers too."""
    spec = pod(**KINDS[kind])
    volumes = {volume["name"] for volume in spec["volumes"]}
    assert all(volume["emptyDir"]["sizeLimit"] for volume in spec["volumes"])
    for each in [*spec["containers"], *spec.get("initContainers", [])]:
        assert each["securityContext"] == SECURITY_CONTEXT
        assert each["resources"]["requests"].keys() == {"cpu", "memory"}
        assert "memory" in each["resources"]["limits"]
        assert {mount["name"] for mount in each["volumeMounts"]} <= volumes


@pytest.mark.parametrize("kind", KINDS)
def test_the_service_keeps_its_port_and_names_that_of_the_pod(kind: str) -> None:
    """Kubernetes, "Service", `targetPort` by name: clients need not know the port of the server."""
    objects = rendered(**KINDS[kind])
    (port,) = objects.one("Service")["spec"]["ports"]
    assert (port["port"], port["targetPort"]) == (contract.MCP_PORT, contract.MCP_PORT_NAME)
    (server,) = objects.one("Deployment")["spec"]["template"]["spec"]["containers"]
    ports = {each["name"]: each["containerPort"] for each in server["ports"]}
    assert ports[contract.MCP_PORT_NAME] == (3001 if kind == "external" else contract.MCP_PORT)


@pytest.mark.parametrize("kind", KINDS)
def test_only_a_pod_with_the_runtime_has_a_management_port(kind: str) -> None:
    """Requirement SRV-2: nothing of the runtime is rendered for a server without it."""
    objects = rendered(**KINDS[kind])
    template = objects.one("Deployment")["spec"]["template"]
    has_runtime = kind != "external"
    (endpoint,) = objects.one("PodMonitor")["spec"]["podMetricsEndpoints"]
    wanted = contract.MANAGEMENT_PORT_NAME if has_runtime else contract.PROXY_METRICS_PORT_NAME
    assert endpoint["port"] == wanted
    annotations = template["metadata"]["annotations"]
    assert ("traffic.sidecar.istio.io/excludeInboundPorts" in annotations) is has_runtime
    assert annotations["sidecar.istio.io/rewriteAppHTTPProbers"] == ("false" if has_runtime else "true")
    names = {item["name"] for item in template["spec"]["containers"][0].get("env", [])}
    assert (contract.ENV_SERVICE in names) is has_runtime


@pytest.mark.parametrize("settings", [EXTERNAL, BRIDGED, STDIO])
def test_a_second_version_replaces_the_image_of_the_server_and_not_the_bridge(settings: dict[str, Any]) -> None:
    """Requirement NET-9: a rollout runs two versions of the user's server."""
    deployment = rendered(**settings, rollout=CANARY).one("Deployment", "mcp-search-canary")
    spec = deployment["spec"]["template"]["spec"]
    images = {each["name"]: each["image"] for each in [*spec["containers"], *spec.get("initContainers", [])]}
    assert images.pop("server" if settings is EXTERNAL else "upstream") == "search:2"
    assert set(images.values()) <= {BRIDGE}


def test_a_pool_sizes_the_server_and_not_the_bridge() -> None:
    """Requirement SRV-8: `resources` belong to the user's server."""
    size = {"cpu": "2", "memory": "1Gi", "memory_limit": "2Gi"}
    pools = {"slow": {"tools": ["report"], "resources": size}}
    deployment = rendered(**BRIDGED, pools=pools).one("Deployment", "mcp-search-slow")
    spec = deployment["spec"]["template"]["spec"]
    assert spec["initContainers"][0]["resources"]["requests"] == {"cpu": "2", "memory": "1Gi"}
    assert spec["containers"][0]["resources"]["requests"] == {"cpu": "100m", "memory": "128Mi"}


@pytest.mark.parametrize("kind", KINDS)
def test_options_of_pods_cannot_name_what_the_platform_adds(kind: str) -> None:
    """Requirement POD-2: a volume or container of the platform is out of reach of the stack's own."""
    spec = pod(**KINDS[kind], ca_bundle={"config_map": "corporate-ca"})
    assert all(is_platform_volume(each["name"]) for each in spec["volumes"])
    assert {each["name"] for each in [*spec["containers"], *spec.get("initContainers", [])]} <= PLATFORM_CONTAINERS

"""The bridge of a stack's services: images, sizes, remote servers."""

from typing import Any

import pytest

from meshed_mcp import contract
from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.infra.plan import Plan, planned

IMAGES = {"image": "bridge:1", "npm_image": "bridge-npm:1", "pypi_image": "bridge-pypi:1"}
GATEWAY = {"egress_gateway": {"min_replicas": 2, "max_replicas": 2, "cpu": "100m", "memory": "128Mi"}}
BRIDGED = {"image": "docs:1", "runtime": "external", "bridge": True, "port": 3001}


def plan(service: dict[str, Any], **keys: Any) -> Plan:
    """The plan of one service with all images of the bridge."""
    given = {"bridge": IMAGES, **keys}
    return planned({"meshed-mcp:services": {"mcp-a": service}, **{f"meshed-mcp:{key}": given[key] for key in given}})


def lines(service: dict[str, Any], **keys: Any) -> list[str]:
    """The issues of one service."""
    try:
        plan(service, **keys)
    except ConfigurationError as error:
        return [issue.line for issue in error.issues]
    return []


@pytest.mark.parametrize(
    ("service", "key"),
    [
        (BRIDGED, "image"),
        ({"image": "a:1", "transport": "stdio", "command": ["/a"]}, "image"),
        ({"url": "https://mcp.example.com/mcp"}, "image"),
        ({"package": "npm:a@1.0.0"}, "npm_image"),
        ({"package": "pypi:a==1.0"}, "pypi_image"),
    ],
)
def test_each_kind_runs_its_image_of_the_bridge(service: dict[str, Any], key: str) -> None:
    """Requirement CFG-7: without the image no pod could start; the line names the key."""
    assert plan(service).services["mcp-a"].bridge_image == IMAGES[key]
    others = {name: image for name, image in IMAGES.items() if name != key}
    assert lines(service, bridge=others) == [
        "MM0321: service mcp-a: runs the bridge, and the stack names no image for it; set meshed-mcp:bridge." + key
    ]


@pytest.mark.parametrize("service", [{"image": "a:1"}, {"image": "a:1", "runtime": "external"}])
def test_servers_without_the_bridge_need_no_image_of_it(service: dict[str, Any]) -> None:
    """Requirement CMP-8: what a stack does not ask for is not rendered."""
    assert lines(service, bridge={}) == []
    assert plan(service).services["mcp-a"].bridge_image is None


def test_a_remote_server_over_plain_http_is_for_development() -> None:
    """Requirement SRV-7: requests to it leave the mesh, which encrypts only inside."""
    service = {"url": "http://mcp.example.com/mcp"}
    assert [line.partition(":")[0] for line in lines(service)] == ["MM0317"]
    assert lines(service, environment="development") == []
    found = lines(service, environment="development", mesh=GATEWAY)
    assert [line.partition(":")[0] for line in found] == ["MM0318"]


def test_the_egress_gateway_admits_the_service_to_its_remote_server() -> None:
    """Requirement NET-1: the gateway authorizes by identity and host."""
    mesh = plan({"url": "https://mcp.example.com:8443/mcp"}, mesh=GATEWAY).mesh
    assert mesh.egress == {"mcp.example.com:8443": ["cluster.local/ns/mcp-system/sa/mcp-a"]}


def test_a_remote_server_is_not_the_gateway_of_the_stack() -> None:
    """Requirement CFG-7: a request would return to the stack itself."""
    (line,) = lines({"url": "https://mcp.example.com/mcp"}, domain="mcp.example.com")
    assert line.startswith("MM0124: service mcp-a: url: ")


def test_limits_must_fit_the_memory_of_the_bridge() -> None:
    """Requirement CFG-7: bodies are held by the bridge, not by the server behind it."""
    small = {"bridge": {**IMAGES, "resources": {"memory": "32Mi", "memory_limit": "64Mi"}}}
    (line,) = lines(BRIDGED, **small)
    assert line.startswith("MM0241: service mcp-a: ")
    assert lines({**BRIDGED, "resources": {"memory": "32Mi", "memory_limit": "64Mi"}}) == []


def test_the_autoscaler_measures_the_container_of_the_server() -> None:
    """Requirement SRV-8: CPU and memory of the bridge grow with requests, which have a trigger of their own."""
    autoscaling = plan(BRIDGED).autoscaling.targets["mcp-a"]
    assert autoscaling.container == contract.UPSTREAM_CONTAINER_NAME
    assert plan({"package": "npm:a@1.0.0"}).autoscaling.targets["mcp-a"].container == contract.CONTAINER_NAME


def test_a_native_sidecar_is_not_right_sized() -> None:
    """Requirement CFG-6: a VerticalPodAutoscaler sizes the main containers of a pod."""
    service = {**BRIDGED, "scaling": {"right_sizing": {"mode": "initial"}}}
    assert [line.partition(":")[0] for line in lines(service, vpa={"install": "component"})] == ["MM0324"]


def test_nodes_pull_the_image_of_the_bridge_beforehand_and_reserve_its_size() -> None:
    """Requirement SRV-8: the size of a pod holds the bridge and the server."""
    resources = {"cpu": "1", "memory": "128Mi"}
    keys = {"bridge": {**IMAGES, "resources": resources}, "nodes": {}}
    found, alone = plan(BRIDGED, **keys).autoscaling, plan({"image": "docs:1"}, **keys).autoscaling
    assert found.images == ["docs:1", "bridge:1"]
    difference = int(found.largest_cpu.removesuffix("m")) - int(alone.largest_cpu.removesuffix("m"))
    assert difference == 1000

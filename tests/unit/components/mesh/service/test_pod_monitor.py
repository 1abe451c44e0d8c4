"""PodMonitor of a service: its target, labels and relabeling."""

from typing import Any

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs
from meshed_mcp.components.mesh.service.manifests import service_manifests
from meshed_mcp.components.mesh.service.pod_monitor import pod_monitors


def monitors(**settings: object) -> list[Manifest]:
    """The monitors of a service."""
    return pod_monitors("mcp-a", MeshedMCPServiceArgs.model_validate({"image": "a:1", **settings}))


def endpoint(**settings: object) -> dict[str, Any]:
    """The one endpoint of its one monitor."""
    (monitor,) = monitors(**settings)
    (found,) = monitor["spec"]["podMetricsEndpoints"]
    return dict(found)


def test_server_without_the_runtime_is_scraped_at_its_sidecar() -> None:
    """Requirement SIG-1; Istio, injection template: the port http-envoy-prom accepts plain HTTP."""
    found = endpoint(runtime="external")
    assert (found["port"], found["path"]) == ("http-envoy-prom", "/stats/prometheus")
    assert endpoint()["port"] == "http-metrics"


def test_both_kinds_of_servers_have_the_same_labels_and_interval() -> None:
    """Requirement SIG-2: queries select a server by the same labels, and see a load step in the same time."""
    outside, own = endpoint(runtime="external"), endpoint()
    for field in ("relabelings", "interval", "scrapeTimeout"):
        assert outside[field] == own[field]


def test_server_without_runtime_and_sidecar_has_no_monitor() -> None:
    """Requirement SIG-4: in ambient mode no process has metrics of such a server's pods."""
    assert monitors(runtime="external", mode="ambient") == []
    assert len(monitors(mode="ambient")) == 1
    args = MeshedMCPServiceArgs.model_validate({"image": "a:1", "runtime": "external", "mode": "ambient"})
    assert "PodMonitor" not in {item["kind"] for item in service_manifests("mcp-a", args)}

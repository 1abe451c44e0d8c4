"""PodMonitors of the mesh's proxies and of istiod."""

import re

from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.manifests import pod_monitors
from meshed_mcp.components.observability.metrics.platform import CONTROL_PLANE
from meshed_mcp.components.promql import control_plane

MONITORS = {item["metadata"]["name"]: item for item in pod_monitors(ObservabilityStackArgs())}
PROXIES, ISTIOD = MONITORS["envoy-stats"], MONITORS["istiod"]
(PROXY_ENDPOINT,), (ISTIOD_ENDPOINT,) = (item["spec"]["podMetricsEndpoints"] for item in (PROXIES, ISTIOD))


def test_proxies_of_every_namespace_are_scraped() -> None:
    """Istio, "Prometheus": proxies show their series on the port http-envoy-prom, wherever they run."""
    assert PROXIES["spec"]["namespaceSelector"] == {"any": True}
    assert (PROXY_ENDPOINT["port"], PROXY_ENDPOINT["path"]) == ("http-envoy-prom", "/stats/prometheus")


def test_only_istio_series_of_the_proxies_are_stored() -> None:
    """Requirement OBS-8: Envoy exports hundreds of series per proxy that nothing reads."""
    (rule,) = PROXY_ENDPOINT["metricRelabelings"]
    assert (rule["action"], rule["sourceLabels"]) == ("keep", ["__name__"])
    assert rule["regex"].startswith("istio_(")


def test_every_control_plane_is_scraped_with_its_revision() -> None:
    """Istio, "Canary Upgrades": two of them run side by side, and one may be down while the other is not."""
    assert ISTIOD["spec"]["namespaceSelector"] == {"any": True}
    (relabeling,) = ISTIOD_ENDPOINT["relabelings"]
    assert relabeling == {"sourceLabels": ["__meta_kubernetes_pod_label_istio_io_rev"], "targetLabel": "revision"}


def test_only_queried_series_of_istiod_are_stored() -> None:
    """Requirement OBS-8: istiod exports about a hundred metrics; each stored one costs memory."""
    (kept,) = ISTIOD_ENDPOINT["metricRelabelings"]
    queried = {f"{each.name}_bucket" if each.name == control_plane.CONVERGENCE else each.name for each in CONTROL_PLANE}
    assert all(re.fullmatch(kept["regex"], name) for name in queried)
    assert not re.fullmatch(kept["regex"], "pilot_xds_pushes")


def test_job_label_in_alerts_is_that_of_the_monitor() -> None:
    """Prometheus operator, PodMonitor: the job is the namespace and name of the monitor."""
    job = f"{ISTIOD['metadata']['namespace']}/{ISTIOD['metadata']['name']}"
    (selected,) = re.findall(r'job=~"(.+)"', control_plane.TARGETS)
    assert re.fullmatch(selected, job)

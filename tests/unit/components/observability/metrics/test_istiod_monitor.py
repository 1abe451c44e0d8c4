"""The scrapes of the mesh's control plane."""

import re

from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.manifests import monitors
from meshed_mcp.components.observability.metrics.platform import CONTROL_PLANE
from meshed_mcp.components.promql import control_plane

(MONITOR,) = [each for each in monitors(ObservabilityStackArgs()) if each["metadata"]["name"] == "istiod"]
(ENDPOINT,) = MONITOR["spec"]["podMetricsEndpoints"]


def test_every_control_plane_is_scraped_with_its_revision() -> None:
    """Istio, "Canary Upgrades": two of them run side by side, and one may be down while the other is not."""
    assert MONITOR["spec"]["namespaceSelector"] == {"any": True}
    (relabeling,) = ENDPOINT["relabelings"]
    assert relabeling == {"sourceLabels": ["__meta_kubernetes_pod_label_istio_io_rev"], "targetLabel": "revision"}


def test_only_queried_series_of_istiod_are_stored() -> None:
    """Requirement OBS-8: istiod exports about a hundred metrics; each stored one costs memory."""
    (kept,) = ENDPOINT["metricRelabelings"]
    asked = {f"{each.name}_bucket" if each.name == control_plane.REACHED else each.name for each in CONTROL_PLANE}
    assert all(re.fullmatch(kept["regex"], name) for name in asked)
    assert not re.fullmatch(kept["regex"], "pilot_xds_pushes")


def test_job_label_in_alerts_is_that_of_the_monitor() -> None:
    """Prometheus operator, PodMonitor: the job is the namespace and name of the monitor."""
    job = f"{MONITOR['metadata']['namespace']}/{MONITOR['metadata']['name']}"
    (selected,) = re.findall(r'job=~"(.+)"', control_plane.TARGETS)
    assert re.fullmatch(selected, job)

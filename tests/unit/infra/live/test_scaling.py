"""KEDA and external metrics of a cluster."""

from typing import Any

import pytest

from meshed_mcp.components.autoscaling.keda.values import KEDA
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.infra.live.scaling import METRICS_SERVICE, scaling_findings
from tests.unit.infra.live.fake_cluster import FakeCluster, deployed, stack, thing

SCALED = thing("ScaledObject", "a", "n", "keda.sh/v1alpha1", spec={})


def operator(version: str = KEDA.version) -> Manifest:
    """KEDA's operator."""
    return deployed(
        "keda-operator", "keda", f"ghcr.io/kedacore/keda:{version}", {"app.kubernetes.io/name": "keda-operator"}
    )


def service(name: str = METRICS_SERVICE, available: str = "True") -> Manifest:
    """The APIService of external metrics."""
    status: dict[str, Any] = {"conditions": [{"type": "Available", "status": available, "reason": "MissingEndpoints"}]}
    spec = {"service": {"name": name, "namespace": "keda"}}
    return thing(
        "APIService", "v1beta1.external.metrics.k8s.io", api="apiregistration.k8s.io/v1", spec=spec, status=status
    )


def lines(cluster: FakeCluster, *charts: str) -> list[str]:
    """Lines of the findings."""
    return [item.line for item in scaling_findings(cluster, stack(SCALED, charts=charts))]


def test_keda_that_serves_external_metrics_is_ok() -> None:
    """KEDA, "Architecture": its metrics server is the only one of the cluster."""
    assert lines(FakeCluster(operator(), service())) == [f"ok KEDA {KEDA.version}", "ok KEDA serves external metrics"]


def test_a_stack_that_installs_keda_needs_none() -> None:
    """Requirement CHK-5: before the first deployment there is neither."""
    assert lines(FakeCluster(), "keda") == []


@pytest.mark.parametrize(
    ("objects", "charts", "line"),
    [
        ((), (), "error MM0159: the cluster has no KEDA"),
        (
            (operator("2.9.0"), service()),
            (),
            "error MM0160: KEDA has version 2.9.0, and the stack needs 2.20.2 or newer",
        ),
        ((operator(),), (), "error MM0167: external metrics are served by no APIService"),
        ((operator(), service("datadog")), (), "error MM0167: external metrics are served by keda/datadog"),
        ((service("datadog"),), ("keda",), "error MM0167: external metrics are served by keda/datadog"),
        (
            (operator(), service(available="False")),
            (),
            "error MM0167: external metrics are not available (MissingEndpoints)",
        ),
    ],
)
def test_a_cluster_in_which_no_scaled_object_scales_is_an_error(
    objects: tuple[Manifest, ...], charts: tuple[str, ...], line: str
) -> None:
    """Requirement CHK-5: an HPA without external metrics stays at its replicas."""
    assert [each for each in lines(FakeCluster(*objects), *charts) if each.startswith(line)]
    assert not [
        each for each in lines(FakeCluster(*objects), *charts) if each == "ok KEDA serves external metrics"
    ] or ("MM0160" in line)

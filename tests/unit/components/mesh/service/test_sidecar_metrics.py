"""Metrics that the sidecar of a server without the runtime exports, and those that Prometheus stores."""

import json
from re import fullmatch

import pytest
import yaml

from meshed_mcp import contract
from meshed_mcp.components.mesh.cluster.proxy_config import CONNECTION_STATS
from meshed_mcp.components.mesh.service import sidecar_metrics, workload
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs


def annotations(**settings: object) -> dict[str, str]:
    """Annotations of a pod of a service."""
    return workload.sidecar_annotations(MeshedMCPServiceArgs.model_validate({"image": "a:1", **settings}))


@pytest.mark.parametrize(
    ("name", "exported"),
    [
        ("cluster.inbound|3001||;.upstream_rq_active", True),
        ("cluster.inbound|3001||;.upstream_rq_time", True),
        ("cluster.inbound|3001||;.upstream_rq_5xx", True),
        ("cluster.mcp-streams;.upstream_rq_active", True),
        ("cluster.inbound|3001||;.upstream_rq_503", False),
        ("cluster.inbound|3001||;.upstream_cx_active", False),
        ("cluster.outbound|8000||mcp-b.mcp-system.svc.cluster.local;.upstream_rq_active", False),
    ],
)
def test_proxy_exports_the_requests_of_the_pods_own_port(name: str, exported: bool) -> None:
    """Requirement SIG-1; Istio, ProxyConfig `proxyStatsMatcher`: patterns match Envoy's names of statistics."""
    config = yaml.safe_load(annotations(runtime="external")["proxy.istio.io/config"])
    patterns = config["proxyStatsMatcher"]["inclusionRegexps"]
    assert any(fullmatch(pattern, name) for pattern in patterns) is exported


def test_pod_keeps_the_statistics_of_the_mesh() -> None:
    """Istio, ProxyConfig: a list in a pod's annotation replaces that of the mesh."""
    config = yaml.safe_load(annotations(runtime="external")["proxy.istio.io/config"])
    assert set(CONNECTION_STATS) < set(config["proxyStatsMatcher"]["inclusionRegexps"])


def test_durations_have_the_bounds_of_the_runtimes_histogram() -> None:
    """Requirement SIG-3: an objective's `latency_seconds` is a bucket bound of both kinds of servers."""
    (bounds,) = json.loads(annotations(runtime="external")["sidecar.istio.io/statsHistogramBuckets"]).values()
    assert [each / 1000 for each in bounds] == list(contract.DURATION_BUCKETS_SECONDS)


def test_pods_with_the_runtime_export_nothing_more() -> None:
    """Requirement OBS-8: the runtime measures its own requests."""
    assert not {"proxy.istio.io/config", "sidecar.istio.io/statsHistogramBuckets"} & annotations().keys()


def test_relabeling_keeps_no_more_than_the_proxy_exports() -> None:
    """Requirement OBS-8: Istio's standard metrics of the same target belong to the monitor of all proxies."""
    stored = sidecar_metrics.stored_only()
    assert stored["sourceLabels"] == ["__name__", contract.LABEL_CLUSTER]
    assert not fullmatch(stored["regex"], "istio_requests_total;")
    assert not fullmatch(stored["regex"], f"{contract.METRIC_PROXY_ACTIVE}_more;inbound|3001||")

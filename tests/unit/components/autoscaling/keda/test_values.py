"""KEDA's release and namespace."""

from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs, KedaSettings
from meshed_mcp.components.autoscaling.keda.values import keda_releases, keda_values, namespaces
from meshed_mcp.components.core.charts import OptionalInstall

URL = "http://prometheus.monitoring.svc:9090"


def args(
    install: OptionalInstall = OptionalInstall.COMPONENT, chart_mirror: str | None = None
) -> AutoscalingPolicyArgs:
    """A policy without targets."""
    return AutoscalingPolicyArgs(
        targets={}, prometheus_url=URL, keda=KedaSettings(install=install), chart_mirror=chart_mirror
    )


def test_two_keda_operators_run_and_one_may_be_evicted_at_a_time() -> None:
    """Measured: without a running operator, every HPA of the cluster waits 60 s for each query."""
    values = keda_values(args().keda.replicas)
    assert values["operator"]["replicaCount"] == values["metricsServer"]["replicaCount"] == 2
    assert values["podDisruptionBudget"] == {
        "operator": {"maxUnavailable": 1},
        "metricServer": {"maxUnavailable": 1},
    }


def test_keda_crds_survive_the_removal_of_keda() -> None:
    """Helm, resource policy: the chart templates its CRDs and does not keep them by itself."""
    assert keda_values(2)["crds"]["additionalAnnotations"] == {"helm.sh/resource-policy": "keep"}


def test_keda_operators_are_spread_by_the_label_of_their_pods() -> None:
    """KEDA's chart: the pods' label `app`."""
    (spread,) = keda_values(2)["topologySpreadConstraints"]["operator"]
    assert spread["labelSelector"] == {"matchLabels": {"app": "keda-operator"}}


def test_keda_charts_without_the_operator_fixes_are_rejected() -> None:
    """KEDA 2.20.1 and 2.20.2 fix panics of the operator (#7838, #7910)."""
    (spec,) = keda_releases(args())
    assert tuple(map(int, spec.chart.version.split("."))) >= (2, 20, 2)
    assert (spec.name, spec.namespace) == ("keda", "keda")


def test_keda_runs_outside_the_mesh() -> None:
    """KEDA, "Istio": the API server calls the operator's ports without a mesh identity."""
    (namespace,) = namespaces(args())
    assert namespace["metadata"]["labels"]["istio-injection"] == "disabled"


def test_existing_keda_is_left_alone() -> None:
    """Kubernetes allows one provider of external metrics per cluster."""
    existing = args(OptionalInstall.EXISTING)
    assert keda_releases(existing) == []
    assert namespaces(existing) == []


def test_keda_chart_comes_from_the_mirror() -> None:
    """Requirement CMP-12: an air-gapped cluster names a folder or a repository for charts."""
    (spec,) = keda_releases(args(chart_mirror="charts"))
    assert (spec.chart.reference, spec.chart.http_repository) == ("charts/keda", None)

"""Helm releases and namespaces of monitoring."""

from meshed_mcp.components.core.charts import ChartInstall
from meshed_mcp.components.core.manifest import identity
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.charts import KUBE_PROMETHEUS_STACK, PROMETHEUS_OPERATOR_CRDS
from meshed_mcp.components.observability.manifests import observability_objects
from meshed_mcp.components.observability.releases import cert_manager_releases, observability_releases


def args(install: ChartInstall = ChartInstall.COMPONENT, mirror: str | None = None) -> ObservabilityStackArgs:
    """Arguments with an install mode of cert-manager."""
    return ObservabilityStackArgs.model_validate({"cert_manager": {"install": install}, "chart_mirror": mirror})


def test_dependencies_are_installed_first() -> None:
    """Chart: its Certificate needs cert-manager, its Prometheus needs the operator's CRDs."""
    names = [spec.name for spec in observability_releases(args())]
    assert names == ["cert-manager", "prometheus-operator-crds", "kube-prometheus-stack"]


def test_an_existing_cert_manager_is_not_installed() -> None:
    """Requirement CMP-7: `install: existing` installs nothing."""
    assert "cert-manager" not in [spec.name for spec in observability_releases(args(ChartInstall.EXISTING))]


def test_cert_manager_is_a_pinned_release_with_a_fixed_name() -> None:
    """Helm: without a version the newest chart of the day is installed."""
    (spec,) = cert_manager_releases(ObservabilityStackArgs())
    assert (spec.name, spec.namespace, spec.chart.version) == ("cert-manager", "cert-manager", "v1.21.1")


def test_certificates_survive_the_removal_of_cert_manager() -> None:
    """cert-manager, Helm: `crds.enabled` installs the CRDs, `crds.keep` leaves them; `installCRDs` is deprecated."""
    (spec,) = cert_manager_releases(ObservabilityStackArgs())
    values = spec.values
    assert values["crds"] == {"enabled": True, "keep": True}
    assert "installCRDs" not in values


def test_monitor_crds_survive_the_removal_of_their_release() -> None:
    """Helm, resource policy; the chart of CRDs has none of its own."""
    (spec,) = [item for item in observability_releases(args()) if item.name == "prometheus-operator-crds"]
    assert spec.values == {"crds": {"annotations": {"helm.sh/resource-policy": "keep"}}}


def test_monitoring_chart_installs_no_crds_of_its_own() -> None:
    """Helm installs a chart's folder of CRDs once and never upgrades it."""
    stack = observability_releases(args())[-1]
    assert stack.skip_crds
    assert stack.values["crds"] == {"enabled": False}


def test_crds_and_operator_have_one_version() -> None:
    """prometheus-community: charts 31.0.1 of the CRDs and 88.5.3 of the stack both carry operator 0.93.1."""
    assert (PROMETHEUS_OPERATOR_CRDS.version, KUBE_PROMETHEUS_STACK.version) == ("31.0.1", "88.5.3")


def test_every_chart_comes_from_the_mirror() -> None:
    """Requirement CMP-12: an air-gapped cluster names a folder or a repository."""
    assert {spec.chart.reference for spec in observability_releases(args(mirror="charts"))} == {
        "charts/cert-manager",
        "charts/prometheus-operator-crds",
        "charts/kube-prometheus-stack",
    }
    assert {spec.chart.http_repository for spec in observability_releases(args(mirror="https://charts.corp"))} == {
        "https://charts.corp"
    }


def test_monitoring_runs_outside_the_mesh() -> None:
    """helm-charts#190: scrapes and webhooks fail behind a sidecar."""
    namespaces = [item for item in observability_objects(args()) if item["kind"] == "Namespace"]
    assert {item["metadata"]["name"]: item["metadata"]["labels"]["istio-injection"] for item in namespaces} == {
        "monitoring": "disabled",
        "cert-manager": "disabled",
    }


def test_existing_cert_manager_keeps_its_namespace() -> None:
    """Requirement CMP-7: the product does not own what it did not install."""
    names = [item["metadata"]["name"] for item in observability_objects(args(ChartInstall.EXISTING))]
    assert "cert-manager" not in names


def test_every_object_is_registered_once() -> None:
    """Pulumi and Kubernetes: one identity, one object."""
    identities = [identity(item) for item in observability_objects(args())]
    assert len(identities) == len(set(identities))

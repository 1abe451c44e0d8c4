"""Autoscaling without KEDA."""

from typing import Any

from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs, KedaSettings
from meshed_mcp.components.autoscaling.keda.values import keda_releases, namespaces
from meshed_mcp.components.autoscaling.scalers import autoscaler_manifests
from meshed_mcp.components.core.charts import OptionalInstall
from meshed_mcp.components.core.errors import model_issues
from meshed_mcp.infra.checks.schema import schema_issues

WITHOUT = KedaSettings(install=OptionalInstall.NONE)
URL = "http://prometheus"


def policy(**settings: Any) -> AutoscalingPolicyArgs:
    """A policy without KEDA and with one target."""
    raw = {"targets": {"mcp-rag": settings}, "namespace": "apps", "prometheus_url": URL, "keda": WITHOUT}
    return AutoscalingPolicyArgs.model_validate(raw)


def test_native_hpa_counts_cpu_and_memory_of_the_server_container() -> None:
    """Kubernetes, HPA v2, ContainerResource: the sidecar must not count."""
    (item,) = autoscaler_manifests(policy(memory_percent=75, memory_limit="1Gi"))
    assert (item["apiVersion"], item["kind"]) == ("autoscaling/v2", "HorizontalPodAutoscaler")
    cpu, memory = (metric["containerResource"] for metric in item["spec"]["metrics"])
    assert cpu == {"name": "cpu", "container": "server", "target": {"type": "Utilization", "averageUtilization": 70}}
    assert memory["target"] == {"type": "AverageValue", "averageValue": "805306368"}


def test_native_hpa_matches_the_kubernetes_schema() -> None:
    """Kubernetes API, autoscaling/v2: no unknown field, no wrong type."""
    (item,) = autoscaler_manifests(policy(memory_percent=75))
    assert schema_issues(item) == []


def test_without_keda_nothing_of_keda_is_installed() -> None:
    """Requirement CMP-8: `keda.install: none` is for clusters that do not allow KEDA."""
    assert keda_releases(policy()) == []
    assert namespaces(policy()) == []


def test_setting_that_needs_keda_is_rejected_by_name() -> None:
    """Requirement CFG-6: a metric that would silently not count is a configuration error."""
    raw = {
        "targets": {"mcp-rag": {"sessions_per_replica": 5, "cpu_percent": None}},
        "prometheus_url": URL,
        "keda": {"install": "none"},
    }
    assert [str(issue) for issue in model_issues(AutoscalingPolicyArgs, raw, "scaling")] == [
        (
            "scaling: targets.mcp-rag.sessions_per_replica: needs KEDA, which keda.install: "
            "none leaves out; remove it, or set keda.install: component or existing"
        ),
        (
            "scaling: targets.mcp-rag.cpu_percent: is null, and without KEDA only cpu_percent "
            "and memory_percent scale; set cpu_percent or memory_percent"
        ),
    ]

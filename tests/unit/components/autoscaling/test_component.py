"""Registrations of AutoscalingPolicy and their order."""

from typing import Any

import pulumi

from meshed_mcp.components.autoscaling.component import AutoscalingPolicy
from meshed_mcp.infra.recording import Recording
from meshed_mcp.infra.recording.recorder import record_program

URL = "http://prometheus.monitoring.svc:9090"


def recorded(**args: Any) -> Recording:
    """The registrations of one policy."""

    def program() -> None:
        AutoscalingPolicy("scaling", {"targets": {"mcp-rag": {}}, "prometheus_url": URL, **args})

    return record_program(program, "project", "test", {})


def test_scaled_objects_wait_for_keda() -> None:
    """KEDA: its CRDs and its webhook must be there."""
    recording = recorded()
    (release,) = [item for item in recording.registrations if item.type.endswith(":Release")]
    (scaler,) = [item for item in recording.registrations if item.type.endswith(":ScaledObject")]
    assert release.urn in scaler.depends_on


def test_existing_keda_is_used_unchanged() -> None:
    """Kubernetes allows one provider of external metrics per cluster."""
    recording = recorded(keda={"install": "existing"})
    assert recording.releases == []
    assert [item["kind"] for item in recording.objects] == ["ScaledObject"]


def test_prometheus_url_may_come_from_another_component() -> None:
    """Requirement CFG-16: values that are only passed through may be outputs."""
    url = pulumi.Output.from_input(URL)
    (scaler,) = recorded(prometheus_url=url, keda={"install": "existing"}).objects
    assert scaler["spec"]["triggers"][0]["metadata"]["serverAddress"] == URL


def test_component_outputs_name_what_it_scales() -> None:
    """Pulumi, "Component resources": outputs are registered."""
    (outputs,) = recorded().outputs.values()
    assert outputs == {"scaled_objects": ["mcp-system/mcp-rag"], "keda_namespace": "keda"}

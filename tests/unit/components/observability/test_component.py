"""Registrations of ObservabilityStack and their order."""

from typing import Any

import pulumi
import pytest

from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.component import ObservabilityStack
from meshed_mcp.components.observability.manifests import observability_objects
from meshed_mcp.components.observability.releases import observability_releases
from meshed_mcp.infra.recording import Recording, Registration, record_program


def recorded(**args: Any) -> Recording:
    """The registrations of one ObservabilityStack."""
    return record_program(lambda: (ObservabilityStack("monitoring", args), None)[1], "project", "test", {})


def registered(recording: Recording, kind: str, name: str) -> Registration:
    """The one registration of a type and name."""
    (found,) = [item for item in recording.registrations if item.type.endswith(kind) and item.name == name]
    return found


def dependencies_of(recording: Recording, item: Registration) -> set[str]:
    """Names of all transitive dependencies of `item`."""
    known = {entry.urn: entry for entry in recording.registrations}
    names, pending = set[str](), [item]
    while pending:
        for urn in pending.pop().depends_on:
            names.add(known[urn].name)
            pending.append(known[urn])
    return names


@pytest.mark.parametrize("install", ["component", "existing"])
def test_registered_monitoring_objects_equal_the_rendered_ones(install: str) -> None:
    """Requirement CMP-1: what is rendered and checked is what is deployed."""
    args = ObservabilityStackArgs.model_validate({"cert_manager": {"install": install}})
    recording = recorded(cert_manager={"install": install})
    assert sorted(recording.objects, key=str) == sorted(map(sorted_keys, observability_objects(args)), key=str)
    assert {item["name"]: item["values"] for item in recording.releases} == {
        spec.name: sorted_keys(spec.values) for spec in observability_releases(args)
    }


def sorted_keys(value: Any) -> Any:
    """`value` with sorted keys, as in a recording."""
    if isinstance(value, dict):
        return {key: sorted_keys(value[key]) for key in sorted(value)}
    return [sorted_keys(item) for item in value] if isinstance(value, list) else value


def test_chart_waits_for_certificates_crds_and_its_password() -> None:
    """Chart: without these its Certificate, its Prometheus and its Grafana cannot be made."""
    recording = recorded(grafana={"admin_password": "s3cret"})
    stack = registered(recording, ":Release", "kube-prometheus-stack")
    assert dependencies_of(recording, stack) >= {
        "cert-manager",
        "prometheus-operator-crds",
        "monitoring",
        "monitoring/grafana-admin",
    }


def test_dashboards_are_registered_last() -> None:
    """Requirement CMP-17: Grafana exists before its dashboards; a failing one does not delay monitoring."""
    recording = recorded()
    board = registered(recording, ":ConfigMap", "monitoring/dashboard-mcp-services")
    assert "kube-prometheus-stack" in dependencies_of(recording, board)


def test_no_component_of_another_package_is_registered() -> None:
    """Requirement PRJ-4: [platform] installs everything that a stack with defaults needs."""
    assert recorded().remotes == []


def test_password_stays_a_secret() -> None:
    """Pulumi: an output that is secret stays so in the inputs of everything made from it."""

    def program() -> None:
        ObservabilityStack("monitoring", {"grafana": {"admin_password": pulumi.Output.secret("s3cret")}})

    recording = record_program(program, "project", "test", {})
    assert "s3cret" not in str(recording)
    assert registered(recording, ":Secret", "monitoring/grafana-admin")


def test_monitoring_addresses_are_outputs() -> None:
    """Requirement CFG-16: the autoscaler's prometheus_url and the mesh's collector come from here."""
    (outputs,) = recorded(namespace="watch").outputs.values()
    assert outputs == {
        "prometheus_url": "http://kube-prometheus-stack-prometheus.watch.svc:9090",
        "otlp_endpoint": "http://jaeger.watch.svc:4317",
        "grafana_url": "http://grafana.watch.svc:80",
    }

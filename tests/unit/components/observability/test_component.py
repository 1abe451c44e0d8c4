"""What ObservabilityStack registers, and in which order."""

from typing import Any

import pulumi
import pytest

from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.component import ObservabilityStack
from meshed_mcp.components.observability.manifests import manifests
from meshed_mcp.components.observability.releases import releases
from meshed_mcp.infra.recording import Recording, Registration, record_program


def recorded(**args: Any) -> Recording:
    """The registrations of one stack of monitoring."""
    return record_program(lambda: (ObservabilityStack("monitoring", args), None)[1], "project", "test", {})


def registered(recording: Recording, kind: str, name: str) -> Registration:
    """The one registration of a type and name."""
    (found,) = [item for item in recording.registrations if item.type.endswith(kind) and item.name == name]
    return found


def waits_for(recording: Recording, item: Registration) -> set[str]:
    """Names of everything that is made before `item`."""
    known = {entry.urn: entry for entry in recording.registrations}
    names, waiting = set[str](), [item]
    while waiting:
        for urn in waiting.pop().depends_on:
            names.add(known[urn].name)
            waiting.append(known[urn])
    return names


@pytest.mark.parametrize("install", ["release", "existing"])
def test_registered_monitoring_objects_equal_the_rendered_ones(install: str) -> None:
    """Requirement CMP-1: what is rendered and checked is what is deployed."""
    args = ObservabilityStackArgs.model_validate({"cert_manager": {"install": install}})
    recording = recorded(cert_manager={"install": install})
    assert sorted(recording.objects, key=str) == sorted(map(sorted_keys, manifests(args)), key=str)
    assert {item["name"]: item["values"] for item in recording.releases} == {
        spec.name: sorted_keys(spec.values) for spec in releases(args)
    }


def sorted_keys(value: Any) -> Any:
    """`value` with its keys in the order in which a recording has them."""
    if isinstance(value, dict):
        return {key: sorted_keys(value[key]) for key in sorted(value)}
    return [sorted_keys(item) for item in value] if isinstance(value, list) else value


def test_chart_waits_for_certificates_crds_and_its_password() -> None:
    """Chart: without these its Certificate, its Prometheus and its Grafana cannot be made."""
    recording = recorded(grafana={"admin_password": "s3cret"})
    stack = registered(recording, ":Release", "kube-prometheus-stack")
    assert waits_for(recording, stack) >= {
        "cert-manager",
        "prometheus-operator-crds",
        "monitoring",
        "monitoring/grafana-admin",
    }


def test_dashboards_are_registered_last() -> None:
    """Requirement CMP-17: Grafana exists before its dashboards; a failing one does not delay monitoring."""
    recording = recorded()
    board = registered(recording, ":ConfigMap", "monitoring/dashboard-mcp-services")
    assert "kube-prometheus-stack" in waits_for(recording, board)


def test_no_component_of_another_package_is_registered() -> None:
    """Product rule: [platform] brings everything that a stack with defaults needs."""
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

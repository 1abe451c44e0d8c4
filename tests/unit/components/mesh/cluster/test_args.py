"""Validation of the arguments of the mesh."""

from typing import Any

import pytest
from pydantic import ValidationError

from meshed_mcp.components.core import charts
from meshed_mcp.components.mesh.cluster.args import ServiceMeshArgs, Tracing
from meshed_mcp.components.observability.tracing.jaeger_config import OTLP_GRPC_PORT
from tests.unit.components.mesh.mesh_rendering import mesh_args


def message(**settings: Any) -> str:
    """The one error that `settings` get."""
    with pytest.raises(ValidationError) as caught:
        mesh_args(**settings)
    errors = caught.value.errors()
    assert len(errors) == 1, errors
    return str(errors[0]["msg"]).removeprefix("Value error, ")


@pytest.mark.parametrize("version", ["1.31.0", "1.31.1", "1.32.0-beta.1", "2.0.0"])
def test_istio_from_1_31_on_is_accepted(version: str) -> None:
    """Requirement CMP-12: the version is an input with a floor."""
    assert ServiceMeshArgs(domain="mcp.example.com", istio_version=version).istio_version == version


@pytest.mark.parametrize("version", ["1.30.4", "1.9.9", "0.99.0"])
def test_older_istio_is_rejected_with_the_version_to_set(version: str) -> None:
    """Istio 1.31 upgrade notes: other chart hosts before it."""
    assert message(istio_version=version) == (
        f"{version!r} is older than 1.31, the oldest supported minor version; use '{charts.ISTIO_VERSION}' or newer"
    )


@pytest.mark.parametrize("version", ["1.31", "v1.31.1", "latest", ""])
def test_version_that_names_no_chart_is_rejected(version: str) -> None:
    """Helm: a chart's version has three numbers."""
    assert message(istio_version=version) == (
        f"{version!r} is not an Istio version; use all three numbers, such as '{charts.ISTIO_VERSION}'"
    )


@pytest.mark.parametrize(
    ("field", "value", "host"),
    [
        ("hub", "gcr.io/istio-release", "gcr.io/istio-release"),
        ("hub", "registry.istio.io/release", "registry.istio.io"),
        (
            "chart_repository",
            "https://istio-release.storage.googleapis.com/charts",
            "istio-release.storage.googleapis.com",
        ),
    ],
)
def test_retired_host_is_rejected_by_name(field: str, value: str, host: str) -> None:
    """Istio 1.31 upgrade notes: these get no artifacts any more."""
    assert message(**{field: value}) == (
        f"'{host}' serves no Istio artifacts since 1.31; remove the field for the current host, or name a mirror"
    )


def test_default_hosts_are_not_the_retired_ones() -> None:
    """Istio 1.31 upgrade notes: charts on Istio's blob host, images on Docker Hub."""
    defaults = ServiceMeshArgs(domain="mcp.example.com")
    assert defaults.chart_repository == "https://blob.istio.io/istio-release/charts"
    assert defaults.hub == "docker.io/istio"


def test_namespace_of_the_mesh_itself_cannot_be_meshed() -> None:
    """Istio, "Sidecar Injection": the control plane is not injected."""
    assert message(namespaces=["mcp-system", "istio-system"]) == (
        "'istio-system' belongs to the mesh itself; use the namespaces of your services"
    )


def test_namespace_that_is_listed_twice_is_rejected() -> None:
    """Requirement CMP-10: two objects of one identity overwrite each other."""
    assert message(namespaces=["a", "a"]) == "'a' is listed twice; remove one"


def test_minimum_above_maximum_replicas_is_rejected() -> None:
    """Kubernetes API, HorizontalPodAutoscalerSpec: minReplicas cannot exceed maxReplicas."""
    size = {"min_replicas": 3, "max_replicas": 2, "cpu": "100m", "memory": "128Mi"}
    assert message(gateway=size) == (
        "min_replicas 3 is above max_replicas 2; set max_replicas to 3 or more, or min_replicas to 2 or less"
    )


def test_control_plane_quantity_is_validated() -> None:
    """Kubernetes API, Quantity."""
    size = {"min_replicas": 1, "max_replicas": 1, "cpu": "100m", "memory": "128"}
    assert message(control_plane=size) == "'128' is not a memory quantity with a known unit; use '128Mi'"


def test_chart_values_for_an_unknown_release_are_rejected() -> None:
    """Requirement CFG-6: they would have no effect."""
    assert message(values={"pilot": {"a": 1}}) == (
        "'pilot' is not a release of the mesh; use one of istio-base, istiod, istio-cni, "
        "ztunnel, istio-ingress, istio-egress, istio-eastwestgateway"
    )


def test_chart_values_that_are_no_mapping_are_rejected() -> None:
    """Helm: values are a mapping."""
    assert message(values={"istiod": 3}) == "'istiod' must hold chart values, a mapping; set 'istiod: {key: value}'"


def test_domain_with_a_scheme_is_rejected() -> None:
    """Istio API, Server `hosts`: host names only."""
    assert message(domain="https://mcp.example.com") == (
        "'https://mcp.example.com' is not a host name; use lower-case labels without "
        "scheme, port or '*', such as 'mcp.example.com'"
    )


def test_spans_are_sent_to_the_port_of_the_collector() -> None:
    """OpenTelemetry protocol: default port of OTLP over gRPC."""
    assert Tracing(service="collector.observability.svc.cluster.local").port == OTLP_GRPC_PORT

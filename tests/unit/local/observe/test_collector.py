"""Telemetry and the collector as tracing of processes and proxies."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from meshed_mcp import contract
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.process.container import RunFolders, programs
from meshed_mcp.local.translate.envoy.bootstrap import ingress, sidecar
from meshed_mcp.local.translate.envoy.telemetry import Collector
from meshed_mcp.local.translate.envoy.tls import KeyFiles
from meshed_mcp.local.translate.stack import read_stack
from meshed_mcp.local.translate.topology import Pod, Topology
from tests.unit.local import local_objects

LaidOut = Callable[[list[dict[str, Any]]], Topology]
FILES = KeyFiles(chain=Path("chain"), key=Path("key"), root=Path("root"))
COLLECTOR = Collector("http://127.0.0.1:4318", "127.0.0.1", 4318)


def telemetry(name: str, namespace: str, percent: float, **selector: str) -> dict[str, Any]:
    """A Telemetry object of the mesh component."""
    spec: dict[str, Any] = {"tracing": [{"providers": [{"name": "otlp"}], "randomSamplingPercentage": percent}]}
    if selector:
        spec["selector"] = {"matchLabels": selector}
    return local_objects.item("telemetry.istio.io/v1", "Telemetry", name, namespace, spec)


MESH = telemetry("mesh-default", "istio-system", 100)
GATEWAY = telemetry("istio-ingress", "istio-ingress", 10, istio="ingress")


def back(laid: Topology) -> Pod:
    """The first replica of `back`."""
    return next(pod for pod in laid.pods if pod.name == "back-0")


def tracings(configuration: dict[str, Any]) -> list[dict[str, Any] | None]:
    """The field `tracing` of every listener."""
    chains = [chain for each in configuration["static_resources"]["listeners"] for chain in each["filter_chains"]]
    return [chain["filters"][0]["typed_config"].get("tracing") for chain in chains]


def of_gateway(laid: Topology) -> dict[str, Any]:
    """The gateway's configuration with the collector."""
    return ingress(laid, laid.stack.gateways[0], FILES, 8080, "127.16.0.2", collector=COLLECTOR)


def test_the_gateway_samples_and_sidecars_follow(objects: list[dict[str, Any]], laid_out: LaidOut) -> None:
    """Istio, "Telemetry API": an object with a selector wins over the root namespace's."""
    laid = laid_out([*objects, MESH, GATEWAY])
    inside = tracings(sidecar(laid, back(laid), FILES, COLLECTOR))
    (outside,) = tracings(of_gateway(laid))
    assert [each and each["random_sampling"]["value"] for each in inside] == [100, 100]
    assert outside is not None
    assert outside["random_sampling"] == {"value": 10}


def test_without_telemetry_or_a_collector_no_proxy_traces(objects: list[dict[str, Any]], laid_out: LaidOut) -> None:
    """Istio, Telemetry `tracing.providers`: without one no span leaves a proxy; here neither without a collector."""
    untraced, traced = laid_out(objects), laid_out([*objects, MESH])
    assert tracings(of_gateway(untraced)) == [None]
    assert tracings(sidecar(traced, back(traced), FILES)) == [None, None]


def test_a_process_sends_spans_to_the_local_collector_directly(
    objects: list[dict[str, Any]], laid_out: LaidOut, tmp_path: Path
) -> None:
    """Requirement LOC-1: the rendered collector is in a cluster; without a local one no span is made."""
    container = local_objects.find(objects, "Deployment", "back")["spec"]["template"]["spec"]["containers"][0]
    container["env"].append({"name": contract.ENV_OTLP_ENDPOINT, "value": "http://jaeger.monitoring.svc:4318"})
    pod, folders = back(laid_out(objects)), RunFolders(tmp_path / "dev", tmp_path / "secrets")
    assert contract.ENV_OTLP_ENDPOINT not in programs(pod, folders)[0].env
    env = programs(pod, folders, COLLECTOR)[0].env
    assert env[contract.ENV_OTLP_ENDPOINT] == COLLECTOR.url
    assert env["NO_PROXY"] == env["no_proxy"] == "127.0.0.1"


def test_the_collector_is_the_one_in_the_environment() -> None:
    """OpenTelemetry, "OTLP Exporter Configuration", OTEL_EXPORTER_OTLP_ENDPOINT: a base URL."""
    assert Collector.from_environment({}) is None
    assert Collector.from_environment({contract.ENV_OTLP_ENDPOINT: "http://127.0.0.1:4318/"}) == COLLECTOR
    assert COLLECTOR.traces_url == "http://127.0.0.1:4318/v1/traces"


def test_a_collector_that_requires_tls_is_rejected_with_what_to_set() -> None:
    """Requirement CFG-2: one line."""
    with pytest.raises(LocalRunError) as error:
        Collector.from_environment({contract.ENV_OTLP_ENDPOINT: "https://collector.example.com"})
    assert error.value.messages == (
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT=https://collector.example.com cannot be used by the "
            "local run; set a plain HTTP collector, such as http://127.0.0.1:4318, or unset it"
        ),
    )


def test_telemetry_fields_without_effect_are_listed() -> None:
    """Requirement LOC-2: what the local run does not report is listed in the warning."""
    more = telemetry("mesh-default", "istio-system", 100)
    more["spec"]["metrics"] = [{"providers": [{"name": "prometheus"}], "reportingInterval": "5s"}]
    (warning,) = read_stack([more]).warnings
    assert "Telemetry spec.metrics, spec.tracing[].providers;" in warning

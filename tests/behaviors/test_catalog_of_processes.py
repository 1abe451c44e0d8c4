"""Metrics that real processes expose, compared with the catalog behind dashboards, rules and scalers."""

from pathlib import Path

import pytest
from mcp import Client
from prometheus_client.parser import text_string_to_metric_families

from meshed_mcp import contract
from meshed_mcp.agents import registry
from meshed_mcp.components.observability.metrics.catalog import CATALOG, OPTIONAL, REGISTRY, RUNTIME, SERVER
from meshed_mcp.components.observability.metrics.model import Metric, Type
from tests.behaviors.replicas import Service, StartService

pytestmark = pytest.mark.anyio

LANGUAGE = ("python_", "process_")
"""Series of the interpreter and of its process, which prometheus_client names."""


def shown(service: Service) -> dict[str, tuple[str, set[str]]]:
    """Series name without the histogram's endings -> type, labels."""
    found: dict[str, tuple[str, set[str]]] = {}
    for family in text_string_to_metric_families(service.management(contract.METRICS_PATH).text):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        if not name.startswith(LANGUAGE):
            found[name] = family.type, labels
    return found


def faults(service: Service, promised: tuple[Metric, ...]) -> list[str]:
    """Metrics that are missing, unknown, of another type, or with a label that the catalog does not know."""
    series, known = shown(service), {metric.name: metric for metric in CATALOG}
    absent = [f"{metric.name} is not shown" for metric in promised if metric.name not in series]
    unknown = [f"{name} is in no catalog" for name in series if name not in known]
    both = {name: known[name] for name in series if name in known}
    others = [f"{name}: {series[name][0]}" for name, metric in both.items() if series[name][0] != metric.type.value]
    labels = [f"{name}: {series[name][1]}" for name, metric in both.items() if series[name][1] - set(metric.labels)]
    return [*absent, *unknown, *others, *labels]


async def test_a_service_exposes_the_metrics_of_the_catalog(start_service: StartService) -> None:
    """Requirement OBS-1: a panel or an alert on a missing series is silent forever."""
    service = start_service()
    async with Client(service.url) as client:
        await client.call_tool("echo", {"text": "a"})
    assert faults(service, (*RUNTIME, *SERVER)) == []


async def test_the_registry_exposes_the_metrics_of_the_catalog(start_service: StartService) -> None:
    """Requirement OBS-1: the registry's series are in the catalog, too."""
    service = start_service(Path(registry.__file__).parent / "__main__.py")
    assert faults(service, (*RUNTIME, *REGISTRY)) == []


def test_the_label_sets_of_a_metric_are_bounded() -> None:
    """Requirement OBS-2: callers cannot grow a process' series; 200,000 samples are Prometheus' limit."""
    every = (*RUNTIME, *SERVER, *OPTIONAL, *REGISTRY)
    per_set = len(contract.DURATION_BUCKETS_SECONDS) + 3
    samples = [(metric.bound or 10**9) * (per_set if metric.type is Type.HISTOGRAM else 1) for metric in every]
    assert sum(samples) < 200_000


def test_a_metric_is_listed_once() -> None:
    """Requirement OBS-1: two entries could contradict each other."""
    names = [metric.name for metric in CATALOG]
    assert sorted(names) == sorted(set(names))

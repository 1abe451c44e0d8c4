"""What the panels of the dashboards show for known series, evaluated by the real promtool."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from rule_cases import NAMESPACE, OF_SERVER, SERVER, promtool_says, series

from meshed_mcp import contract
from meshed_mcp.components.core import forecast_queries as forecast
from meshed_mcp.components.core import (
    health_queries,
    mesh_queries,
    monitoring_queries,
    performance_queries,
    queries,
    registry_queries,
    scaling_queries,
)

SELECT = queries.selector(NAMESPACE, SERVER)
WINDOW = "1m"
BUDGETS = {"server:mcp_errors:ratio_rate1h": "0.05x20", "server:mcp_errors_budget:ratio": "0.005x20"}
WORKLOAD = f'{{destination_workload="{SERVER}"}}'


class Shown(NamedTuple):
    """`expression`, five minutes after the beginning of `inputs` (a sample each 30 s), is `values`: labels -> value."""

    expression: str
    inputs: tuple[Mapping[str, str], ...]
    values: Mapping[str, float]


def bare(name: str, values: str, **labels: str) -> dict[str, str]:
    """An input series with `labels` alone."""
    return series(name, values, **{"namespace": "", contract.LABEL_SERVER: "", "pod": "", **labels})


def requests(values: str, **labels: str) -> dict[str, str]:
    """Requests per second between workloads, as recorded."""
    place = {"destination_workload": SERVER, "destination_workload_namespace": NAMESPACE}
    return bare(mesh_queries.REQUESTS, values, **place, **labels)


def memory(values: str, namespace: str, container: str) -> dict[str, str]:
    """Memory of a container; cAdvisor shows the sum of a pod's under an empty name."""
    return bare("container_memory_working_set_bytes", values, namespace=namespace, container=container, pod="a")


def answers(values: str, status: str) -> dict[str, str]:
    """Answers of the registry."""
    labels = {contract.LABEL_SERVER: contract.REGISTRY_NAME, "http_response_status_code": status}
    return series(f"{contract.METRIC_HTTP_DURATION}_count", values, **labels)


PERIODS = {"container": contract.CONTAINER_NAME}
VOLUME = {"namespace": "monitoring", "persistentvolumeclaim": "db-0", "pod": "kubelet"}
SHOWN = {
    "the watchdog's age grows while it is not seen": Shown(
        health_queries.watchdog_age(),
        (bare("ALERTS", "1x4 _x20", alertname="Watchdog", alertstate="firing", severity="none"),),
        {"{}": 180},
    ),
    "the watchdog is no alert that fires": Shown(
        health_queries.firing_alerts(),
        (
            bare("ALERTS", "1x20", alertname="Watchdog", alertstate="firing", severity="none"),
            bare("ALERTS", "1x20", alertname="MCPServerDown", alertstate="firing", severity="critical"),
            bare("ALERTS", "1x20", alertname="GrafanaDown", alertstate="pending", severity="warning"),
        ),
        {'{alertname="MCPServerDown",severity="critical"}': 1},
    ),
    "ten times what is allowed fails": Shown(
        health_queries.burned("errors", "1h", SELECT),
        tuple(series(name, values, pod="") for name, values in BUDGETS.items()),
        {f"{{{OF_SERVER}}}": 10},
    ),
    "a forecast that is not trusted is zero and no gap": Shown(
        scaling_queries.trusted(queries.selector(NAMESPACE, ".+", regex=True)),
        (
            series(forecast.FORECAST, "4x20", pod=""),
            series(forecast.TRUSTED, "4x20", pod=""),
            series(forecast.FORECAST, "9x20", pod="", mcp_server_name="mcp-llm"),
        ),
        {'{mcp_server_name="mcp-rag"}': 1, '{mcp_server_name="mcp-llm"}': 0},
    ),
    "KEDA's autoscaler is found under its prefix, another server's is not": Shown(
        scaling_queries.autoscaler("max", NAMESPACE, SERVER),
        tuple(
            bare(scaling_queries.METRICS["max"], "8x20", namespace=NAMESPACE, horizontalpodautoscaler=name)
            for name in (f"keda-hpa-{SERVER}", f"keda-hpa-{SERVER}-two")
        ),
        {f'{{horizontalpodautoscaler="keda-hpa-{SERVER}"}}': 8},
    ),
    "a quarter comes in plain text": Shown(
        mesh_queries.plain_text_share(NAMESPACE, SERVER),
        (
            requests("3x20", reporter="destination", connection_security_policy="mutual_tls"),
            requests("1x20", reporter="destination", connection_security_policy="none"),
        ),
        {WORKLOAD: 0.25},
    ),
    "a mesh without errors shows zero": Shown(
        mesh_queries.server_error_share(NAMESPACE, SERVER),
        (requests("3x20", reporter="source", response_code="200"),),
        {WORKLOAD: 0},
    ),
    "the registry's own failures count, its callers' do not": Shown(
        registry_queries.failed_share(queries.selector(NAMESPACE, contract.REGISTRY_NAME), WINDOW),
        (answers("0+7x20", "200"), answers("0+2x20", "404"), answers("0+1x20", "503")),
        {"{}": 0.1},
    ),
    "the sum of a pod's containers is not counted again": Shown(
        monitoring_queries.memory_share("monitoring"),
        (
            memory("10x20", "monitoring", "prometheus"),
            memory("10x20", "monitoring", ""),
            memory("30x20", NAMESPACE, "server"),
        ),
        {"{}": 0.25},
    ),
    "a volume of which a fifth is left": Shown(
        monitoring_queries.volume_used_share("monitoring"),
        (
            bare("kubelet_volume_stats_available_bytes", "20x20", **VOLUME),
            bare("kubelet_volume_stats_capacity_bytes", "100x20", **VOLUME),
        ),
        {'{persistentvolumeclaim="db-0"}': 0.8},
    ),
    "a container held back in every fourth period": Shown(
        performance_queries.throttled_share(NAMESPACE, f"{SERVER}-1", WINDOW),
        (
            series("container_cpu_cfs_periods_total", "0+40x20", mcp_server_name="", **PERIODS),
            series("container_cpu_cfs_throttled_periods_total", "0+10x20", mcp_server_name="", **PERIODS),
        ),
        {f'{{pod="{SERVER}-1"}}': 0.25},
    ),
}


@pytest.mark.engine("promtool")
def test_panels_show_what_their_titles_say(promtool: Path, tmp_path: Path) -> None:
    """Product rule: each number on a page means what the page says; one run judges all cases."""
    said = promtool_says(promtool, "test", "rules", cases(tmp_path, SHOWN))
    assert said == ""


@pytest.mark.engine("promtool")
def test_a_wrong_value_is_found(promtool: Path, tmp_path: Path) -> None:
    """Product rule: a test that cannot fail proves nothing."""
    name, shown = next(iter(SHOWN.items()))
    assert promtool_says(promtool, "test", "rules", cases(tmp_path, {name: shown._replace(values={"{}": 1})})) != ""


def cases(folder: Path, shown: Mapping[str, Shown]) -> Path:
    """A file of test cases, each with a name for promtool's report."""
    tests = [{"name": name, **case(each)} for name, each in shown.items()]
    path = folder / "pages.yaml"
    path.write_text(json.dumps({"tests": tests}), encoding="utf-8")
    return path


def case(shown: Shown) -> dict[str, Any]:
    """One test case."""
    samples = [{"labels": labels, "value": value} for labels, value in shown.values.items()]
    check = {"expr": shown.expression, "eval_time": "5m", "exp_samples": samples}
    return {"interval": "30s", "input_series": list(shown.inputs), "promql_expr_test": [check]}

"""Values of dashboard panels for known series, evaluated by the real promtool."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from meshed_mcp import contract
from meshed_mcp.components.promql import (
    autoscaling,
    capacity,
    control_plane,
    cost,
    forecast,
    health,
    infrastructure,
    load,
    mesh,
    monitoring,
    registry,
    selectors,
    sli,
    traffic,
    usage,
)
from tests.promql.rule_cases import NAMESPACE, OF_SERVER, SERVER, run_promtool, series

SELECT = selectors.selector(NAMESPACE, SERVER)
WINDOW = "1m"
SIZED = {"namespace": NAMESPACE, "container": contract.CONTAINER_NAME}
BUDGETS = {"server:mcp_errors:ratio_rate1h": "0.05x20", "server:mcp_errors_budget:ratio": "0.005x20"}
WORKLOAD = f'{{destination_workload="{SERVER}"}}'


class PanelCase(NamedTuple):
    """Result of `expression` after five minutes of `inputs` (a sample every 30 s): labels -> value."""

    expression: str
    inputs: tuple[Mapping[str, str], ...]
    values: Mapping[str, float]


def bare(name: str, values: str, **labels: str) -> dict[str, str]:
    """An input series with `labels` alone."""
    return series(name, values, **{"namespace": "", contract.LABEL_SERVER: "", "pod": "", **labels})


def requests(values: str, **labels: str) -> dict[str, str]:
    """Requests per second between workloads, as recorded."""
    destination = {"destination_workload": SERVER, "destination_workload_namespace": NAMESPACE}
    return bare(mesh.REQUESTS, values, **destination, **labels)


def memory(values: str, namespace: str, container: str) -> dict[str, str]:
    """Memory of a container; cAdvisor exports the sum of a pod with an empty container name."""
    return bare("container_memory_working_set_bytes", values, namespace=namespace, container=container, pod="a")


def responses(values: str, status: str) -> dict[str, str]:
    """Responses of the registry."""
    labels = {contract.LABEL_SERVER: contract.REGISTRY_NAME, "http_response_status_code": status}
    return series(f"{contract.METRIC_HTTP_DURATION}_count", values, **labels)


OF_MODEL = {"model": "small", "token_type": "input"}
PERIODS = {"container": contract.CONTAINER_NAME}
VOLUME = {"namespace": "monitoring", "persistentvolumeclaim": "db-0", "pod": "kubelet"}
PANEL_CASES = {
    "the watchdog's age grows while it is not seen": PanelCase(
        health.WATCHDOG_AGE,
        (bare("ALERTS", "1x4 _x20", alertname="Watchdog", alertstate="firing", severity="none"),),
        {"{}": 180},
    ),
    "the watchdog is not a firing alert": PanelCase(
        health.FIRING_ALERTS,
        (
            bare("ALERTS", "1x20", alertname="Watchdog", alertstate="firing", severity="none"),
            bare("ALERTS", "1x20", alertname="MCPServerDown", alertstate="firing", severity="critical"),
            bare("ALERTS", "1x20", alertname="GrafanaDown", alertstate="pending", severity="warning"),
        ),
        {'{alertname="MCPServerDown",severity="critical"}': 1},
    ),
    "errors at ten times the budget are a burn rate of ten": PanelCase(
        health.burn_rate("errors", "1h", SELECT),
        tuple(series(name, values, pod="") for name, values in BUDGETS.items()),
        {f"{{{OF_SERVER}}}": 10},
    ),
    "an untrusted forecast is zero, not absent": PanelCase(
        autoscaling.forecast_trusted(selectors.selector(NAMESPACE, ".+", regex=True)),
        (
            series(forecast.FORECAST, "4x20", pod=""),
            series(forecast.TRUSTED, "4x20", pod=""),
            series(forecast.FORECAST, "9x20", pod="", mcp_server_name="mcp-llm"),
        ),
        {'{mcp_server_name="mcp-rag"}': 1, '{mcp_server_name="mcp-llm"}': 0},
    ),
    "KEDA's autoscaler is found under its prefix, another server's is not": PanelCase(
        autoscaling.hpa_replicas("max", NAMESPACE, SERVER),
        tuple(
            bare(autoscaling.HPA_METRICS["max"], "8x20", namespace=NAMESPACE, horizontalpodautoscaler=name)
            for name in (f"keda-hpa-{SERVER}", f"keda-hpa-{SERVER}-two")
        ),
        {f'{{horizontalpodautoscaler="keda-hpa-{SERVER}"}}': 8},
    ),
    "a recommendation is of the server's container and the largest request stands beside it": PanelCase(
        " or ".join(
            show("cpu", NAMESPACE, SERVER) for show in (autoscaling.vpa_recommendation, autoscaling.container_request)
        ),
        (
            bare(autoscaling.VPA_METRICS["cpu"], "0.4x20", verticalpodautoscaler=SERVER, **SIZED),
            bare(autoscaling.VPA_METRICS["cpu"], "3x20", verticalpodautoscaler="another", **SIZED),
            *(
                bare("kube_pod_container_resource_requests", f"{cores}x20", pod=pod, resource="cpu", **SIZED)
                for pod, cores in ((f"{SERVER}-5d8f-abcde", 0.1), (f"{SERVER}-5d8f-fghij", 0.2))
            ),
        ),
        {f'{{verticalpodautoscaler="{SERVER}"}}': 0.4, f'{{container="{contract.CONTAINER_NAME}"}}': 0.2},
    ),
    "a quarter of the requests is plaintext": PanelCase(
        mesh.plaintext_ratio(NAMESPACE, SERVER),
        (
            requests("3x20", reporter="destination", connection_security_policy="mutual_tls"),
            requests("1x20", reporter="destination", connection_security_policy="none"),
        ),
        {WORKLOAD: 0.25},
    ),
    "a mesh without errors shows zero": PanelCase(
        mesh.error_ratio(NAMESPACE, SERVER),
        (requests("3x20", reporter="source", response_code="200"),),
        {WORKLOAD: 0},
    ),
    "registry errors count, client errors do not": PanelCase(
        registry.error_ratio(selectors.selector(NAMESPACE, contract.REGISTRY_NAME), WINDOW),
        (responses("0+7x20", "200"), responses("0+2x20", "404"), responses("0+1x20", "503")),
        {"{}": 0.1},
    ),
    "the sum of a pod's containers is not counted again": PanelCase(
        monitoring.memory_ratio("monitoring"),
        (
            memory("10x20", "monitoring", "prometheus"),
            memory("10x20", "monitoring", ""),
            memory("30x20", NAMESPACE, "server"),
        ),
        {"{}": 0.25},
    ),
    "a volume of which a fifth is left": PanelCase(
        monitoring.volume_used_ratio("monitoring"),
        (
            bare("kubelet_volume_stats_available_bytes", "20x20", **VOLUME),
            bare("kubelet_volume_stats_capacity_bytes", "100x20", **VOLUME),
        ),
        {'{persistentvolumeclaim="db-0"}': 0.8},
    ),
    "cost of a pod by its node's prices, sidecar included": PanelCase(
        cost.pod_cost(),
        (
            bare("node_cpu_hourly_cost", "0.04x20", node="n1"),
            bare("node_ram_hourly_cost", "0.01x20", node="n1"),
            *(
                bare(name, values, namespace=NAMESPACE, pod=f"{SERVER}-1", container=container, node="n1")
                for container in ("server", "istio-proxy")
                for name, values in (
                    ("container_cpu_allocation", "0.5x20"),
                    ("container_memory_allocation_bytes", "1073741824x20"),
                )
            ),
            series(contract.METRIC_INFO, "1x20"),
        ),
        {f"{{{OF_SERVER}}}": 0.06},
    ),
    "cost is allocated to tools by their execution time": PanelCase(
        cost.by_tool(5, SELECT),
        (
            series(sli.SECONDS, "3x20", pod="", gen_ai_tool_name="search"),
            series(sli.SECONDS, "1x20", pod="", gen_ai_tool_name="ingest"),
            series(cost.POD_COST, "2x20", pod=""),
        ),
        {
            f'{{{OF_SERVER},gen_ai_tool_name="search"}}': 1.5,
            f'{{{OF_SERVER},gen_ai_tool_name="ingest"}}': 0.5,
        },
    ),
    "cost is allocated to organizations by their calls": PanelCase(
        cost.by_organization(5, SELECT),
        (
            series(sli.USAGE, "1x20", pod="", org="acme", gen_ai_tool_name="search"),
            series(sli.USAGE, "3x20", pod="", org="globex", gen_ai_tool_name="search"),
            series(cost.POD_COST, "2x20", pod=""),
        ),
        {'{org="acme"}': 0.5, '{org="globex"}': 1.5},
    ),
    "calls of a time are rates times its length": PanelCase(
        usage.tool_ranking(5, SELECT, "4m", "240"),
        (
            series(sli.DURATIONS, "2x20", pod="", gen_ai_tool_name="search", le="+Inf"),
            series(sli.DURATIONS, "1x20", pod="", gen_ai_tool_name="search", le="0.1"),
        ),
        {'{mcp_server_name="mcp-rag",gen_ai_tool_name="search"}': 480},
    ),
    "a new release is annotated, an existing one is not": PanelCase(
        traffic.new_releases(SELECT, 60),
        (
            series(sli.REPLICAS_BY_RELEASE, "2x20", pod="", version="stable", release="1.0"),
            series(sli.REPLICAS_BY_RELEASE, "_x9 1x10", pod="", version="canary", release="2.0"),
        ),
        {f'{{{OF_SERVER},version="canary",release="2.0"}}': 1},
    ),
    "half of the concurrency slots are in use": PanelCase(
        load.RULES[load.SATURATION],
        (series(contract.METRIC_ACTIVE_REQUESTS, "50x20"), series(contract.METRIC_CONCURRENCY_LIMIT, "100x20")),
        {f"{{{OF_SERVER}}}": 0.5},
    ),
    "queued requests are in flight": PanelCase(
        load.RULES[load.IN_FLIGHT],
        (
            series(contract.METRIC_ACTIVE_REQUESTS, "3x20", mcp_method_name="tools/call"),
            series(contract.METRIC_QUEUE_DEPTH, "2x20"),
        ),
        {f"{{{OF_SERVER}}}": 5},
    ),
    "tokens of a time are rates times its length": PanelCase(
        usage.tokens_in_range(SELECT, "4m", "240"),
        (series(sli.TOKENS, "5x20", pod="", **OF_MODEL),),
        {'{model="small",token_type="input"}': 1200},
    ),
    "half of the nodes' CPU is requested": PanelCase(
        capacity.RULES[capacity.REQUESTED_RATIO],
        (
            bare("kube_pod_container_resource_requests", "2x20", resource="cpu", pod="a"),
            bare("kube_node_status_allocatable", "4x20", resource="cpu", node="n1"),
        ),
        {'{resource="cpu"}': 0.5},
    ),
    "a disk of a node is as full as its fullest": PanelCase(
        infrastructure.disk_used(5),
        tuple(
            bare(f"node_filesystem_{what}_bytes", f"{size}x20", instance="n1", mountpoint=place, fstype=kind)
            for place, kind, left in (("/", "ext4", 20), ("/data", "xfs", 60), ("/run", "tmpfs", 1))
            for what, size in (("avail", left), ("size", 100))
        ),
        {'{instance="n1"}': 0.8},
    ),
    "proxies are counted over all replicas of a revision": PanelCase(
        control_plane.PROXIES_BY_REVISION,
        tuple(
            bare(control_plane.CONNECTED_PROXIES, "4x20", pod=pod, revision="1-31-1", version=version)
            for pod, version in (("a", "1.31.1"), ("b", "1.31.1"), ("b", "1.30.4"))
        ),
        {'{revision="1-31-1"}': 12},
    ),
    "half of the changes converge within half a second": PanelCase(
        control_plane.convergence_seconds(0.5, WINDOW),
        tuple(
            bare(f"{control_plane.CONVERGENCE}_bucket", values, pod="a", le=le)
            for le, values in (("0.1", "0x20"), ("0.5", "0+3x20"), ("1", "0+6x20"), ("+Inf", "0+6x20"))
        ),
        {"{}": 0.5},
    ),
    "rejected configuration is counted per type": PanelCase(
        control_plane.rejected(WINDOW),
        tuple(bare(control_plane.REJECTED, "0+3x20", pod=pod, type="lds") for pod in ("a", "b")),
        {'{type="lds"}': 0.2},
    ),
    "a node's CPU is what is not idle": PanelCase(
        infrastructure.cpu_used(5, WINDOW),
        (
            bare("node_cpu_seconds_total", "0+7.5x20", instance="n1", cpu="0", mode="idle"),
            bare("node_cpu_seconds_total", "0+22.5x20", instance="n1", cpu="1", mode="idle"),
        ),
        {'{instance="n1"}': 0.5},
    ),
    "a container throttled in every fourth period": PanelCase(
        traffic.throttled_ratio(NAMESPACE, f"{SERVER}-1", WINDOW),
        (
            series("container_cpu_cfs_periods_total", "0+40x20", mcp_server_name="", **PERIODS),
            series("container_cpu_cfs_throttled_periods_total", "0+10x20", mcp_server_name="", **PERIODS),
        ),
        {f'{{pod="{SERVER}-1"}}': 0.25},
    ),
}


@pytest.mark.engine("promtool")
def test_panels_show_what_their_titles_say(promtool: Path, tmp_path: Path) -> None:
    """Requirement OBS-7: each panel shows what its title says; one run evaluates all cases."""
    said = run_promtool(promtool, "test", "rules", cases(tmp_path, PANEL_CASES))
    assert said == ""


@pytest.mark.engine("promtool")
def test_wrong_panel_value_is_found(promtool: Path, tmp_path: Path) -> None:
    """Requirement PRJ-1: a panel case with a wrong value fails."""
    name, shown = next(iter(PANEL_CASES.items()))
    assert run_promtool(promtool, "test", "rules", cases(tmp_path, {name: shown._replace(values={"{}": 1})})) != ""


def cases(folder: Path, shown: Mapping[str, PanelCase]) -> Path:
    """A file of test cases, each with a name for promtool's report."""
    tests = [{"name": name, **case(each)} for name, each in shown.items()]
    path = folder / "panels.yaml"
    path.write_text(json.dumps({"tests": tests}), encoding="utf-8")
    return path


def case(shown: PanelCase) -> dict[str, Any]:
    """One test case."""
    samples = [{"labels": labels, "value": value} for labels, value in shown.values.items()]
    check = {"expr": shown.expression, "eval_time": "5m", "exp_samples": samples}
    return {"interval": "30s", "input_series": list(shown.inputs), "promql_expr_test": [check]}

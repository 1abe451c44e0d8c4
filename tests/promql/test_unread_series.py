"""No dashboard, rule, alert, autoscaler, canary analysis or table queries a series that monitors drop."""

from re import fullmatch

import promql_parser
import pytest

from meshed_mcp import contract
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs
from meshed_mcp.components.mesh.service.pod_monitor import pod_monitor
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.metrics.monitors import envoy_monitor
from meshed_mcp.components.promql import canary, health
from meshed_mcp.components.promql import selectors as queries
from tests.promql.test_expressions import expressions
from tests.promql.test_series_of_queries import FORECAST, RULES, names, selectors
from tests.stacks import STACKS, recording

SELECT = queries.selector("mcp-system", "mcp-rag")
ASKED = (
    *expressions(),
    *(rule["expr"] for rule in [*RULES, *FORECAST]),
    *(ask(SELECT, "10m") for ask in (canary.operations, canary.errors, canary.durations)),
    *(ask("1m") for ask in (health.live_call_rate, health.live_p99_seconds, health.live_error_ratio)),
)
SERVER = MeshedMCPServiceArgs.model_validate({"image": "a:1"})
OPERATIONS = f"{contract.METRIC_OPERATION_DURATION}_bucket"
REQUESTS = f"{contract.METRIC_HTTP_DURATION}_bucket"


def stored(server: str, labels: dict[str, str]) -> bool:
    """Whether a sample of a server passes its monitor. Source: Prometheus, "relabel_config", action drop."""
    (endpoint,) = pod_monitor(server, SERVER)["spec"]["podMetricsEndpoints"]
    dropped = endpoint["metricRelabelings"]
    assert {rule["action"] for rule in dropped} == {"drop"}
    texts = [";".join(labels.get(name, "") for name in rule["sourceLabels"]) for rule in dropped]
    return not any(fullmatch(rule["regex"], text) for rule, text in zip(dropped, texts, strict=True))


def asked_of(selector: promql_parser.VectorSelector) -> dict[str, str]:
    """Labels that a selector compares with one value, also as a regular expression."""
    exact = (promql_parser.MatchOp.Equal, promql_parser.MatchOp.Re)
    matches = [match for match in selector.matchers.matchers if match.op in exact]
    return {match.name: match.value for match in matches if fullmatch(r"[\w/-]+", match.value)}


def unread(text: str) -> list[str]:
    """Series that an expression queries and that are not all stored."""
    found = []
    for selector in selectors(promql_parser.parse(text)):
        asked = asked_of(selector)
        for name in names(selector):
            server = asked.get(contract.LABEL_SERVER, "mcp-rag")
            calls = asked.get(contract.LABEL_METHOD) == "tools/call"
            labels = {"__name__": name, contract.LABEL_TOOL: "any" if calls else asked.get(contract.LABEL_TOOL, "")}
            if not (stored(server, labels) and (not name.startswith("istio_") or of_proxies(name))):
                found.append(name)
    return found


def of_proxies(name: str, **settings: object) -> bool:
    """Whether the PodMonitor stores a series of a proxy."""
    monitor = envoy_monitor(ObservabilityStackArgs.model_validate(settings))
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    (rule,) = endpoint["metricRelabelings"]
    assert (rule["action"], rule["sourceLabels"]) == ("keep", ["__name__"])
    return fullmatch(rule["regex"], name) is not None


def test_queries_read_only_stored_series() -> None:
    """Requirement OBS-8: a series that a monitor drops is missing in every panel and alert."""
    assert [(name, text) for text in ASKED for name in unread(text)] == []


def test_rules_of_every_stack_read_only_stored_series() -> None:
    """Requirement OBS-8: the rendered rules of this repository's stacks read only stored series."""
    found = [
        (stack, name)
        for stack in STACKS
        for item in recording(stack).objects
        if item["kind"] == "PrometheusRule"
        for group in item["spec"]["groups"]
        for rule in group["rules"]
        for name in unread(rule["expr"])
    ]
    assert found == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"sum(rate({OPERATIONS}[5m]))", [OPERATIONS]),
        (f'sum(rate({OPERATIONS}{{mcp_method_name="tools/list"}}[5m]))', [OPERATIONS]),
        (f'sum(rate({OPERATIONS}{{mcp_method_name="tools/call"}}[5m]))', []),
        (f'sum(rate({REQUESTS}{{mcp_server_name="mcp-rag"}}[5m]))', [REQUESTS]),
        (f'sum(rate({REQUESTS}{{mcp_server_name="mcp-registry"}}[5m]))', []),
        ("sum(rate(istio_request_bytes_sum[5m]))", ["istio_request_bytes_sum"]),
    ],
)
def test_query_of_a_dropped_series_is_found(text: str, found: list[str]) -> None:
    """Requirement PRJ-1: a query of a dropped series fails the check."""
    assert unread(text) == found


def test_counts_and_sums_are_stored_for_every_method() -> None:
    """Requirement OBS-8: rate and mean duration are known for every method."""
    for metric in (contract.METRIC_OPERATION_DURATION, contract.METRIC_HTTP_DURATION):
        assert all(stored("mcp-rag", {"__name__": f"{metric}_{part}"}) for part in ("count", "sum"))


def test_custom_metrics_of_a_service_are_stored() -> None:
    """Requirement OBS-8: only series of the product itself are dropped."""
    assert stored("mcp-rag", {"__name__": "search_seconds_bucket", "le": "1"})


def test_service_may_store_all_histogram_buckets() -> None:
    """Requirement OBS-8: a stack that reads more buckets stores them on request."""
    args = MeshedMCPServiceArgs.model_validate({"image": "a:1", "store_all_histogram_buckets": True})
    (endpoint,) = pod_monitor("mcp-rag", args)["spec"]["podMetricsEndpoints"]
    assert "metricRelabelings" not in endpoint


@pytest.mark.parametrize(
    ("settings", "kept"),
    [({}, False), ({"store_all_istio_metrics": True}, True), ({"kiali": {"login": {"strategy": "token"}}}, True)],
)
def test_request_sizes_are_stored_when_kiali_reads_them(settings: dict[str, object], kept: bool) -> None:
    """Kiali, "Metrics": it draws istio_request_bytes and istio_response_bytes."""
    names_of_sizes = [f"istio_{which}_bytes_{part}" for which in ("request", "response") for part in ("bucket", "sum")]
    assert {of_proxies(name, **settings) for name in names_of_sizes} == {kept}
    always = ("istio_requests_total", "istio_request_duration_milliseconds_sum", "istio_tcp_sent_bytes_total")
    assert all(of_proxies(name, **settings) for name in always)
    assert not of_proxies("envoy_cluster_upstream_rq_total", **settings)

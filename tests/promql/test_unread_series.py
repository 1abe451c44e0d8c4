"""No dashboard, rule, alert, autoscaler, canary analysis or table queries a series that monitors drop."""

from re import fullmatch
from typing import Any

import promql_parser
import pytest

from meshed_mcp import contract
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs
from meshed_mcp.components.mesh.service.pod_monitor import pod_monitors
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
OUTSIDE = MeshedMCPServiceArgs.model_validate({"image": "a:1", "runtime": "external"})
INBOUND, STREAMS = "inbound|8000||", contract.STREAMS_CLUSTER
OPERATIONS = f"{contract.METRIC_OPERATION_DURATION}_bucket"
REQUESTS = f"{contract.METRIC_HTTP_DURATION}_bucket"


def stored(server: str, labels: dict[str, str]) -> bool:
    """Whether a sample of a server passes its monitor. Source: Prometheus, "relabel_config", action drop."""
    dropped = endpoint(server, SERVER)["metricRelabelings"]
    assert {rule["action"] for rule in dropped} == {"drop"}
    texts = [";".join(labels.get(name, "") for name in rule["sourceLabels"]) for rule in dropped]
    return not any(fullmatch(rule["regex"], text) for rule, text in zip(dropped, texts, strict=True))


def endpoint(server: str, args: MeshedMCPServiceArgs) -> dict[str, Any]:
    """The one endpoint of a service's monitor."""
    (monitor,) = pod_monitors(server, args)
    (found,) = monitor["spec"]["podMetricsEndpoints"]
    return dict(found)


def of_sidecar(name: str, cluster: str = INBOUND) -> bool:
    """Whether the monitor of a server without the runtime stores a series of its sidecar."""
    (rule,) = endpoint("mcp-rag", OUTSIDE)["metricRelabelings"]
    assert (rule["action"], rule["sourceLabels"]) == ("keep", ["__name__", contract.LABEL_CLUSTER])
    return fullmatch(rule["regex"], f"{name};{cluster}") is not None


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
            of_its_kind = {"istio": of_proxies(name), "envoy": of_sidecar(name)}.get(name.partition("_")[0], True)
            if not (stored(server, labels) and of_its_kind):
                found.append(name)
    return found


def of_proxies(name: str, **settings: object) -> bool:
    """Whether the PodMonitor stores a series of a proxy."""
    monitor = envoy_monitor(ObservabilityStackArgs.model_validate(settings))
    (found,) = monitor["spec"]["podMetricsEndpoints"]
    (rule,) = found["metricRelabelings"]
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
        ("sum(rate(envoy_cluster_upstream_rq_time_sum[5m]))", ["envoy_cluster_upstream_rq_time_sum"]),
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
    assert "metricRelabelings" not in endpoint("mcp-rag", args)


def test_only_the_number_of_open_streams_is_stored() -> None:
    """Requirement SIG-1: streams are shown apart, and their duration is no latency."""
    assert of_sidecar(contract.METRIC_PROXY_ACTIVE, STREAMS)
    assert not of_sidecar(contract.METRIC_PROXY_RESPONSES, STREAMS)
    assert not of_sidecar(f"{contract.METRIC_PROXY_DURATION}_bucket", STREAMS)


def test_monitor_of_all_proxies_does_not_store_a_sidecars_series_twice() -> None:
    """Requirement OBS-8: both monitors scrape the sidecar of a server without the runtime."""
    names_of_sidecar = (contract.METRIC_PROXY_ACTIVE, f"{contract.METRIC_PROXY_DURATION}_bucket")
    assert not any(of_proxies(name, store_all_istio_metrics=True) for name in names_of_sidecar)
    assert not of_sidecar("istio_requests_total", "")


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

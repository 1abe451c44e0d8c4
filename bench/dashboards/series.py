"""Synthetic series of MCP servers and their proxies for a fleet of servers, pods and tools.

`remote_write.py` samples them: a `Series` has labels, size and shape.
"""

from collections.abc import Iterator
from enum import StrEnum
from math import erf, log
from typing import Final, NamedTuple

from meshed_mcp import contract
from meshed_mcp.components.promql.mesh import NO_FLAGS

ERROR_RATIO: Final = 0.002
CALLS_PER_SECOND: Final = 2.0
"""Calls of one tool in one pod."""

ORGANIZATIONS: Final = ("acme", "globex", "initech", "umbrella", "hooli")
FAILING_TOOLS: Final = ("0", "3")
"""Suffixes of tools with errors: a third of six tools, as `formula.RESULTS` assumes."""

RELEASE_PHASES: Final = 8


class Shape(StrEnum):
    """Course of a series over time."""

    COUNTER = "counter"
    """Grows; its rate swings around the size."""

    GAUGE = "gauge"
    """Swings around the size."""

    FLAT = "flat"
    FALLING = "falling"
    """From the size to two thirds of it."""


class Pace(StrEnum):
    """Interval and range of the samples of a series."""

    FAST = "fast"
    """At the scrape interval of servers, for the windows of rules."""

    FAST_LONG = "fast-long"
    """At the scrape interval of servers, for the range of a dashboard."""

    RECORDED = "recorded"
    RECORDED_FAST = "recorded-fast"
    """Load, which rules record at the scrape interval of servers."""

    PROXY = "proxy"
    SLOW = "slow"
    NEW = "new"
    """A release that appeared a third of the range ago."""


class Series(NamedTuple):
    """One series: the name is the label `__name__`."""

    labels: dict[str, str]
    size: float
    shape: Shape
    pace: Pace
    phase: int = 0


class Fleet(NamedTuple):
    """Size of the synthetic data; `pods` and `tools` are per server."""

    servers: int
    pods: int
    tools: int
    namespaces: int = 1

    def server(self, number: int) -> str:
        """Name of a server."""
        return f"mcp-server-{number:02d}"

    def namespace(self, number: int) -> str:
        """Namespace of a server."""
        return f"team-{number % self.namespaces}"

    def pod(self, number: int, replica: int) -> str:
        """Name of a pod, as a Deployment gives it."""
        return f"{self.server(number)}-5d8f7c-{replica:05d}"


Pod = tuple[str, str, str]
"""Namespace, server and pod."""


def scraped(name: str, pod: Pod, **labels: str) -> dict[str, str]:
    """Labels of a series of a server's pod."""
    namespace, server, pod_name = pod
    return {
        "__name__": name,
        "namespace": namespace,
        contract.LABEL_SERVER: server,
        "pod": pod_name,
        "container": contract.CONTAINER_NAME,
        "job": f"{namespace}/{server}",
        "instance": f"{pod_name}:{contract.MANAGEMENT_PORT}",
        contract.LABEL_VERSION: contract.STABLE,
        **labels,
    }


def shares_below(median: float) -> dict[str, float]:
    """Bucket bound -> ratio of calls up to it, for a log-normal distribution around `median` seconds."""
    found = {str(bound): (1 + erf(log(bound / median) / 1.2)) / 2 for bound in contract.DURATION_BUCKETS_SECONDS}
    return found | {"+Inf": 1.0}


def histogram(labels: dict[str, str], per_second: float, median: float, pace: Pace, phase: int) -> Iterator[Series]:
    """Buckets, count and sum."""
    name = labels["__name__"]
    for bound, share in shares_below(median).items():
        bucket = labels | {"__name__": f"{name}_bucket", "le": bound}
        yield Series(bucket, per_second * share, Shape.COUNTER, pace, phase)
    yield from count_and_sum(labels, per_second, median, pace, phase)


def count_and_sum(labels: dict[str, str], per_second: float, median: float, pace: Pace, phase: int) -> Iterator[Series]:
    """Stored series of a histogram whose buckets nothing reads (`mesh/service/pod_monitor.py`)."""
    name = labels["__name__"]
    yield Series(labels | {"__name__": f"{name}_count"}, per_second, Shape.COUNTER, pace, phase)
    yield Series(labels | {"__name__": f"{name}_sum"}, per_second * median * 1.4, Shape.COUNTER, pace, phase)


def median_of(server: int, tool: int) -> float:
    """Median duration of a tool, seconds."""
    return 0.02 * (1 + (server * 7 + tool * 3) % 11)


def server_series(fleet: Fleet) -> Iterator[Series]:
    """Series of every pod of every server."""
    for number in range(fleet.servers):
        for replica in range(fleet.pods):
            yield from pod_series(fleet, number, replica)


def pod_series(fleet: Fleet, number: int, replica: int) -> Iterator[Series]:
    """Series of one pod; the first server's histograms cover the range of the dashboard that shows one server."""
    pod = fleet.namespace(number), fleet.server(number), fleet.pod(number, replica)
    pace, phase = Pace.FAST if number else Pace.FAST_LONG, number % RELEASE_PHASES
    for tool in range(fleet.tools):
        yield from calls(pod, f"tool-{tool}", median_of(number, tool), pace, phase)
    listing = scraped(contract.METRIC_OPERATION_DURATION, pod, mcp_method_name="tools/list")
    yield from count_and_sum(listing, 0.2, 0.01, pace, phase)
    http = {"http_route": contract.MCP_PATH, "http_request_method": "POST"}
    for status, per_second in (("200", CALLS_PER_SECOND * fleet.tools), ("503", 0.01)):
        labels = scraped(contract.METRIC_HTTP_DURATION, pod, http_response_status_code=status, **http)
        yield from count_and_sum(labels, per_second, 0.05, Pace.FAST, phase)
    yield from gauges(pod, fleet, phase)


def calls(pod: Pod, tool: str, median: float, pace: Pace, phase: int) -> Iterator[Series]:
    """Calls of one tool in one pod: durations by result, calls by organization."""
    of_tool = {contract.LABEL_METHOD: "tools/call", contract.LABEL_TOOL: tool}
    protocol = {contract.LABEL_PROTOCOL: "2026-07-28"}
    failing = tool.endswith(FAILING_TOOLS)
    for error, share in (("", 1 - ERROR_RATIO), *([("tool_error", ERROR_RATIO)] if failing else [])):
        result = {contract.LABEL_ERROR: error} if error else {}
        labels = scraped(contract.METRIC_OPERATION_DURATION, pod, **of_tool, **protocol, **result)
        yield from histogram(labels, CALLS_PER_SECOND * share, median, pace, phase)
    for number, organization in enumerate(ORGANIZATIONS, start=1):
        labels = scraped(contract.METRIC_ORG_REQUESTS, pod, org=organization, gen_ai_tool_name=tool)
        yield Series(labels, CALLS_PER_SECOND / 2**number, Shape.COUNTER, Pace.FAST, phase)


def gauges(pod: Pod, fleet: Fleet, phase: int) -> Iterator[Series]:
    """Other metrics of one pod, for the range of a dashboard."""
    shown: tuple[tuple[str, dict[str, str], float, Shape], ...] = (
        (contract.METRIC_ACTIVE_REQUESTS, {contract.LABEL_METHOD: "tools/call"}, 4.0, Shape.GAUGE),
        (contract.METRIC_QUEUE_DEPTH, {}, 0.2, Shape.GAUGE),
        (contract.METRIC_CONCURRENCY_LIMIT, {}, float(contract.CONCURRENT_CALLS), Shape.FLAT),
        (contract.METRIC_ACTIVE_SESSIONS, {}, 3.0, Shape.GAUGE),
        (contract.METRIC_OPEN_STREAMS, {"kind": "listen"}, 12.0, Shape.GAUGE),
        (contract.METRIC_REJECTED, {"reason": "overload"}, 0.01, Shape.COUNTER),
        (contract.METRIC_REGISTERED_TOOLS, {}, float(fleet.tools), Shape.FLAT),
        (contract.METRIC_LLM_TOKENS, {"model": "small-1", "token_type": "input"}, 90.0, Shape.COUNTER),
        (contract.METRIC_LLM_TOKENS, {"model": "small-1", "token_type": "output"}, 30.0, Shape.COUNTER),
        ("up", {}, 1.0, Shape.FLAT),
        (contract.METRIC_INFO, {contract.LABEL_RELEASE: "1.4.0", "sdk_version": "2.3.0"}, 1.0, Shape.FLAT),
    )
    for name, labels, size, shape in shown:
        yield Series(scraped(name, pod, **labels), size, shape, Pace.FAST_LONG, phase)


def proxy_series(fleet: Fleet) -> Iterator[Series]:
    """Requests and durations that the proxies of all pods count."""
    for number in range(fleet.servers):
        for replica in range(fleet.pods):
            labels = {
                "pod": fleet.pod(number, replica),
                "destination_workload": fleet.server(number),
                "destination_workload_namespace": fleet.namespace(number),
                "source_workload": fleet.server((number + 1) % fleet.servers),
                "connection_security_policy": "mutual_tls",
            }
            yield from requests(labels, number % RELEASE_PHASES)


def requests(labels: dict[str, str], phase: int) -> Iterator[Series]:
    """Requests of one pod's proxy, as counted at source and destination."""
    name, pace = "istio_requests_total", Pace.PROXY
    for reporter in ("source", "destination"):
        for code, flags, per_second in (("200", NO_FLAGS, 10.0), ("503", "UF", 0.01)):
            counted = {"__name__": name, "reporter": reporter, "response_code": code, "response_flags": flags}
            yield Series(labels | counted, per_second, Shape.COUNTER, pace, phase)
    took = labels | {"reporter": "destination", "response_code": "200", "response_flags": NO_FLAGS}
    for bound in (0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000):
        bucket = took | {"__name__": "istio_request_duration_milliseconds_bucket", "le": f"{bound:g}"}
        yield Series(bucket, 10 * (1 + erf(log(bound / 60) / 1.4)) / 2, Shape.COUNTER, pace, phase)
    every = took | {"__name__": "istio_request_duration_milliseconds_bucket", "le": "+Inf"}
    yield Series(every, 10.0, Shape.COUNTER, pace, phase)

"""PromQL of servers without the runtime, by the metrics of their sidecars: load, responses, durations.

Only the PodMonitor of such a server gives these series the label of a server, so expressions over all servers need no
list of them. An idle sidecar exports nothing yet: a target that is up without a gauge has no request in flight. The
functions have the shape of those in `selectors.py`. Source: Istio, bootstrap, `deferred_stat_options`.
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.promql import selectors
from meshed_mcp.components.promql.selectors import BY_SERVER

CONTAINER: Final = f'container="{contract.PROXY_CONTAINER}"'
IS_SERVER: Final = f'{contract.LABEL_SERVER}!=""'
TARGETS: Final = f"{CONTAINER},{IS_SERVER}"
"""Matchers of the scrape targets of servers without the runtime."""

IS_REQUEST: Final = f'{contract.LABEL_CLUSTER}!="{contract.STREAMS_CLUSTER}"'
"""Matcher of requests; the others are open streams, which are no load."""

COUNTED: Final = f'{contract.LABEL_STATUS_CLASS}=~"[235]xx",{IS_SERVER}'
"""Matchers of responses that count; 4xx are client errors."""

FAILED: Final = f'{contract.LABEL_STATUS_CLASS}="5xx",{IS_SERVER}'
MILLISECONDS: Final = (("(.)0", "0.0$1"), ("(.)00", "0.$1"), ("(.+)000", "$1.0"))
"""Bucket bounds in milliseconds, from 10 ms on -> in seconds. In this order no result matches a later pattern."""

BUCKETS: Final = f"{contract.METRIC_PROXY_DURATION}_bucket"


def in_flight(select: str) -> str:
    """In-flight requests of the selected pods, without open streams."""
    return f"({in_flight_by('', select)})"


def in_flight_by_server(select: str) -> str:
    """In-flight requests, per server."""
    return f"({in_flight_by(f'by ({contract.LABEL_SERVER})', select)})"


def in_flight_by(by: str, select: str) -> str:
    """In-flight requests of the selected pods, aggregated `by` labels; 0 for sidecars that have served none yet."""
    active = f"{contract.METRIC_PROXY_ACTIVE}{{{_matchers(select, IS_REQUEST, IS_SERVER)}}}"
    how = f" {by} " if by else ""
    return f"sum{how}({active}) or 0 * count{how}({_up(select)})"


def held_in_flight(select: str) -> str:
    """In-flight requests for the autoscaler: the recent peak, corrected for sidecars that are not scraped.

    Absent if no sidecar is. Source of the hold and the correction: `selectors.held_in_flight`.
    """
    held = f"{selectors.HELD_SECONDS}s:{selectors.HELD_STEP_SECONDS}s"
    scraped = f"count(up{{{_matchers(select, TARGETS)}}}) / count({_up(select)})"
    return f"max_over_time({in_flight(select)}[{held}]) * min_over_time(({scraped})[{held}])"


def open_streams(select: str) -> str:
    """Open streams, per server."""
    return open_streams_by(f"by ({contract.LABEL_SERVER})", select)


def open_streams_by(by: str, select: str = "") -> str:
    """Open streams of the selected pods, aggregated `by` labels."""
    of_streams = f'{contract.LABEL_CLUSTER}="{contract.STREAMS_CLUSTER}"'
    return f"sum {by} ({contract.METRIC_PROXY_ACTIVE}{{{_matchers(select, of_streams, IS_SERVER)}}})"


def response_rate(matchers: str, window: str) -> str:
    """Responses per second, per server; `matchers`: COUNTED or FAILED."""
    return f"sum {BY_SERVER} (rate({contract.METRIC_PROXY_RESPONSES}{{{matchers}}}[{window}]))"


def completed_rate(matchers: str, window: str) -> str:
    """Responses of the server per second, of every status, per server."""
    return f'sum {BY_SERVER} (rate({BUCKETS}{{{matchers},le="+Inf"}}[{window}]))'


def fast_rate(matchers: str, seconds: float, window: str) -> str:
    """Responses per second within `seconds`, a bucket bound, per server. Prometheus 3 adds a decimal to `le`."""
    return f'sum {BY_SERVER} (rate({BUCKETS}{{{matchers},le=~"{round(seconds * 1000)}([.]0)?"}}[{window}]))'


def duration_rate(matchers: str, window: str) -> str:
    """Buckets of durations per second, per server, with bounds in seconds."""
    by = f"by (namespace, {contract.LABEL_SERVER}, le)"
    return in_seconds(f"sum {by} (rate({BUCKETS}{{{matchers}}}[{window}]))")


def in_seconds(buckets: str) -> str:
    """The buckets with their bounds in seconds, as the runtime's histogram has them."""
    for pattern, seconds in MILLISECONDS:
        buckets = f'label_replace({buckets}, "le", "{seconds}", "le", "{pattern}([.]0)?")'
    return buckets


def _up(select: str) -> str:
    return f"up{{{_matchers(select, TARGETS)}}} == 1"


def _matchers(*given: str) -> str:
    return ",".join(filter(None, given))

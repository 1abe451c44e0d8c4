"""PromQL of Istio's standard metrics: requests between workloads as the proxies count them.

The proxies see HTTP only: a failed tool call has status 200. Dashboards read series recorded over all pods; their
functions take patterns of namespace and server. Source: Istio, "Istio Standard Metrics".
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.promql.selectors import MIN_REQUESTS, PromQL

SERVER_SIDE: Final = 'reporter="destination"'
CLIENT_SIDE: Final = 'reporter="source"'
"""Both proxies count each request; only the client's counts one that reached no server."""

NO_FLAGS: Final = "-"
"""Value of `response_flags` of a request without a proxy error. Source: Envoy, access log, %RESPONSE_FLAGS%."""

REQUESTS: Final = "workload:istio_requests:rate1m"
"""Recorded requests per second between workloads."""

DURATIONS: Final = "workload:istio_request_duration_milliseconds_bucket:rate1m"
"""Recorded buckets per second, as the destination workload's proxies count them."""

DESTINATION: Final = "destination_workload, destination_workload_namespace"
REQUEST_LABELS: Final = (
    f"{DESTINATION}, source_workload, reporter, response_code, response_flags, connection_security_policy"
)


RULES: Final = {
    REQUESTS: f"sum by ({REQUEST_LABELS}) (rate(istio_requests_total[1m]))",
    DURATIONS: f"sum by ({DESTINATION}, le) (rate(istio_request_duration_milliseconds_bucket{{{SERVER_SIDE}}}[1m]))",
}
"""Recorded series -> its expression over all pods."""


def requests(by: str, namespace: str, server: str) -> str:
    """Requests per second that reached a server's proxy, by labels such as the HTTP status."""
    return f"sum by ({by}) ({_rate(SERVER_SIDE, namespace, server)})"


def proxy_failures(namespace: str, server: str) -> str:
    """Requests per second that failed in a proxy, per response flag: reset, timeout, no endpoint."""
    failed = f'{CLIENT_SIDE},response_flags!="{NO_FLAGS}"'
    return f"sum by (destination_workload, response_flags) ({_rate(failed, namespace, server)})"


def error_ratio(namespace: str, server: str) -> str:
    """Ratio of 5xx responses, 0..1, as client proxies count them, per destination workload; absent if idle."""
    return _ratio(CLIENT_SIDE, 'response_code=~"5.."', namespace, server)


def duration(quantile: float, namespace: str, server: str) -> str:
    """Request duration at the server's proxy, milliseconds, at `quantile` (0..1), per workload; includes streams."""
    buckets = f"{DURATIONS}{{{_select('', namespace, server)}}}"
    return f"histogram_quantile({quantile}, sum by (destination_workload, le) ({buckets}))"


def plaintext_ratio(namespace: str, server: str) -> str:
    """Ratio of requests without mutual TLS, 0..1, per destination workload; absent if idle."""
    return _ratio(SERVER_SIDE, 'connection_security_policy!="mutual_tls"', namespace, server)


def _ratio(side: str, bad: str, namespace: str, server: str) -> str:
    by = "sum by (destination_workload)"
    total = f"{by} ({_rate(side, namespace, server)})"
    return f"({by} ({_rate(f'{side},{bad}', namespace, server)}) or 0 * {total}) / ({total} > 0)"


def _rate(matchers: str, namespace: str, server: str) -> str:
    return f"{REQUESTS}{{{_select(matchers, namespace, server)}}}"


def _select(matchers: str, namespace: str, server: str) -> str:
    workload = f'destination_workload=~"{server}(-{contract.CANARY})?"'
    return ",".join(filter(None, (matchers, f'destination_workload_namespace=~"{namespace}"', workload)))


CONNECTION_FLAGS: Final = "UC|UF|URX|LR|UR|DPE|UPE"
"""Response flags of a connection that the upstream reset or refused; timeouts and "no route" have others.
Source: Envoy, access log, %RESPONSE_FLAGS%."""


def connection_reset_ratio(threshold: float) -> PromQL:
    """Ratio of requests whose connection was reset or refused, 0..1, per destination workload; for an alert."""
    flags = f'{CLIENT_SIDE},response_flags=~"({CONNECTION_FLAGS})"'
    reset, total = _increase_by_destination(flags), _increase_by_destination(CLIENT_SIDE)
    return PromQL(f"{reset} / ({total} >= {MIN_REQUESTS}) > {threshold:g}")


def plaintext_requests() -> PromQL:
    """Requests without mutual TLS in ten minutes, per destination workload; for an alert."""
    plaintext = f'{SERVER_SIDE},connection_security_policy="none"'
    return PromQL(f"{_increase_by_destination(plaintext)} > 0")


def _increase_by_destination(select: str) -> str:
    by = "destination_workload_namespace, destination_workload"
    return f"sum by ({by}) (increase(istio_requests_total{{{select}}}[10m]))"

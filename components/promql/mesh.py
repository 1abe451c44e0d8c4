"""PromQL of the mesh: what the proxies saw. It knows HTTP alone; failed tools are answered 200.

Pages read what is recorded over all pods. In: patterns of namespace and server. Out: PromQL text. Source: Istio, "Istio
Standard Metrics".
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.promql.selectors import PromQL

SERVER_SIDE: Final = 'reporter="destination"'
CLIENT_SIDE: Final = 'reporter="source"'
"""Each request is counted by both proxies; one that reached no server only by the client's."""

NO_FAULT: Final = "-"
"""Value of `response_flags` where Envoy itself failed nothing. Source: Envoy, access log, %RESPONSE_FLAGS%."""


REQUESTS: Final = "workload:istio_requests:rate1m"
"""Recorded requests per second between workloads."""

DURATIONS: Final = "workload:istio_request_duration_milliseconds_bucket:rate1m"
"""Recorded buckets per second, as the called workload's proxies saw them."""

CALLED: Final = "destination_workload, destination_workload_namespace"
PARTIES: Final = f"{CALLED}, source_workload, reporter, response_code, response_flags, connection_security_policy"


def recorded_requests() -> str:
    """Requests per second between workloads, over all pods."""
    return f"sum by ({PARTIES}) (rate(istio_requests_total[1m]))"


def recorded_durations() -> str:
    """Buckets per second of requests, per called workload, over all pods."""
    buckets = f"istio_request_duration_milliseconds_bucket{{{SERVER_SIDE}}}"
    return f"sum by ({CALLED}, le) (rate({buckets}[1m]))"


def requests(namespace: str, server: str) -> str:
    """Requests per second that reached a server's proxy, per workload and HTTP status."""
    return f"sum by (destination_workload, response_code) ({_rate(SERVER_SIDE, namespace, server)})"


def callers(namespace: str, server: str) -> str:
    """Requests per second, per calling and called workload."""
    return f"sum by (source_workload, destination_workload) ({_rate(SERVER_SIDE, namespace, server)})"


def faults(namespace: str, server: str) -> str:
    """Requests per second that a proxy failed, as its client saw it, per flag: resets, time-outs, no endpoint."""
    faulty = f'{CLIENT_SIDE},response_flags!="{NO_FAULT}"'
    return f"sum by (destination_workload, response_flags) ({_rate(faulty, namespace, server)})"


def server_error_share(namespace: str, server: str) -> str:
    """Share of requests, 0..1, that were answered 5xx, as clients saw it, per called workload; absent if idle."""
    by = "sum by (destination_workload)"
    every = f"{by} ({_rate(CLIENT_SIDE, namespace, server)})"
    failed = f'{CLIENT_SIDE},response_code=~"5.."'
    return f"({by} ({_rate(failed, namespace, server)}) or 0 * {every}) / ({every} > 0)"


def duration(quantile: float, namespace: str, server: str) -> str:
    """Milliseconds that requests took at the server's proxy, at `quantile` (0..1), per workload; streams count."""
    buckets = f"{DURATIONS}{{{_select('', namespace, server)}}}"
    return f"histogram_quantile({quantile}, sum by (destination_workload, le) ({buckets}))"


def plain_text_share(namespace: str, server: str) -> str:
    """Share of requests, 0..1, that came without mutual TLS, per called workload; absent if idle."""
    by = "sum by (destination_workload)"
    every = f"{by} ({_rate(SERVER_SIDE, namespace, server)})"
    plain = f'{SERVER_SIDE},connection_security_policy!="mutual_tls"'
    return f"({by} ({_rate(plain, namespace, server)}) or 0 * {every}) / ({every} > 0)"


def _rate(matchers: str, namespace: str, server: str) -> str:
    return f"{REQUESTS}{{{_select(matchers, namespace, server)}}}"


def _select(matchers: str, namespace: str, server: str) -> str:
    workload = f'destination_workload=~"{server}(-{contract.CANARY})?"'
    return ",".join(filter(None, (matchers, f'destination_workload_namespace=~"{namespace}"', workload)))


CONNECTION_FLAGS: Final = "UC|UF|URX|LR|UR|DPE|UPE"
"""Response flags of a connection that the upstream reset or refused; timeouts and "no route" have others.
Source: Envoy, access log, %RESPONSE_FLAGS%."""

MIN_REQUESTS: Final = 100
"""Requests in ten minutes below which a ratio of requests is not meaningful."""


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

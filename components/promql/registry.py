"""PromQL of the registry: requests by their HTTP answers, and what it knows.

In: a selector (`queries.selector`) and a window. Out: PromQL text.
"""

from meshed_mcp import contract


def requests_by_status(select: str, window: str) -> str:
    """Requests per second, per HTTP status."""
    return f"sum by (http_response_status_code) (rate({contract.METRIC_HTTP_DURATION}_count{{{select}}}[{window}]))"


def requests_by_route(select: str, window: str) -> str:
    """Requests per second, per route and method."""
    by = "http_request_method, http_route"
    return f"sum by ({by}) (rate({contract.METRIC_HTTP_DURATION}_count{{{select}}}[{window}]))"


def failed_share(select: str, window: str) -> str:
    """Share of requests, 0..1, that the registry failed (5xx); absent if idle."""
    counted = f"{contract.METRIC_HTTP_DURATION}_count"
    every = f"sum(rate({counted}{{{select}}}[{window}]))"
    failed = f'sum(rate({counted}{{{select},http_response_status_code=~"5.."}}[{window}]))'
    return f"({failed} or 0 * {every}) / ({every} > 0)"


def request_latency(quantile: float, select: str, window: str) -> str:
    """Duration of requests, seconds, at `quantile` (0..1)."""
    buckets = f"{contract.METRIC_HTTP_DURATION}_bucket{{{select}}}"
    return f"histogram_quantile({quantile}, sum by (le) (rate({buckets}[{window}])))"


def known_servers(select: str) -> str:
    """Servers in the database, as the replica that knows most sees it."""
    return f"max({contract.METRIC_REGISTRY_SERVERS}{{{select}}})"


def leases(select: str) -> str:
    """Instances that keep up their lease."""
    return f"max({contract.METRIC_REGISTRY_LEASES}{{{select}}})"


def expired(select: str, window: str) -> str:
    """Servers per second that were forgotten because no lease was left."""
    return f"sum(rate({contract.METRIC_REGISTRY_EXPIRED}{{{select}}}[{window}]))"


def with_database(select: str) -> str:
    """Replicas whose database answers."""
    return f"sum({contract.METRIC_REGISTRY_DATABASE_UP}{{{select}}})"

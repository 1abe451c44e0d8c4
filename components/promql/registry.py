"""PromQL of the registry: requests by route and status, registered servers, leases, database."""

from meshed_mcp import contract


def requests_by_status(select: str, window: str) -> str:
    """Requests per second, per HTTP status."""
    return f"sum by (http_response_status_code) (rate({contract.METRIC_HTTP_DURATION}_count{{{select}}}[{window}]))"


def requests_by_route(select: str, window: str) -> str:
    """Requests per second, per route and method."""
    by = "http_request_method, http_route"
    return f"sum by ({by}) (rate({contract.METRIC_HTTP_DURATION}_count{{{select}}}[{window}]))"


def error_ratio(select: str, window: str) -> str:
    """Ratio of 5xx responses, 0..1; absent if idle."""
    counted = f"{contract.METRIC_HTTP_DURATION}_count"
    total = f"sum(rate({counted}{{{select}}}[{window}]))"
    failed = f'sum(rate({counted}{{{select},http_response_status_code=~"5.."}}[{window}]))'
    return f"({failed} or 0 * {total}) / ({total} > 0)"


def request_latency(quantile: float, select: str, window: str) -> str:
    """Duration of requests, seconds, at `quantile` (0..1)."""
    buckets = f"{contract.METRIC_HTTP_DURATION}_bucket{{{select}}}"
    return f"histogram_quantile({quantile}, sum by (le) (rate({buckets}[{window}])))"


def known_servers(select: str) -> str:
    """Registered servers, as the most current replica sees them."""
    return f"max({contract.METRIC_REGISTRY_SERVERS}{{{select}}})"


def leases(select: str) -> str:
    """Instances with a valid lease."""
    return f"max({contract.METRIC_REGISTRY_LEASES}{{{select}}})"


def expired_servers(select: str, window: str) -> str:
    """Servers per second that were removed because their last lease expired."""
    return f"sum(rate({contract.METRIC_REGISTRY_EXPIRED}{{{select}}}[{window}]))"


def replicas_with_database(select: str) -> str:
    """Replicas with a database connection."""
    return f"sum({contract.METRIC_REGISTRY_DATABASE_UP}{{{select}}})"

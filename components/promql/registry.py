"""PromQL of the registry: requests by route and status, registered servers, leases, database."""

from meshed_mcp import contract


def requests(by: str, select: str, window: str) -> str:
    """Requests per second, by labels such as the HTTP status."""
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


def registered(gauge: str, select: str) -> str:
    """A gauge of registered servers or leases, as the most current replica sees them."""
    return f"max({gauge}{{{select}}})"


def expired_servers(select: str, window: str) -> str:
    """Servers per second that were removed because their last lease expired."""
    return f"sum(rate({contract.METRIC_REGISTRY_EXPIRED}{{{select}}}[{window}]))"


def replicas_with_database(select: str) -> str:
    """Replicas with a database connection."""
    return f"sum({contract.METRIC_REGISTRY_DATABASE_UP}{{{select}}})"

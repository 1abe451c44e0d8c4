"""PromQL of where time goes: waiting, throttling, refusals, one replica alone. In: selectors, a window. Out: text."""

from meshed_mcp import contract
from meshed_mcp.components.promql import selectors


def open_streams(select: str) -> str:
    """Open streams, per server and kind."""
    return f"sum by ({contract.LABEL_SERVER}, kind) ({contract.METRIC_OPEN_STREAMS}{{{select}}})"


def rejected(select: str, window: str) -> str:
    """Requests per second answered without being executed, per server and reason."""
    return f"sum by ({contract.LABEL_SERVER}, reason) (rate({contract.METRIC_REJECTED}{{{select}}}[{window}]))"


def throttled_share(namespace: str, pod: str, window: str) -> str:
    """Share, 0..1, of its scheduling periods in which a server's container was held back, per pod."""
    select = f'namespace=~"{namespace}",pod=~"{pod}",container="{contract.CONTAINER_NAME}"'
    held, periods = (
        f"sum by (pod) (rate(container_cpu_cfs_{which}_total{{{select}}}[{window}]))"
        for which in ("throttled_periods", "periods")
    )
    return f"{held} / ({periods} > 0)"


def calls_of_pod(select: str, pod: str, window: str) -> str:
    """Finished tool calls per second of one pod, per tool."""
    counted = f'{contract.METRIC_OPERATION_DURATION}_count{{{select},pod="{pod}",{selectors.CALL_METHOD}}}'
    return f"sum by ({contract.LABEL_TOOL}) (rate({counted}[{window}]))"


def load_of_pod(select: str, pod: str) -> str:
    """Calls in work and waiting in one pod."""
    return selectors.in_flight(f'{select},pod="{pod}"')

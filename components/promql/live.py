"""PromQL of this moment, per server, from the replicas' own series: for a few replicas, and no rule must have run.

In: a window. Out: PromQL text. Not here: the same for a thousand pods (`traffic.py`).
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.promql import health, load, selectors, sli
from meshed_mcp.components.promql.selectors import BY_SERVER

BURN_WINDOW: Final = "1h"
"""Window of the burn: the shortest long one of the alerts."""

COUNTED: Final = f"{contract.METRIC_OPERATION_DURATION}_count"


def replicas() -> str:
    """Replicas that answer."""
    return load.answering()


def calls(window: str) -> str:
    """Finished tool calls per second."""
    return f"sum {BY_SERVER} (rate({COUNTED}{{{selectors.CALL_METHOD}}}[{window}]))"


def p99(window: str) -> str:
    """Duration of tool calls, seconds."""
    buckets = f"{contract.METRIC_OPERATION_DURATION}_bucket{{{selectors.CALL_METHOD}}}"
    by = f"by (namespace, {contract.LABEL_SERVER}, le)"
    return f"histogram_quantile(0.99, sum {by} (rate({buckets}[{window}])))"


def errors(window: str) -> str:
    """Share of operations that failed by the server's fault, 0..1; absent if idle."""
    every = f"sum {BY_SERVER} (rate({COUNTED}{{{sli.OURS}}}[{window}]))"
    failed = f'sum {BY_SERVER} (rate({COUNTED}{{{contract.LABEL_ERROR}!="",{sli.OURS}}}[{window}]))'
    return f"({failed} or 0 * {every}) / ({every} > 0)"


def in_flight() -> str:
    """Calls in work and waiting."""
    return load.in_flight()


def burn() -> str:
    """How many times faster than allowed the budget of failures burns, as rules recorded it."""
    return health.burned("errors", BURN_WINDOW, health.EVERY_SERVER)

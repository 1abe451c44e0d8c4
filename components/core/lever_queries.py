"""PromQL of the emergency lever: the replicas that the present load needs, and the minimum that follows. Text out.

Not here: the load itself (`queries.py`), the rules that record it (`autoscaling/lever.py`).
"""

from typing import Final

from meshed_mcp import contract

NEEDED: Final = "mcp:replicas:needed"
"""Replicas that the present load needs, within the service's bounds, per ScaledObject."""


def needed(load: str, per_replica: int, least: int, most: int) -> str:
    """Replicas for `load` at `per_replica` each, within `least` and `most`; absent where the load is unknown."""
    return f"clamp(ceil(({load}) / {per_replica}), {least}, {most})"


def minimum(namespace: str, hold_seconds: int) -> str:
    """The minimum of the moment per ScaledObject: the most that was needed within the last `hold_seconds`.

    Only where the need is known now: otherwise the window would empty, and the minimum fall with it.
    """
    series = f'{NEEDED}{{namespace="{namespace}"}}'
    by = f"by ({contract.LABEL_SCALED_OBJECT})"
    return f"max {by} (max_over_time({series}[{hold_seconds}s]) and {series})"


def answered_age(namespace: str) -> str:
    """Seconds since any lever of the namespace last heard from Prometheus; absent where none runs."""
    return f'time() - max({contract.METRIC_LEVER_ANSWERED}{{namespace="{namespace}"}})'

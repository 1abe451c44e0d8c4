"""PromQL of the fast scaler: replicas that the current load needs, and the minimum replica count derived from it.

A live query sees a load step with its first scrape; a recording rule keeps it for the hold time, the alert and
dashboards. Both evaluate at multiples of contract.FAST_SCALER_PERIOD_SECONDS, and the live query keeps a peak until the
rule has recorded it: otherwise a peak between two evaluations would raise the minimum for a second only.
"""

from collections.abc import Sequence
from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.promql.selectors import PromQL

NEEDED: Final = "mcp:replicas:needed"
"""Recorded replicas that the recent load needs, within the service's bounds, per ScaledObject."""

RULE_SECONDS: Final = 5
"""Evaluation interval of the rule, which is the scrape interval of the gauges."""

SEEN_SECONDS: Final = RULE_SECONDS + 1
"""How long the live query keeps a peak: until the rule has recorded it."""

STEP: Final = f"{int(contract.FAST_SCALER_PERIOD_SECONDS * 1000)}ms"


def needed_replicas(load: str, per_replica: int, minimum: int, maximum: int) -> str:
    """Replicas for `load` at `per_replica` each, from `minimum` to `maximum`; absent where the load is unknown."""
    return f"clamp(ceil(({load}) / {per_replica}), {minimum}, {maximum})"


def peak_load(load: str) -> str:
    """Peak of `load` since the rule's last evaluation."""
    return f"max_over_time(({load})[{RULE_SECONDS}s:{STEP}])"


def by_scaled_object(by_server: str, name: str) -> str:
    """The expression `by_server` with the label of a ScaledObject; `${1}` in `name` is the server's name."""
    return f'label_replace({by_server}, "{contract.LABEL_SCALED_OBJECT}", "{name}", "{contract.LABEL_SERVER}", "(.+)")'


def minimum_replicas(namespace: str, hold_seconds: int, live: Sequence[str] = ()) -> str:
    """Minimum replica count per ScaledObject: the highest need within the last `hold_seconds`.

    Absent unless the need is recorded now: otherwise the window would empty and the minimum fall with it. `live`:
    expressions of the current need per ScaledObject, in addition to the recorded one.
    """
    series = f'{NEEDED}{{namespace="{namespace}"}}'
    label = f"({contract.LABEL_SCALED_OBJECT})"
    held = f"max_over_time({series}[{hold_seconds}s])"
    seen = f" or max_over_time(({' or '.join(live)})[{SEEN_SECONDS}s:{STEP}])" if live else ""
    return f"max by {label} (({held}{seen}) and on {label} {series})"


def fast_scaler_down(namespace: str, threshold: float) -> PromQL:
    """Seconds since a fast scaler of the namespace last had a response from Prometheus; 1 where none runs."""
    answered = f'{contract.METRIC_FAST_SCALER_ANSWERED}{{namespace="{namespace}"}}'
    return PromQL(f"time() - max({answered}) > {threshold:g} or absent({answered})")

"""PromQL of the fast scaler: the replicas that the present load needs, and the minimum that follows. Text out.

The load is asked live, so that a step counts with the scrape that sees it; a rule records it for the hold, the alert
and dashboards. Both look at the same moments, the multiples of contract.FAST_SCALER_PERIOD_SECONDS, and the live part
keeps what it saw until the rule has recorded it: otherwise a peak between two evaluations would raise a minimum for a second.
Not here: the load itself (`selectors.py`), the rules that record it (`autoscaling/fast_scaler/manifests.py`), which
services are asked live (`autoscaling/fast_scaler/live_query.py`).
"""

from collections.abc import Sequence
from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.promql.selectors import PromQL

NEEDED: Final = "mcp:replicas:needed"
"""Replicas that the recent load needs, within the service's bounds, per ScaledObject."""

RULE_SECONDS: Final = 5
"""How often NEEDED is recorded, each time the peak since the last: as often as gauges are scraped."""

SEEN_SECONDS: Final = RULE_SECONDS + 1
"""How long the live part keeps what it saw: until the rule has, evaluation included."""

STEP: Final = f"{int(contract.FAST_SCALER_PERIOD_SECONDS * 1000)}ms"


def needed(load: str, per_replica: int, least: int, most: int) -> str:
    """Replicas for `load` at `per_replica` each, within `least` and `most`; absent where the load is unknown."""
    return f"clamp(ceil(({load}) / {per_replica}), {least}, {most})"


def recorded(load: str) -> str:
    """The most of `load` since the rule's last evaluation."""
    return f"max_over_time(({load})[{RULE_SECONDS}s:{STEP}])"


def of_scaled_objects(by_server: str, name: str) -> str:
    """What `by_server` says per server, per ScaledObject; `${1}` in `name` stands for the server's name."""
    return f'label_replace({by_server}, "{contract.LABEL_SCALED_OBJECT}", "{name}", "{contract.LABEL_SERVER}", "(.+)")'


def minimum(namespace: str, hold_seconds: int, live: Sequence[str] = ()) -> str:
    """The minimum of the moment per ScaledObject: the most that was needed within the last `hold_seconds`.

    Only where the need is recorded now: otherwise the window would empty, and the minimum fall with it. `live`: the
    needs of this moment per ScaledObject, in any number of expressions; of what they leave out, the record alone
    counts.
    """
    series = f'{NEEDED}{{namespace="{namespace}"}}'
    label = f"({contract.LABEL_SCALED_OBJECT})"
    held = f"max_over_time({series}[{hold_seconds}s])"
    seen = f" or max_over_time(({' or '.join(live)})[{SEEN_SECONDS}s:{STEP}])" if live else ""
    return f"max by {label} (({held}{seen}) and on {label} {series})"


def answered_age(namespace: str) -> str:
    """Seconds since any fast scaler of the namespace last heard from Prometheus; absent where none runs."""
    return f'time() - max({contract.METRIC_FAST_SCALER_ANSWERED}{{namespace="{namespace}"}})'


def fast_scaler_down(namespace: str, threshold: float) -> PromQL:
    """Seconds since a fast scaler of the namespace last had a response from Prometheus; 1 where none runs."""
    absent = f'absent({contract.METRIC_FAST_SCALER_ANSWERED}{{namespace="{namespace}"}})'
    return PromQL(f"{answered_age(namespace)} > {threshold:g} or {absent}")

"""PromQL of what it costs to remove a replica: the sessions and streams that would end with it. Text out.

Not here: the rules that record it (`autoscaling/fast_scaler/pod_deletion_cost.py`), who writes it to pods
(`agents/autoscaler/pod_deletion_cost.py`).
"""

from typing import Final

from meshed_mcp import contract

COST: Final = "mcp:pod:deletion_cost"
"""Cost of removing a pod, a whole number, per pod; 0 = nobody would notice."""


def cost(select: str, step: int) -> str:
    """Open sessions and listen streams of each pod, in steps of `step`, rounded up: one is worth more than none.

    An event stream that belongs to a session is in that session already.
    """
    names = f"{contract.METRIC_ACTIVE_SESSIONS}|{contract.METRIC_OPEN_STREAMS}"
    held = f'{{__name__=~"{names}",kind!="sse",{select}}}'
    return f"ceil(sum by (namespace, {contract.LABEL_POD}) ({held}) / {step})"


def known(namespace: str) -> str:
    """What a process asks: the cost of every pod of a namespace; no series where nothing is known."""
    return f'max by ({contract.LABEL_POD}) ({COST}{{namespace="{namespace}"}})'

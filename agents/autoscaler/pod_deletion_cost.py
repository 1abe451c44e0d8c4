"""Writes the pod deletion cost of replicas, in sessions: `python -m meshed_mcp.agents.autoscaler.pod_deletion_cost`.

In: a query that names a cost per pod. Out: the annotation by which a ReplicaSet chooses whom to remove: the lowest
first. Kubernetes asks for few updates of it: a pod is written when its cost has changed, and at most once a minute;
costs come in steps (`promql/pod_deletion_cost.py`). Without Prometheus nothing changes. It keeps nothing that a restart
may not lose. Source: Kubernetes, "Pod deletion cost".
"""

import os
import time
from collections.abc import Callable, Mapping
from typing import Final

import httpx
from prometheus_client import CollectorRegistry

from meshed_mcp import contract
from meshed_mcp.agents.autoscaler.reconciler import Names, Patched, Reconciler, Values
from meshed_mcp.agents.autoscaler.runner import by_label, started, until_stopped

SETTING: Final = "deletion_cost"
RESOURCE: Final = "v1/pods"
MANAGER: Final = "meshed-mcp-deletion-cost"
"""Field manager of its patches."""

ANNOTATION: Final = "controller.kubernetes.io/pod-deletion-cost"
"""Source: Kubernetes, "Well-Known Labels, Annotations and Taints"; a whole number, 0 where it is absent."""

PERIOD_SECONDS: Final = 15.0
"""How often it asks."""

AGAIN_SECONDS: Final = 60.0
"""Least time between two writes to one pod."""

ASK_SECONDS: Final = 10.0
GONE: Final = "gone"
"""Outcome of a patch of a pod that ended, which Prometheus notices some seconds later."""

NAMES: Final = Names("deletion cost", "pod", contract.METRIC_DELETION_ANSWERED, contract.METRIC_DELETION_PATCHES)


class Marker(Reconciler):
    """Writes costs; a pod of the name of one that is gone, as a StatefulSet makes, is another one."""

    def __init__(
        self,
        ask: Callable[[], Values],
        write: Callable[[str, int], None],
        registry: CollectorRegistry,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(NAMES, ask, write, registry, clock)

    def is_due(self, value: int, last: Patched, seconds: float) -> bool:
        """A change, once in AGAIN_SECONDS at most."""
        return value != last.value and seconds >= AGAIN_SECONDS

    def outcome_of(self, error: Exception) -> str:
        """GONE for a pod that ended meanwhile: the API server has it no more (404)."""
        is_gone = isinstance(error, httpx.HTTPStatusError) and error.response.status_code == httpx.codes.NOT_FOUND
        return GONE if is_gone else super().outcome_of(error)


def costs(answer: object) -> Values:
    """Pod -> cost in an answer of Prometheus. Raises ValueError where it is none."""
    return {pod: int(value) for pod, value in by_label(answer, contract.LABEL_POD).items()}


def main(environment: Mapping[str, str] = os.environ) -> None:
    """Mark until SIGTERM or SIGINT. Raises SystemExit with a text when a setting is missing."""
    helper = started(
        environment, setting=SETTING, query=contract.ENV_DELETION_QUERY, manager=MANAGER, ask_seconds=ASK_SECONDS
    )

    def write(pod: str, cost: int) -> None:
        helper.cluster.patch(RESOURCE, pod, {"metadata": {"annotations": {ANNOTATION: str(cost)}}})

    marker = Marker(lambda: costs(helper.ask()), write, helper.registry)
    until_stopped(marker.reconcile, PERIOD_SECONDS)


if __name__ == "__main__":
    main()

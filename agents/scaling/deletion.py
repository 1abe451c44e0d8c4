"""`python -m meshed_mcp.agents.scaling.deletion`: marks replicas with what it costs to remove them, in sessions.

In: a query that names a cost per pod. Out: the annotation by which a ReplicaSet chooses whom to remove: the lowest
first. Kubernetes asks for few updates of it: a pod is written when its cost has changed, and at most once a minute;
costs come in steps (`core/deletion_queries.py`). Without Prometheus nothing changes. It keeps nothing that a restart
may not lose. Source: Kubernetes, "Pod deletion cost".
"""

import logging
import os
import time
from collections.abc import Callable, Mapping
from typing import Final

import httpx
from prometheus_client import CollectorRegistry, Counter, Gauge

from meshed_mcp import contract
from meshed_mcp.agents.scaling.rounds import by_label, started, until_stopped

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

log = logging.getLogger(__name__)

Costs = dict[str, int]
"""Pod -> cost."""


class Marker:
    """What was written when, and the numbers of it."""

    def __init__(
        self,
        ask: Callable[[], Costs],
        write: Callable[[str, int], None],
        registry: CollectorRegistry,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask, self._write, self._clock = ask, write, clock
        self._written: dict[str, tuple[int, float]] = {}
        self._answered = Gauge(
            contract.METRIC_DELETION_ANSWERED, "When Prometheus last answered, Unix seconds.", registry=registry
        )
        self._patches = Counter(
            contract.METRIC_DELETION_PATCHES, "Patches, by outcome.", (contract.LABEL_OUTCOME,), registry=registry
        )

    def mark(self) -> None:
        """One round; a failure is logged and counted, and changes nothing. Pods that are gone are forgotten."""
        try:
            wanted = self._ask()
        except (httpx.HTTPError, ValueError) as error:
            log.warning("Prometheus gives no answer, so no cost changes: %s", error)
            return
        self._answered.set(time.time())
        self._written = {pod: known for pod, known in self._written.items() if pod in wanted}
        for pod, cost in sorted(wanted.items()):
            known, when = self._written.get(pod, (None, 0.0))
            if known is None or (known != cost and self._clock() - when >= AGAIN_SECONDS):
                self._put(pod, cost)

    def _put(self, pod: str, cost: int) -> None:
        try:
            self._write(pod, cost)
        except httpx.HTTPStatusError as error:
            gone = error.response.status_code == httpx.codes.NOT_FOUND
            self._failed(pod, error, "gone" if gone else "failed")
        except (httpx.HTTPError, OSError) as error:
            self._failed(pod, error, "failed")
        else:
            self._patches.labels("written").inc()
            self._written[pod] = (cost, self._clock())

    def _failed(self, pod: str, error: Exception, outcome: str) -> None:
        self._patches.labels(outcome).inc()
        if outcome == "failed":
            log.warning("the deletion cost of pod %s stays: %s", pod, error)


def costs(answer: object) -> Costs:
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
    until_stopped(marker.mark, PERIOD_SECONDS)


if __name__ == "__main__":
    main()

"""`python -m meshed_mcp.agents.scaling.lever`: raises the minimum of ScaledObjects at once when load needs it.

In: a query that names, per ScaledObject, the least replicas of the moment. Out: `spec.minReplicaCount`. It keeps
nothing: how long a raise is held, and the stack's own minimum, are in the query (`core/lever_queries.py`), so a restart
loses nothing and two of them write the same. What the query does not name is left as it is: without Prometheus nothing
changes. Source: measured with KEDA 2.21 and the real HPA controller: size written 0.06 s after the patch, against 13 s.
"""

import logging
import math
import os
import time
from collections.abc import Callable, Mapping
from typing import Final

import httpx
from prometheus_client import CollectorRegistry, Counter, Gauge

from meshed_mcp import contract
from meshed_mcp.agents.scaling.rounds import by_label, started, until_stopped

SETTING: Final = "keda.lever"
MANAGER: Final = "meshed-mcp-lever"
"""Field manager of its patches."""

RESOURCE: Final = "keda.sh/v1alpha1/scaledobjects"
AGAIN_SECONDS: Final = 60.0
"""After this a value is written again although it is the same: somebody else may have changed it."""

ASK_SECONDS: Final = 4.0
"""Below the interval of scrapes: a Prometheus that hangs costs one of them."""

log = logging.getLogger(__name__)

Minimums = dict[str, int]
"""ScaledObject -> fewest replicas."""


class Lever:
    """What was written when, and the numbers of it."""

    def __init__(
        self,
        ask: Callable[[], Minimums],
        write: Callable[[str, int], None],
        registry: CollectorRegistry,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask, self._write, self._clock = ask, write, clock
        self._written: dict[str, tuple[int, float]] = {}
        self._answered = Gauge(
            contract.METRIC_LEVER_ANSWERED, "When Prometheus last answered, Unix seconds.", registry=registry
        )
        self._minimum = Gauge(
            contract.METRIC_LEVER_MINIMUM, "Minimum last written.", ("scaledobject",), registry=registry
        )
        self._patches = Counter(
            contract.METRIC_LEVER_PATCHES, "Patches, by outcome.", (contract.LABEL_OUTCOME,), registry=registry
        )

    def pull(self) -> None:
        """One round; a failure is logged and counted, and changes nothing."""
        try:
            wanted = self._ask()
        except (httpx.HTTPError, ValueError) as error:
            log.warning("Prometheus gives no answer, so no minimum changes: %s", error)
            return
        self._answered.set(time.time())
        for name, minimum in sorted(wanted.items()):
            known, when = self._written.get(name, (None, 0.0))
            if known != minimum or self._clock() - when >= AGAIN_SECONDS:
                self._put(name, minimum, known)

    def _put(self, name: str, minimum: int, known: int | None) -> None:
        try:
            self._write(name, minimum)
        except (httpx.HTTPError, OSError) as error:
            self._patches.labels("failed").inc()
            log.warning("the minimum of ScaledObject %s stays: %s", name, error)
            return
        self._patches.labels("written").inc()
        self._minimum.labels(name).set(minimum)
        self._written[name] = (minimum, self._clock())
        if known != minimum:
            log.info("the minimum of ScaledObject %s is %d", name, minimum)


def minimums(answer: object) -> Minimums:
    """ScaledObject -> minimum in an answer of Prometheus; what is no positive number is left out: no opinion.

    Raises ValueError where it is none.
    """
    found = by_label(answer, contract.LABEL_SCALED_OBJECT)
    return {name: math.ceil(value) for name, value in found.items() if value >= 1}


def main(environment: Mapping[str, str] = os.environ) -> None:
    """Pull until SIGTERM or SIGINT. Raises SystemExit with a text when a setting is missing."""
    helper = started(
        environment, setting=SETTING, query=contract.ENV_LEVER_QUERY, manager=MANAGER, ask_seconds=ASK_SECONDS
    )

    def write(name: str, minimum: int) -> None:
        helper.cluster.patch(RESOURCE, name, {"spec": {"minReplicaCount": minimum}})

    lever = Lever(lambda: minimums(helper.ask()), write, helper.registry)
    until_stopped(lever.pull, contract.LEVER_PERIOD_SECONDS)


if __name__ == "__main__":
    main()

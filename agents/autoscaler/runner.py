"""What the helpers of scaling have in common: start, a question to Prometheus every few seconds, metrics, end.

Not here: what each makes of an answer (fast_scaler.py, pod_deletion_cost.py), the API server (kubernetes_api.py).
"""

import logging
import math
import signal
import threading
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

import httpx
from prometheus_client import CollectorRegistry, start_http_server

from meshed_mcp import contract
from meshed_mcp.agents.autoscaler.kubernetes_api import Cluster
from meshed_mcp.agents.process.start_error import StartError
from meshed_mcp.error_codes.runtime import VARIABLE_MISSING


class Started(NamedTuple):
    """What a helper works with."""

    ask: Callable[[], object]
    """What Prometheus answers to the helper's query; raises as `answer_to`."""

    cluster: Cluster
    registry: CollectorRegistry


def started(environment: Mapping[str, str], *, setting: str, query: str, manager: str, ask_seconds: float) -> Started:
    """A helper's process, set up: its log, its metrics, its ways to Prometheus and the API server.

    `setting` is what a stack writes for it, `query` the variable that has its query. Raises SystemExit with a text when
    a variable is missing.
    """
    logging.basicConfig(level=environment.get(contract.ENV_LOG_LEVEL, "INFO").upper())
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        url = required(environment, contract.ENV_PROMETHEUS_URL, setting)
        question = required(environment, query, setting)
        cluster = Cluster(environment, manager)
    except StartError as error:
        raise SystemExit(str(error)) from None
    registry = CollectorRegistry()
    show(environment, registry)
    http = httpx.Client(base_url=url, timeout=ask_seconds, trust_env=False)
    return Started(lambda: answer_to(http, question), cluster, registry)


def by_label(answer: object, label: str) -> dict[str, float]:
    """Value of a label -> finite number in an answer of Prometheus. Raises ValueError where it is none.

    Source: Prometheus, "HTTP API", instant queries.
    """
    match answer:
        case {"status": "success", "data": {"result": list(series)}}:
            found = [(each["metric"].get(label), float(each["value"][1])) for each in series]
        case _:
            raise ValueError(f"no result of a query: {str(answer)[:200]}")
    return {name: value for name, value in found if name and math.isfinite(value)}


def answer_to(http: httpx.Client, query: str) -> object:
    """What Prometheus answers. Raises httpx.HTTPError where it does not, ValueError where it is no JSON."""
    answer = http.post("/api/v1/query", data={"query": query})
    answer.raise_for_status()
    return answer.json()


def required(environment: Mapping[str, str], name: str, setting: str) -> str:
    """A variable's value. Raises StartError where it is not set; `setting` is what a stack writes for it."""
    if value := environment.get(name):
        return value
    raise StartError(VARIABLE_MISSING.message(name=name, setting=setting))


def show(environment: Mapping[str, str], registry: CollectorRegistry) -> None:
    """Open the port for metrics."""
    port = int(environment.get(contract.ENV_MANAGEMENT_PORT, contract.MANAGEMENT_PORT))
    start_http_server(port, environment.get(contract.ENV_BIND_ADDRESS, "0.0.0.0"), registry)  # noqa: S104 - as servers do


def until_stopped(work: Callable[[], None], period_seconds: float) -> None:
    """`work` at every multiple of `period_seconds` until SIGTERM or SIGINT asks for the end.

    Multiples of Unix time: subqueries of Prometheus look at these moments, and the answer is the youngest just after
    one. A round that takes longer misses some.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    while True:
        work()
        if stop.wait(until_next(time.time(), period_seconds)):
            return


def until_next(now: float, period_seconds: float) -> float:
    """Seconds from `now` (Unix time) to the next multiple of the period, more than 0."""
    return period_seconds - now % period_seconds

"""Process of an autoscaler agent: startup, Prometheus queries, metrics endpoint and periodic loop."""

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
from meshed_mcp.agents.autoscaler.kubernetes_api import KubernetesClient
from meshed_mcp.agents.http.addresses import listen_address
from meshed_mcp.agents.process.start_error import StartError
from meshed_mcp.error_codes.runtime import VARIABLE_MISSING


class AgentRuntime(NamedTuple):
    """Dependencies of an autoscaler agent."""

    query: Callable[[], object]
    """Returns Prometheus's response to the agent's query; raises like `query_prometheus`."""

    kubernetes: KubernetesClient
    registry: CollectorRegistry


def bootstrap(
    environment: Mapping[str, str], setting: str, query_variable: str, manager: str, query_timeout_seconds: float
) -> AgentRuntime:
    """Set up logging, metrics and the clients of Prometheus and the API server.

    `setting` is the stack's key for the agent, `manager` the field manager of its patches. Raises SystemExit with a
    message if a variable is missing.
    """
    logging.basicConfig(level=environment.get(contract.ENV_LOG_LEVEL, "INFO").upper())
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        url = required(environment, contract.ENV_PROMETHEUS_URL, setting)
        query = required(environment, query_variable, setting)
        kubernetes = KubernetesClient(environment, manager)
    except StartError as error:
        raise SystemExit(str(error)) from None
    registry = CollectorRegistry()
    serve_metrics(environment, registry)
    http = httpx.Client(base_url=url, timeout=query_timeout_seconds, trust_env=False)
    return AgentRuntime(lambda: query_prometheus(http, query), kubernetes, registry)


def values_by_label(response: object, label: str) -> dict[str, float]:
    """Return the finite values of a query response by the value of `label`. Raises ValueError for another response.

    Source: Prometheus, "HTTP API", instant queries.
    """
    match response:
        case {"status": "success", "data": {"result": list(series)}}:
            found = [(each["metric"].get(label), float(each["value"][1])) for each in series]
        case _:
            raise ValueError(f"no result of a query: {str(response)[:200]}")
    return {name: value for name, value in found if name and math.isfinite(value)}


def query_prometheus(http: httpx.Client, query: str) -> object:
    """Return the response to an instant query. Raises httpx.HTTPError, or ValueError if it is not JSON."""
    return http.post("/api/v1/query", data={"query": query}).raise_for_status().json()


def required(environment: Mapping[str, str], name: str, setting: str) -> str:
    """Return a variable's value. Raises StartError if it is not set; `setting` is the stack's key for it."""
    if value := environment.get(name):
        return value
    raise StartError(VARIABLE_MISSING.message(name=name, setting=setting))


def serve_metrics(environment: Mapping[str, str], registry: CollectorRegistry) -> None:
    """Serve `/metrics` on the management port."""
    port = int(environment.get(contract.ENV_MANAGEMENT_PORT, contract.MANAGEMENT_PORT))
    address = environment.get(contract.ENV_BIND_ADDRESS) or contract.BIND_ADDRESS
    start_http_server(port, listen_address(address), registry)


def run_loop(work: Callable[[], None], period_seconds: float) -> None:
    """Call `work` at every multiple of `period_seconds` in Unix time until SIGTERM or SIGINT.

    Prometheus evaluates subqueries at these times, so results are freshest just after them. A call that takes longer
    than the period skips some.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    while True:
        work()
        if stop.wait(seconds_until_next(time.time(), period_seconds)):
            return


def seconds_until_next(now: float, period_seconds: float) -> float:
    """Return the seconds from `now` (Unix time) to the next multiple of the period; more than 0."""
    return period_seconds - now % period_seconds

"""Load, rates, errors and durations of a server without the runtime, from a real Envoy through a real Prometheus.

One sidecar serves calls, failures and streams; a second one is idle, for which Istio's proxy exports nothing.
"""

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from threading import Thread
from typing import Final, NamedTuple

import httpx
import pytest

from meshed_mcp import contract
from meshed_mcp.cli.prometheus import Prometheus
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.service import manifests as service
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.manifests import prometheus_rules
from meshed_mcp.components.promql import canary, health, load, selectors, sidecar, sli, traffic
from meshed_mcp.local.observe.prometheus import ScrapeExtras, scraping
from meshed_mcp.local.process.engines import envoy_program
from meshed_mcp.local.translate.topology import ADMIN_PORT
from tests.engines import local_stack, sidecar_process
from tests.engines.processes import Engine, free_port, running
from tests.engines.waiting import wait_for

pytestmark = pytest.mark.engine("prometheus")

NAME: Final = "outside"
BUSY, IDLE = "127.0.7.1", "127.0.7.2"
CALLS, FAILURES, HELD, STREAMS = 30, 10, 3, 2
SELECT: Final = selectors.selector(local_stack.NAMESPACE, NAME)
RECORDED: Final = {"mcp-load", "mcp-rates", "mcp-pages"}
"""Rule groups whose series the test reads."""


class Pod(NamedTuple):
    """A pod of the server, as the discovery of Prometheus has it."""

    name: str
    namespace: str
    address: str
    labels: dict[str, str]


def rendered() -> list[Manifest]:
    """The objects of the server."""
    return service.service_manifests(NAME, local_stack.arguments(runtime="external", callers=["front"]))


def pods(objects: list[Manifest]) -> list[Pod]:
    """Two pods of its Deployment."""
    labels = sidecar_process.named(objects, "Deployment")["spec"]["template"]["metadata"]["labels"]
    return [Pod(f"{NAME}-{number}", local_stack.NAMESPACE, each, labels) for number, each in enumerate((BUSY, IDLE))]


def rules() -> Manifest:
    """The recorded series, evaluated every second."""
    groups = [
        {**group, "interval": "1s"}
        for item in prometheus_rules(ObservabilityStackArgs())
        for group in item["spec"]["groups"]
        if group["name"] in RECORDED
    ]
    assert {group["name"] for group in groups} == RECORDED
    return {"groups": groups}


class Measured(NamedTuple):
    """Prometheus with the samples of both sidecars while streams and long calls are open."""

    prometheus: Prometheus
    exported_idle: str

    def value(self, expression: str) -> float | None:
        """The one value of an expression; None without a series."""
        found = self.prometheus.values(expression, time.time())
        assert len(found) <= 1, found
        return found[0][1] if found else None


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Measured]:
    """Traffic of every kind through the busy sidecar, seen twice by Prometheus."""
    folder, objects = tmp_path_factory.mktemp("sidecar"), rendered()
    server, port = sidecar_process.Server(("127.0.0.1", 0), sidecar_process.Handler), free_port()
    with ExitStack() as stack:
        stack.callback(server.server_close)
        stack.callback(server.shutdown)
        Thread(target=server.serve_forever, daemon=True).start()
        for number, address in enumerate((BUSY, IDLE)):
            own = folder / str(number)
            own.mkdir()
            config = sidecar_process.bootstrap(objects, address, port, server.server_port)
            command = [str(envoy_program()), "-c", str(sidecar_process.written(config, own)), "--concurrency", "1"]
            command += ["--base-id", str(7100 + number), "--log-level", "warning"]
            envoy = stack.enter_context(running(command, own / "log"))
            wait_for(partial(serves, envoy, address), "the sidecar")
        state = folder / "state"
        state.mkdir()
        scraped = stack.enter_context(scraping(objects, state, ScrapeExtras(rules())))
        scraped.follow(pods(objects))  # type: ignore[arg-type]  # the fields that discovery reads
        with ThreadPoolExecutor(HELD + STREAMS) as pool, httpx.Client(trust_env=False, timeout=130) as client:
            stack.callback(sidecar_process.Handler.released.set)
            yield measure(scraped.client, client, pool, f"http://{BUSY}:{port}")
            sidecar_process.Handler.released.set()


def measure(prometheus: Prometheus, client: httpx.Client, pool: ThreadPoolExecutor, url: str) -> Measured:
    """Send the requests; returns once Prometheus has the rates of the second half."""
    idle = stats(IDLE)
    wait_for(partial(listens, url), "the listener of the sidecar")
    post(client, url, "/mcp", 1)
    post(client, url, sidecar_process.FAIL_PATH, 1)
    wait_for(lambda: prometheus.values(f"{sidecar.BUCKETS}{{{SELECT}}}", time.time()), "the first durations")
    held: list[Future[None]] = [
        *(pool.submit(stream, url, "GET", {}) for _ in range(STREAMS - 1)),
        pool.submit(stream, f"{url}{sidecar_process.HOLD_PATH}", "POST", {"mcp-method": "subscriptions/listen"}),
        *(pool.submit(stream, f"{url}{sidecar_process.HOLD_PATH}", "POST", {}) for _ in range(HELD)),
    ]
    post(client, url, "/mcp", CALLS)
    post(client, url, sidecar_process.FAIL_PATH, FAILURES)
    assert not any(each.done() for each in held)
    measured = Measured(prometheus, idle)
    wait_for(lambda: measured.value(f"{load.IN_FLIGHT}{{{SELECT}}}") == HELD, "the recorded load")
    wait_for(lambda: measured.value(f"{sli.rate_name('server', 'errors')}{{{SELECT}}}"), "the recorded errors")
    wait_for(lambda: measured.value(traffic.call_rate(SELECT)), "the recorded durations")
    return measured


def listens(url: str) -> bool:
    """Whether the sidecar accepts connections, which it may do later than it has metrics."""
    parts = httpx.URL(url)
    with suppress(ConnectionError), socket.create_connection((parts.host, parts.port or 80), 10):
        return True
    return False


def post(client: httpx.Client, url: str, path: str, times: int) -> None:
    """Requests with a response."""
    for _ in range(times):
        client.post(f"{url}{path}", content=b"{}")


def stream(url: str, method: str, headers: dict[str, str]) -> None:
    """A request that stays open until the server releases it."""
    target = url if method == "POST" else f"{url}/mcp"
    with httpx.Client(trust_env=False, timeout=130) as client, suppress(httpx.TransportError):
        client.request(method, target, headers=headers)


def serves(envoy: Engine, address: str) -> bool:
    """Whether a sidecar runs and has metrics."""
    return envoy.runs() and bool(stats(address))


def stats(address: str) -> str:
    """The metrics of a sidecar; empty before it serves."""
    try:
        return httpx.get(f"http://{address}:{ADMIN_PORT}/stats/prometheus", trust_env=False).text
    except httpx.TransportError:
        return ""


def test_idle_sidecar_exports_no_gauge(measured: Measured) -> None:
    """Istio, bootstrap `deferred_stat_options`: why a target that is up without a gauge counts as zero."""
    assert measured.exported_idle
    assert "envoy_cluster_upstream_rq" not in measured.exported_idle


@pytest.mark.parametrize("query", load.SIDECAR, ids=load.InFlight._fields)
def test_requests_in_flight_exclude_open_streams(measured: Measured, query: Callable[[str], str]) -> None:
    """Requirement SIG-1: the autoscaler's load is the calls that the server works on."""
    assert measured.value(query(SELECT)) == HELD


def test_open_streams_are_shown_apart(measured: Measured) -> None:
    """Requirement SIG-1: GET and subscriptions/listen are open streams."""
    assert measured.value(traffic.open_streams(SELECT)) == STREAMS


def test_load_is_recorded_for_dashboards_and_forecast(measured: Measured) -> None:
    """Requirement SIG-2: one recorded series for both kinds of servers."""
    assert measured.value(load.recorded_load(load.IN_FLIGHT, SELECT)) == HELD
    assert measured.value(load.recorded_load(load.REPLICAS_UP, SELECT)) == len((BUSY, IDLE))


def test_error_ratio_is_that_of_responses(measured: Measured) -> None:
    """Requirement SIG-3: a response of status 5xx is an error of the service level."""
    rates = [measured.value(f"{sli.rate_name('server', what)}{{{SELECT}}}") for what in ("errors", "operations")]
    errors, operations = rates
    assert errors is not None
    assert operations is not None
    assert errors / operations == pytest.approx(FAILURES / (CALLS + FAILURES), abs=0.02)
    assert measured.value(health.live_error_ratio("1m")) == pytest.approx(FAILURES / (CALLS + FAILURES), abs=0.02)


def test_durations_have_the_buckets_of_the_runtime(measured: Measured) -> None:
    """Requirement SIG-3: objectives of both kinds of servers use the same bounds, in seconds."""
    fast = measured.value(traffic.latency(0.5, SELECT))
    assert fast is not None
    assert 0 < fast < 1
    found = measured.prometheus.values(f"{sli.SERVER_DURATIONS}{{{SELECT}}}", time.time())
    assert {labels["le"] for labels, _ in found} == {*map(str, contract.DURATION_BUCKETS_SECONDS), "+Inf"}


def test_slow_responses_are_those_above_the_objective(measured: Measured) -> None:
    """Requirement SIG-3: the calls of this test take milliseconds."""
    slow = measured.value(f"{sli.rate_name('server', 'slow_calls')}{{{SELECT}}}")
    assert slow == pytest.approx(0)


def test_canary_analysis_counts_responses_of_one_version(measured: Measured) -> None:
    """Requirement SIG-3: `meshed-mcp canary analyze` compares versions by responses."""
    stable = canary.version_selector(SELECT, "stable")
    errors, every = (measured.value(query(stable, "2m")) for query in (canary.errors, canary.operations))
    assert errors is not None
    assert every is not None
    assert errors / every == pytest.approx(FAILURES / (CALLS + FAILURES), abs=0.02)
    assert measured.prometheus.values(canary.durations(stable, "2m"), time.time())
    assert measured.value(canary.operations(canary.version_selector(SELECT, "canary"), "2m")) is None


def test_only_series_that_something_reads_are_stored(measured: Measured) -> None:
    """Requirement OBS-8: no counter of streams, no sum, nothing of other clusters."""
    found = measured.prometheus.values(f'{{__name__=~"envoy.+",{SELECT}}}', time.time())
    names = {(labels["__name__"], labels["cluster_name"]) for labels, _ in found}
    own = "inbound|8000||"
    assert names == {
        (sidecar.BUCKETS, own),
        ("envoy_cluster_upstream_rq", own),
        ("envoy_cluster_upstream_rq_active", own),
        ("envoy_cluster_upstream_rq_active", "mcp-streams"),
    }

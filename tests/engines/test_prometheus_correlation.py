"""One trace id of a call in exemplars, the collector and the log."""

import json
import time
from pathlib import Path

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from bench.dashboards.engine import PreviewPrometheus, free_port, local_prometheus
from meshed_mcp import contract
from meshed_mcp.components.mesh.cluster import manifests as cluster
from meshed_mcp.components.mesh.service import manifests as service
from meshed_mcp.components.mesh.service.args import ServiceMeshArgs
from meshed_mcp.components.mesh.service.pod_monitor import pod_monitors
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.grafana.values import grafana_values
from meshed_mcp.components.promql import selectors
from meshed_mcp.local.observe.prometheus import relabelings
from meshed_mcp.local.process.container import RunFolders
from meshed_mcp.local.process.stack_runner import Running, running
from meshed_mcp.local.translate.envoy.telemetry import Collector
from meshed_mcp.local.translate.stack import read_stack
from tests.engines.local_stack import HOST, NAMESPACE, arguments
from tests.engines.waiting import wait_for
from tests.otlp_receiver import Receiver, otlp_receiver

pytestmark = pytest.mark.engine("prometheus")

NAME = "noting"
COMMAND = ["python", str(Path(__file__).with_name("logging_service.py"))]
IN_CLUSTER = "http://jaeger.monitoring.svc.cluster.local:4318"
ARGS = arguments(command=COMMAND, expose=True, replicas=1, otlp_endpoint=IN_CLUSTER)


def scraping(prometheus: PreviewPrometheus, config: Path, run: Running) -> None:
    """Scrape the replica as the service's PodMonitor says."""
    (monitor,) = pod_monitors(NAME, ARGS)
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    (pod,) = run.topology.pods
    job = {
        "job_name": NAME,
        "scrape_interval": endpoint["interval"],
        "scrape_timeout": endpoint["scrapeTimeout"],
        "metrics_path": endpoint["path"],
        "static_configs": [{"targets": [f"{pod.address}:{contract.MANAGEMENT_PORT}"], "labels": place()}],
        "metric_relabel_configs": list(relabelings(endpoint["metricRelabelings"])),
    }
    config.write_text(json.dumps({"scrape_configs": [job]}), encoding="utf-8")
    prometheus.reload()


def place() -> dict[str, str]:
    """Labels that the PodMonitor's relabelling adds."""
    return {"namespace": NAMESPACE, contract.LABEL_SERVER: NAME, contract.LABEL_VERSION: contract.STABLE}


async def call(url: str) -> None:
    """One call through the gateway, by a client that traces nothing itself."""
    async with (
        httpx2.AsyncClient(trust_env=False, timeout=60) as http,
        Client(streamable_http_client(url, http_client=http), mode="2026-07-28") as client,
    ):
        await client.list_tools()
        result = await client.call_tool("note", {"text": "a"})
        assert not result.is_error, result.content


def exemplars(prometheus: PreviewPrometheus) -> list[dict[str, str]]:
    """Labels of the exemplars of what the latency panel asks: how Grafana finds the trace behind a dot."""
    panel = selectors.latency_quantile(0.99, selectors.selector(NAMESPACE, NAME, regex=True), "1m")
    now = time.time()
    asked = {"query": panel, "start": now - 300, "end": now + 1}
    answer = prometheus.http.post("/api/v1/query_exemplars", data=asked).json()
    return [found["labels"] for series in answer["data"] for found in series["exemplars"]]


def stored(prometheus: PreviewPrometheus, metric: str, **labels: str) -> set[str]:
    """Parts of a histogram that Prometheus has."""
    matchers = ",".join([f'__name__=~"{metric}_.+"', *(f'{name}="{value}"' for name, value in labels.items())])
    found = prometheus.values(f"count by (__name__) ({{{matchers}}})", time.time())
    return {series["__name__"].removeprefix(f"{metric}_") for series, _ in found}


def lines_of(log: Path, trace: str) -> list[dict[str, str]]:
    """Lines of a log with this trace id."""
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if line.startswith("{")]
    return [line for line in lines if line.get("trace_id") == trace]


def test_a_call_is_found_by_one_trace_id_in_metrics_traces_and_logs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requirement OBS-9: metric -> exemplar -> trace -> log, with the same ids."""
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
    with otlp_receiver() as receiver, local_prometheus(tmp_path) as (prometheus, config):
        trace, log = traced_call(receiver, prometheus, config, tmp_path)
        only_read_buckets(prometheus)
        spans = wait_for(lambda: [each for each in receiver.of(trace) if each.service == NAME], "the server's span")
    assert [each.name for each in spans] == ["tools/call note"]
    (line,) = [each for each in lines_of(log, trace) if each.get("message") == "noted"]
    assert line["span_id"] in {each.id for each in spans}


def only_read_buckets(prometheus: PreviewPrometheus) -> None:
    """What the monitor says to store is what Prometheus stores: buckets of calls alone, counts and sums of all."""
    durations = contract.METRIC_OPERATION_DURATION
    assert stored(prometheus, durations, mcp_method_name="tools/call") == {"bucket", "count", "sum"}
    assert stored(prometheus, durations, mcp_method_name="tools/list") == {"count", "sum"}
    assert stored(prometheus, contract.METRIC_HTTP_DURATION) == {"count", "sum"}


def traced_call(receiver: Receiver, prometheus: PreviewPrometheus, config: Path, folder: Path) -> tuple[str, Path]:
    """Run the stack, make the call; the trace id that Prometheus has of it, and the replica's log."""
    tracing = {"service": "jaeger.monitoring.svc.cluster.local", "sampling_percent": 100}
    mesh = ServiceMeshArgs.model_validate({"domain": HOST, "namespaces": [NAMESPACE], "tracing": tracing})
    stack = read_stack([*cluster.mesh_manifests(mesh), *service.service_manifests(NAME, ARGS)])
    folders, port = RunFolders(folder / "state", folder / "secrets"), free_port()
    collector = Collector.from_environment({contract.ENV_OTLP_ENDPOINT: receiver.url})
    with running(stack, port, folders, lambda _: None, collector) as run:
        scraping(prometheus, config, run)
        anyio.run(call, f"http://127.0.0.1:{port}/{NAME}/mcp")
        found = wait_for(lambda: exemplars(prometheus), "the exemplar of the call")
        (pod,) = run.topology.pods
        return found[0]["trace_id"], folders.log(pod.name)


def test_grafana_links_from_the_exemplar_to_the_trace() -> None:
    """Grafana, Prometheus data source: the label of the exemplar that holds the id, and the data source of traces."""
    values = grafana_values(ObservabilityStackArgs())
    (destination,) = values["sidecar"]["datasources"]["exemplarTraceIdDestinations"]["traceIdLabelName"].split()
    assert destination == "trace_id"

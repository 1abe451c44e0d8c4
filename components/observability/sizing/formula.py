"""How large monitoring must be for a plan: series, samples, disk, memory, CPU. Numbers in, numbers out.

Each factor stands once, with its source; where none is published, it says that it is ours. Not here: reading a stack
(`meshed_mcp/cli/capacity.py`).
"""

from typing import Final, NamedTuple

from meshed_mcp import contract
from meshed_mcp.components.promql.sli import STEP_SECONDS

GIB: Final = 2**30
MIB: Final = 2**20

SERIES_PER_HISTOGRAM: Final = len(contract.DURATION_BUCKETS_SECONDS) + 3
"""Bounds, "+Inf", count and sum. Source: Prometheus, "Metric types"."""

SERIES_WITHOUT_BUCKETS: Final = 2
"""Count and sum: what is stored of histograms whose buckets nothing reads (`mesh/service/pod_monitor.py`)."""

OTHER_METHODS: Final = 6
"""Methods beside `tools/call` that clients use: lists, reads, discovery. Ours."""

RESULTS: Final = 1.3
"""Label sets of a tool: without an error, and now and then with one. Ours."""

HTTP_LABEL_SETS: Final = 4
SINGLE_SERIES: Final = 50
"""Gauges and counters of a process, the interpreter's included. A test counts those of an `MCPService`."""

SCRAPE_SERIES: Final = 5
"""What Prometheus adds to each target. Source: Prometheus, "Jobs and instances"."""

TARGETS: Final = 2
"""Of one pod: the server and its proxy."""

PROXY_HISTOGRAM_SERIES: Final = 22
PROXY_COUNTERS: Final = 2
PROXY_RESULTS: Final = 1.5
"""Of one sidecar per workload that it talks with: requests and TCP, and a histogram each of durations, of the bytes of
requests and of those of answers, of which durations alone are stored unless the stack says otherwise
(`observability/metrics/envoy_monitor.py`). Answers that are no 200 come now and then; how often is ours. Source:
Istio, "Standard Metrics";
Envoy, default buckets: 20, count and sum."""

PEERS: Final = 3
POD_SERIES: Final = 150
"""Of one pod of two containers in cAdvisor and kube-state-metrics, after the chart's drop rules. Ours."""

NODE_SERIES: Final = 3000
"""Of one node: node exporter, kubelet, API. Ours."""

RECORDED_OF_TOOL: Final = 20
RECORDED_OF_SERVER: Final = 70
"""What rules record, beside one series per tool and organization. A test counts those of a made-up fleet."""

BYTES_PER_SAMPLE: Final = 1.5
"""Source: Prometheus, "Storage": one to two."""

BYTES_PER_SERIES: Final = 6 * 1024
"""Memory of a series in the head, the garbage collector's share included, and what queries, rules and the cutting of
blocks take while they run. Measured: 5.0 KiB, all of them at 5 s (bench/series_memory.py, which ends with 1 where it is
more than this)."""

SAMPLE_CPU_SECONDS: Final = 5e-6
"""Scraping, parsing and storing one sample. Ours; storing alone is below a microsecond (bench)."""

PROMETHEUS_BASE_BYTES: Final = 300 * MIB
"""Prometheus beside its series. Measured: 241 MiB (bench/series_memory.py)."""

SPANS_PER_CALL: Final = 4
"""Client, two proxies, server: one trace of one call through the mesh (tests/engines/test_one_trace.py)."""

BYTES_PER_SPAN: Final = 500
"""On Badger's disk. Ours."""

SPAN_CPU_SECONDS: Final = 50e-6
JAEGER_BASE_BYTES: Final = 400 * MIB
BYTES_PER_SPAN_RATE: Final = 50 * 1024
"""Memory per span a second: batches, the queue, Badger's tables. Ours."""

COLLECTOR_CPU_SECONDS: Final = 30e-6
"""Taking, queueing and sending one span, in each collector on its way. Ours."""

COLLECTOR_BASE_BYTES: Final = 100 * MIB
"""A collector without spans: 40 MiB measured (tests/engines), and room for its garbage collector."""

BYTES_PER_HELD_SPAN: Final = 2 * 1024
"""A span in a collector's memory, waiting to be chosen or sent. Ours."""

QUEUED_SECONDS: Final = 5
"""Spans that a collector holds while the next one takes them: its batches. What `queue_spans` allows comes on top."""

DAY_SECONDS: Final = 86_400


class Load(NamedTuple):
    """What a plan means for monitoring; `calls_per_second` over all pods."""

    pods: int
    nodes: int
    tools: int
    organizations: int
    calls_per_second: float
    sampled: float
    """Share of the calls whose trace is kept, 0..1."""

    server_seconds: int
    proxy_seconds: int
    cluster_seconds: int
    """Scrape intervals."""

    servers: int
    whole_pods: int = 0
    """Pods of servers with `store_all_histogram_buckets`."""

    proxy_sizes: bool = False
    """Whether the bytes of proxies' requests are stored."""


class Size(NamedTuple):
    """What one part of monitoring needs."""

    cores: float
    memory_bytes: float
    disk_bytes: float


def pod_series(load: Load) -> float:
    """Series that are stored of one server's pod."""
    operations = (SERIES_PER_HISTOGRAM * load.tools + SERIES_WITHOUT_BUCKETS * OTHER_METHODS) * RESULTS
    usage = load.tools * load.organizations
    return operations + usage + SERIES_WITHOUT_BUCKETS * HTTP_LABEL_SETS + SINGLE_SERIES + SCRAPE_SERIES * TARGETS


def unread_series() -> float:
    """Those that are stored as well of a pod whose server has `store_all_histogram_buckets`."""
    return (SERIES_PER_HISTOGRAM - SERIES_WITHOUT_BUCKETS) * (OTHER_METHODS * RESULTS + HTTP_LABEL_SETS)


def proxy_series(load: Load) -> float:
    """Series that are stored of one sidecar."""
    histograms = 3 if load.proxy_sizes else 1
    return (PROXY_COUNTERS + PROXY_HISTOGRAM_SERIES * histograms) * PROXY_RESULTS * PEERS


def recorded_series(load: Load) -> float:
    """Series that rules record."""
    return load.servers * (load.tools * (RECORDED_OF_TOOL + load.organizations) + RECORDED_OF_SERVER)


def series(load: Load) -> dict[str, tuple[float, int]]:
    """Who shows series -> how many, and their scrape interval."""
    return {
        "servers": (load.pods * pod_series(load) + load.whole_pods * unread_series(), load.server_seconds),
        "proxies": (load.pods * proxy_series(load), load.proxy_seconds),
        "cluster": (float(load.pods * POD_SERIES + load.nodes * NODE_SERIES), load.cluster_seconds),
        "rules": (float(recorded_series(load)), STEP_SECONDS),
    }


def samples_per_second(load: Load) -> float:
    """Over all of them."""
    return sum(count / interval for count, interval in series(load).values())


def prometheus_size(load: Load, retention_days: int, share_of_volume: float) -> Size:
    """One replica of Prometheus; `share_of_volume`: part of it that blocks may fill."""
    samples, count = samples_per_second(load), sum(count for count, _ in series(load).values())
    disk = samples * BYTES_PER_SAMPLE * retention_days * DAY_SECONDS / share_of_volume
    return Size(samples * SAMPLE_CPU_SECONDS, PROMETHEUS_BASE_BYTES + count * BYTES_PER_SERIES, disk)


def spans_per_second(load: Load) -> float:
    """Spans that are kept."""
    return load.calls_per_second * SPANS_PER_CALL * load.sampled


class Tail(NamedTuple):
    """The choice of traces at their end: how long they wait, and which share of them is kept."""

    wait_seconds: float
    kept: float


def agent_size(load: Load, queue_spans: int) -> Size:
    """One agent: the spans of its node pass it, and its queue may fill."""
    spans = spans_per_second(load) / load.nodes
    held = spans * QUEUED_SECONDS + queue_spans
    return Size(spans * COLLECTOR_CPU_SECONDS, COLLECTOR_BASE_BYTES + held * BYTES_PER_HELD_SPAN, 0.0)


def gateway_size(load: Load, replicas: int, queue_spans: int, tail: Tail | None) -> Size:
    """One gateway of `replicas`: its share of all spans passes it, and waits where traces are chosen at their end."""
    spans = spans_per_second(load) / replicas
    seconds = QUEUED_SECONDS + (0.0 if tail is None else tail.wait_seconds)
    held = spans * seconds + queue_spans
    return Size(spans * COLLECTOR_CPU_SECONDS, COLLECTOR_BASE_BYTES + held * BYTES_PER_HELD_SPAN, 0.0)


def chosen(load: Load, tail: Tail | None) -> Load:
    """What is left for Jaeger where traces are chosen at their end."""
    return load if tail is None else load._replace(sampled=load.sampled * tail.kept)


def jaeger_size(load: Load, retention_hours: int) -> Size:
    """Jaeger, of the spans that reach it; without collectors it takes them itself."""
    spans = spans_per_second(load)
    disk = spans * BYTES_PER_SPAN * retention_hours * 3600
    return Size(spans * SPAN_CPU_SECONDS, JAEGER_BASE_BYTES + spans * BYTES_PER_SPAN_RATE, disk)

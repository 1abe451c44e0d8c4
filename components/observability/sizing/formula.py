"""Sizing of monitoring: series, samples, disk, memory and CPU for a load.

Each factor has its source; "ours" is our own estimate or measurement where none is published.
"""

from typing import Final, NamedTuple

from meshed_mcp import contract
from meshed_mcp.components.promql.sli import STEP_SECONDS

GIB: Final = 2**30
MIB: Final = 2**20

SERIES_PER_HISTOGRAM: Final = len(contract.DURATION_BUCKETS_SECONDS) + 3
"""Bounds, "+Inf", count and sum. Source: Prometheus, "Metric types"."""

SERIES_WITHOUT_BUCKETS: Final = 2
"""Count and sum, which is stored of histograms whose buckets nothing reads (`mesh/service/pod_monitor.py`)."""

OTHER_METHODS: Final = 6
"""Methods other than `tools/call` that clients use: lists, reads, discovery. Ours."""

RESULTS: Final = 1.3
"""Label sets per tool: without an error, and sometimes with one. Ours."""

HTTP_LABEL_SETS: Final = 4
SINGLE_SERIES: Final = 50
"""Gauges and counters of a process, the interpreter's included. A test counts those of an `MCPService`."""

SCRAPE_SERIES: Final = 5
"""Series that Prometheus adds per target. Source: Prometheus, "Jobs and instances"."""

TARGETS: Final = 2
"""Targets per pod: the server and its sidecar."""

PROXY_HISTOGRAM_SERIES: Final = 22
PROXY_COUNTERS: Final = 2
PROXY_RESULTS: Final = 1.5
"""Series of one sidecar per peer workload: counters of requests and TCP, and histograms of durations, request sizes and
response sizes, of which only durations are stored by default (`observability/metrics/monitors.py`). The ratio of
responses other than 200 is ours. Source: Istio, "Standard Metrics"; Envoy, default buckets: 20, count and sum."""

PEERS: Final = 3
POD_SERIES: Final = 150
"""Series of a pod with two containers in cAdvisor and kube-state-metrics, after the chart's drop rules. Ours."""

NODE_SERIES: Final = 3000
"""Series of a node: node exporter, kubelet, API server. Ours."""

RECORDED_OF_TOOL: Final = 20
RECORDED_OF_SERVER: Final = 70
"""Recorded series, besides one per tool and organization. A test counts those of synthetic data."""

BYTES_PER_SAMPLE: Final = 1.5
"""Source: Prometheus, "Storage": one to two."""

BYTES_PER_SERIES: Final = 6 * 1024
"""Memory of a series in the head, garbage collection, queries, rules and compaction included. Measured: 5.0 KiB at a
scrape interval of 5 s (bench/series_memory.py, which fails above this value)."""

SAMPLE_CPU_SECONDS: Final = 5e-6
"""Scraping, parsing and storing one sample. Ours; storing alone is below a microsecond (bench)."""

PROMETHEUS_BASE_BYTES: Final = 300 * MIB
"""Prometheus without series. Measured: 241 MiB (bench/series_memory.py)."""

SPANS_PER_CALL: Final = 4
"""Client, two proxies, server (tests/engines/test_one_trace.py)."""

BYTES_PER_SPAN: Final = 500
"""Disk of Badger. Ours."""

SPAN_CPU_SECONDS: Final = 50e-6
JAEGER_BASE_BYTES: Final = 400 * MIB
BYTES_PER_SPAN_RATE: Final = 50 * 1024
"""Memory per span per second: batches, queue, Badger's tables. Ours."""

COLLECTOR_CPU_SECONDS: Final = 30e-6
"""CPU of receiving, queueing and sending a span, per collector. Ours."""

COLLECTOR_BASE_BYTES: Final = 100 * MIB
"""A collector without spans: 40 MiB measured (tests/engines), plus headroom for garbage collection."""

BYTES_PER_HELD_SPAN: Final = 2 * 1024
"""Memory of a span in a collector, waiting for sampling or export. Ours."""

QUEUED_SECONDS: Final = 5
"""Seconds of spans in a collector's batches, in addition to `queue_spans`."""

DAY_SECONDS: Final = 86_400


class Load(NamedTuple):
    """Load of monitoring; `calls_per_second` is over all pods."""

    pods: int
    nodes: int
    tools: int
    organizations: int
    calls_per_second: float
    sampled: float
    """Ratio of calls whose trace is sampled, 0..1."""

    server_seconds: int
    proxy_seconds: int
    cluster_seconds: int
    """Scrape intervals."""

    servers: int
    proxies: bool = True
    """Whether each pod has a sidecar whose series are stored; false without a mesh."""

    all_buckets_pods: int = 0
    """Pods of servers with `store_all_histogram_buckets`."""

    stores_request_sizes: bool = False
    """Whether request and response sizes of the proxies are stored."""


class Size(NamedTuple):
    """Required resources of one part of monitoring."""

    cores: float
    memory_bytes: float
    disk_bytes: float


def pod_series(load: Load) -> float:
    """Stored series of one server's pod."""
    operations = (SERIES_PER_HISTOGRAM * load.tools + SERIES_WITHOUT_BUCKETS * OTHER_METHODS) * RESULTS
    usage = load.tools * load.organizations
    return operations + usage + SERIES_WITHOUT_BUCKETS * HTTP_LABEL_SETS + SINGLE_SERIES + SCRAPE_SERIES * TARGETS


def unread_bucket_series() -> float:
    """Additionally stored series of a pod whose server has `store_all_histogram_buckets`."""
    return (SERIES_PER_HISTOGRAM - SERIES_WITHOUT_BUCKETS) * (OTHER_METHODS * RESULTS + HTTP_LABEL_SETS)


def proxy_series(load: Load) -> float:
    """Stored series of one sidecar; none without a mesh."""
    if not load.proxies:
        return 0
    histograms = 3 if load.stores_request_sizes else 1
    return (PROXY_COUNTERS + PROXY_HISTOGRAM_SERIES * histograms) * PROXY_RESULTS * PEERS


def recorded_series(load: Load) -> float:
    """Recorded series."""
    return load.servers * (load.tools * (RECORDED_OF_TOOL + load.organizations) + RECORDED_OF_SERVER)


def series(load: Load) -> dict[str, tuple[float, int]]:
    """Source of series -> their number and scrape interval, seconds."""
    return {
        "servers": (load.pods * pod_series(load) + load.all_buckets_pods * unread_bucket_series(), load.server_seconds),
        "proxies": (load.pods * proxy_series(load), load.proxy_seconds),
        "cluster": (float(load.pods * POD_SERIES + load.nodes * NODE_SERIES), load.cluster_seconds),
        "rules": (float(recorded_series(load)), STEP_SECONDS),
    }


def samples_per_second(load: Load) -> float:
    """Samples per second of all sources."""
    return sum(count / interval for count, interval in series(load).values())


def prometheus_size(load: Load, retention_days: int, share_of_volume: float) -> Size:
    """Size of one replica of Prometheus; `share_of_volume`: ratio of the volume for blocks."""
    samples, count = samples_per_second(load), sum(count for count, _ in series(load).values())
    disk = samples * BYTES_PER_SAMPLE * retention_days * DAY_SECONDS / share_of_volume
    return Size(samples * SAMPLE_CPU_SECONDS, PROMETHEUS_BASE_BYTES + count * BYTES_PER_SERIES, disk)


def spans_per_second(load: Load) -> float:
    """Sampled spans per second."""
    return load.calls_per_second * SPANS_PER_CALL * load.sampled


class Tail(NamedTuple):
    """Tail sampling: wait before the decision, and ratio of kept traces."""

    wait_seconds: float
    kept: float


def agent_size(load: Load, queue_spans: int) -> Size:
    """Size of one agent with the spans of its node and a full queue."""
    return gateway_size(load, load.nodes, queue_spans, None)


def gateway_size(load: Load, replicas: int, queue_spans: int, tail: Tail | None) -> Size:
    """Size of one of `replicas` gateways with its share of the spans, which wait for tail sampling."""
    spans = spans_per_second(load) / replicas
    seconds = QUEUED_SECONDS + (0.0 if tail is None else tail.wait_seconds)
    held = spans * seconds + queue_spans
    return Size(spans * COLLECTOR_CPU_SECONDS, COLLECTOR_BASE_BYTES + held * BYTES_PER_HELD_SPAN, 0.0)


def after_tail_sampling(load: Load, tail: Tail | None) -> Load:
    """Load of Jaeger after tail sampling."""
    return load if tail is None else load._replace(sampled=load.sampled * tail.kept)


def jaeger_size(load: Load, retention_hours: int) -> Size:
    """Size of Jaeger for the spans that reach it."""
    spans = spans_per_second(load)
    disk = spans * BYTES_PER_SPAN * retention_hours * 3600
    return Size(spans * SPAN_CPU_SECONDS, JAEGER_BASE_BYTES + spans * BYTES_PER_SPAN_RATE, disk)

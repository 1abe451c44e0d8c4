"""For each alert: series on which it fires, and series on which it does not, as (series, promtool's notation, labels).

One minute per value. Rates of service levels are given as recorded; how they are recorded is test_service_levels.py.
"""

from typing import Any, NamedTuple

from rule_cases import SERVER, series

from meshed_mcp import contract
from meshed_mcp.components.core import control_plane_queries as control_plane
from meshed_mcp.components.core import cost_queries as cost
from meshed_mcp.components.core import sli_queries as sli
from meshed_mcp.components.core import tracing_queries as ways
from meshed_mcp.components.core.scaling_queries import METRICS

Series = list[dict[str, str]]


class Case(NamedTuple):
    """Two situations that differ in what the alert is about; `at`: when the question is put."""

    alert: str
    fires: Series
    quiet: Series
    at: str = "2h"


def steady(value: float | str, minutes: int = 130) -> str:
    """The same value all the time."""
    return f"{value}x{minutes}"


def pod_up(value: str, **labels: str) -> dict[str, str]:
    """Whether the server's container answers scrapes."""
    return series("up", value, container=contract.CONTAINER_NAME, **labels)


def wanted(server: str, replicas: int) -> dict[str, str]:
    """What kube-state-metrics says of the Deployment."""
    labels = {contract.LABEL_SERVER: "", "pod": ""}
    return series("kube_deployment_spec_replicas", steady(replicas), deployment=server, **labels)


def istiod_shows(name: str, values: str, **labels: str) -> dict[str, str]:
    """A series of one istiod."""
    place = {contract.LABEL_SERVER: "", "namespace": "istio-system", "pod": "istiod-1", "revision": "default"}
    return series(name, values, **place | {"job": "monitoring/istiod"} | labels)


def istiod_pods(value: str) -> Series:
    """Whether the istiod answers that is left of two."""
    return [istiod_shows("up", value), istiod_shows("up", "1x50 0x80", pod="istiod-2")]


def istiod_deployment(available: str) -> Series:
    """What kube-state-metrics says of the Deployment of a revision, of which no pod is left to be scraped."""
    of = {contract.LABEL_SERVER: "", "namespace": "istio-system", "pod": "", "deployment": "istiod-1-31-1"}
    return [
        series("kube_deployment_spec_replicas", steady(2), **of),
        series("kube_deployment_status_replicas_available", available, **of),
    ]


def gone(server: str) -> tuple[Series, Series]:
    """A server whose only pod stops answering; and one that was scaled to none."""
    of = {contract.LABEL_SERVER: server}
    vanished = pod_up("1x100 0x30", **of)
    return [wanted(server, 3), vanished], [wanted(server, 0), vanished]


def lag(seconds: int) -> Series:
    """Prometheus, and what it has sent that much later."""
    now = series(ways.HIGHEST, "1000+60x130", **{contract.LABEL_SERVER: ""})
    sent = series(ways.SENT, f"{1000 - seconds}+60x130", **{contract.LABEL_SERVER: ""}, url="https://metrics.example")
    return [now, sent]


def queue(spans_waiting: int) -> Series:
    """A collector's queue for a thousand spans."""
    labels = {contract.LABEL_SERVER: "", "exporter": "otlp"}
    return [
        series(ways.QUEUE_SIZE, steady(spans_waiting), **labels),
        series(ways.QUEUE_CAPACITY, steady(1000), **labels),
    ]


def spans(name: str, service: str) -> tuple[Series, Series]:
    """A count that rises, and one that rose long ago."""
    labels = {contract.LABEL_SERVER: "", "service": service}
    return [series(name, "0+5x130", **labels)], [series(name, steady(500), **labels)]


def burn(alert: str, level: str, bad: str, tool: str = "", server: str = SERVER) -> Case:
    """A fifth is bad; quiet: the same share of too few calls to mean anything."""
    labels = {"pod": "", contract.LABEL_SERVER: server} | ({contract.LABEL_TOOL: tool} if tool else {})

    def shares(per_second: float) -> Series:
        return [
            series(sli.recorded(level, sli.GOOD_AND_BAD[bad]), steady(per_second, 600), **labels),
            series(sli.budget_name(level, bad), steady(0.005, 600), **labels),
            *(series(sli.share_name(level, bad, window), steady(0.2, 600), **labels) for window in ("5m", "1h")),
        ]

    return Case(alert, shares(2), shares(0.001))


def counter(name: str, per_minute: float, **labels: str) -> dict[str, str]:
    """A counter that grows evenly."""
    return series(name, f"0+{per_minute}x130", **labels)


def container(name: str, values: str, **labels: str) -> dict[str, str]:
    """A series of the kubelet or of kube-state-metrics about the server's container."""
    return series(name, values, container=contract.CONTAINER_NAME, **{contract.LABEL_SERVER: "", **labels})


def memory(used: int) -> Series:
    """A container with a limit of 100 bytes."""
    return [
        container("container_memory_working_set_bytes", steady(used)),
        container("kube_pod_container_resource_limits", steady(100), resource="memory"),
        series(contract.METRIC_INFO, steady(1)),
    ]


def periods(held: int) -> Series:
    """A container that was held back in `held` of 100 periods a minute."""
    return [
        container("container_cpu_cfs_throttled_periods_total", f"0+{held}x130"),
        container("container_cpu_cfs_periods_total", "0+100x130"),
        series(contract.METRIC_INFO, steady(1)),
    ]


def refusals(refused: int, requests: int) -> Series:
    """Refusals and requests a minute."""
    return [
        counter(contract.METRIC_REJECTED, refused, reason="overload"),
        counter(f"{contract.METRIC_HTTP_DURATION}_count", requests, http_response_status_code="503"),
    ]


def grafana(value: int) -> Series:
    """Grafana's target."""
    nothing: dict[str, Any] = {contract.LABEL_SERVER: "", "pod": ""}
    return [series("up", steady(value), job="grafana", **nothing | {"namespace": "monitoring"})]


def ready(server: str, replicas: int) -> dict[str, str]:
    """What kube-state-metrics says of the Deployment's ready replicas."""
    labels = {contract.LABEL_SERVER: "", "pod": ""}
    return series("kube_deployment_status_replicas_ready", steady(replicas), deployment=server, **labels)


def places(taken: str) -> Series:
    """Calls in work, of a hundred that one replica works on at a time."""
    return [series(contract.METRIC_ACTIVE_REQUESTS, taken), series(contract.METRIC_CALL_PLACES, steady(100))]


def hpa(desired: int, most: int, least: int) -> Series:
    """What kube-state-metrics says of an autoscaler."""
    labels = {contract.LABEL_SERVER: "", "pod": "", "horizontalpodautoscaler": "keda-hpa-mcp-rag"}
    values = {"desired": desired, "max": most, "min": least}
    return [series(METRICS[which], steady(value), **labels) for which, value in values.items()]


def proxied(per_minute: int, **labels: str) -> dict[str, str]:
    """Requests as a proxy counts them."""
    place = {"destination_workload": "mcp-rag", "destination_workload_namespace": "mcp-system"}
    nothing = {"namespace": "", contract.LABEL_SERVER: "", "pod": ""}
    return counter("istio_requests_total", per_minute, **nothing, **place, **labels)


def resets(broken: int) -> Series:
    """Requests of which a part lost its connection."""
    return [
        proxied(100, reporter="source", response_flags="-"),
        proxied(broken, reporter="source", response_flags="UC"),
        proxied(50, reporter="source", response_flags="NR"),
    ]


def plain(policy: str) -> Series:
    """Requests that came in this way."""
    return [proxied(5, reporter="destination", connection_security_policy=policy)]


def streams(now: int) -> Series:
    """Open streams: 300 a day ago."""
    return [series(contract.METRIC_OPEN_STREAMS, f"300x1400 {now}x200", kind="listen")]


def volume(left: str) -> Series:
    """A volume of 1000 bytes in the namespace of monitoring."""
    labels = {"namespace": "monitoring", contract.LABEL_SERVER: "", "pod": "", "persistentvolumeclaim": "prometheus-db"}
    size = series("kubelet_volume_stats_capacity_bytes", steady(1000, 500), **labels)
    return [size, series("kubelet_volume_stats_available_bytes", left, **labels)]


RATE = sli.recorded("server", "operations")
OVERFLOW = {"metric": contract.METRIC_OPERATION_DURATION, "label": contract.LABEL_TOOL}
LOST = {contract.LABEL_ERROR: "export_failed"}

CASES = [
    Case("MCPServerDown", *gone("mcp-rag")),
    Case("MCPRegistryDown", *gone(contract.REGISTRY_NAME)),
    Case(
        "MCPRegistryDatabaseDown",
        [series(contract.METRIC_REGISTRY_DATABASE_UP, steady(0))],
        [series(contract.METRIC_REGISTRY_DATABASE_UP, steady(1))],
    ),
    Case(
        "MCPRegistrySyncStale",
        [series(contract.METRIC_REGISTRY_SYNC, "0+60x100 6000x30")],
        [series(contract.METRIC_REGISTRY_SYNC, "0+60x130")],
    ),
    Case(
        "MCPAgentHeartbeatStale",
        [series(contract.METRIC_HEARTBEAT, "0+60x100 6000x30")],
        [series(contract.METRIC_HEARTBEAT, "0+60x100 6000x30"), series(contract.METRIC_HEARTBEAT, "0+60x130", pod="b")],
    ),
    Case("MCPAgentDown", [ready("mcp-rag", 0), pod_up(steady(1))], [ready("mcp-rag", 1), pod_up(steady(1))]),
    Case(
        "MCPReplicasDisconnected",
        [series(contract.METRIC_BUS_CONNECTED, steady(0))],
        [series(contract.METRIC_BUS_CONNECTED, "1x117 0x10")],
    ),
    burn("MCPServerErrorBudgetBurn", "server", "errors"),
    burn("MCPServerLatencyBudgetBurn", "server", "slow_calls"),
    burn("MCPToolErrorRate", "tool", "errors", "search"),
    burn("MCPToolLatencyBudgetBurn", "tool", "slow_calls", "search"),
    Case(
        "MCPServerQueueGrowing",
        [series(contract.METRIC_QUEUE_DEPTH, steady(7))],
        [series(contract.METRIC_QUEUE_DEPTH, "7x3 0 7x3 0 " * 16)],
    ),
    Case(
        "MCPServerNoTraffic",
        [series(RATE, "2x9900 0x400", pod="")],
        [series(RATE, "0.05x9900 0x400", pod="")],
        "169h",
    ),
    Case("MCPRejectedRequests", refusals(10, 100), refusals(1, 5)),
    Case(
        "MCPLabelOverflow",
        [counter(contract.METRIC_LABEL_OVERFLOW, 3, **OVERFLOW)],
        [counter(contract.METRIC_LABEL_OVERFLOW, 1, **OVERFLOW)],
    ),
    Case("MCPPodMemoryNearLimit", memory(95), memory(80)),
    Case("MCPPodCPUThrottled", periods(40), periods(10)),
    Case(
        "MCPSpansLost",
        [counter(contract.METRIC_SPANS_EXPORTED, 5, **LOST)],
        [counter(contract.METRIC_SPANS_EXPORTED, 0, **LOST)],
    ),
    Case("PrometheusRemoteWriteBehind", lag(200), lag(20)),
    Case("OTelCollectorQueueFull", queue(900), queue(500)),
    Case("OTelCollectorRefusing", *spans(ways.REFUSED, "otel-agent")),
    Case("OTelSpansUndelivered", *spans(ways.FAILED, "otel-gateway")),
    Case("JaegerStorageErrors", *spans(ways.FAILED, "jaeger")),
    Case("TailSamplingDroppedTooEarly", *spans(ways.TOO_EARLY, "otel-gateway")),
    Case("MeshControlPlaneDown", istiod_pods("1x100 0x30"), istiod_pods("1x110 0x2 1x30")),
    Case("MeshControlPlaneDown", istiod_deployment("2x100 0x30"), istiod_deployment("2x100 0x3 1x30")),
    Case(
        "MeshConfigRejected",
        [istiod_shows(control_plane.REFUSED, "1x108 2x5 3x25", type="lds")],
        [istiod_shows(control_plane.REFUSED, steady(3), type="lds")],
    ),
    Case(
        "MeshConfigRejected",
        [istiod_shows(control_plane.REFUSED, "_x113 1x20", type="lds")],
        [istiod_shows(control_plane.REFUSED, "_x90 1x40", type="lds")],
    ),
    Case(
        "MeshRootCertificateExpires",
        [istiod_shows(control_plane.ROOT_EXPIRY, steady(29 * 86400))],
        [istiod_shows(control_plane.ROOT_EXPIRY, steady(31 * 86400))],
    ),
    Case("GrafanaDown", grafana(0), grafana(1)),
    burn("MCPRegistryErrorBudgetBurn", "server", "errors", server=contract.REGISTRY_NAME),
    burn("MCPRegistryLatencyBudgetBurn", "server", "slow_calls", server=contract.REGISTRY_NAME),
    Case("MCPServerSaturated", places("95x130"), places("95x3 10x0 " * 30)),
    Case("MCPServerScaledToMaximum", hpa(8, 8, 2), hpa(8, 8, 8)),
    Case(
        "MCPServerFlapping",
        [container("kube_pod_container_status_restarts_total", "0x92 1x8 2x8 3x20")],
        [container("kube_pod_container_status_restarts_total", "0x100 1x40")],
    ),
    Case("TargetMissing", [ready("mcp-rag", 3), pod_up(steady(1))], [ready("mcp-rag", 1), pod_up(steady(1))]),
    Case("MCPOpenStreamsLeak", streams(1000), streams(700), "1500m"),
    Case("MCPConnectionResets", resets(10), resets(1)),
    Case("MeshMTLSDowngrade", plain("none"), plain("mutual_tls")),
    Case("MCPPVCWillFill", volume("450-0.1x500"), volume("900-0.1x500"), "8h"),
    Case(
        "MCPCostBudget",
        [series(cost.POD_COST, steady(2, 100), pod="")],
        [series(cost.POD_COST, steady(1, 100), pod="")],
    ),
]

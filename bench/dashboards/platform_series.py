"""Synthetic series of the platform: kubelet, kube-state-metrics, OpenCost, Prometheus, istiod, the registry."""

from collections.abc import Iterator
from typing import Final

from bench.dashboards.series import Fleet, Pace, Series, Shape, histogram, scraped
from meshed_mcp import contract
from meshed_mcp.components.core.charts import ISTIO_VERSION
from meshed_mcp.components.promql import control_plane as istiod
from meshed_mcp.components.promql.autoscaling import HPA_METRICS, VPA_METRICS

MIB: Final = 2**20
GIB: Final = 2**30
PODS_PER_NODE: Final = 20
MONITORING: Final = {"prometheus": 2 * GIB, "grafana": 300 * MIB, "jaeger": GIB, "alertmanager": 60 * MIB}
PROXY: Final = "istio-proxy"


def platform_metric(
    name: str, size: float, labels: dict[str, str], shape: Shape = Shape.GAUGE, phase: int = 0
) -> Series:
    """One series at the scrape interval of the cluster."""
    return Series({"__name__": name, **labels}, size, shape, Pace.SLOW, phase % 8)


def platform_series(fleet: Fleet, monitoring: str) -> Iterator[Series]:
    """All series of the platform, with monitoring in the namespace `monitoring`."""
    for number in range(fleet.servers):
        yield from deployment(fleet, number)
        for replica in range(fleet.pods):
            yield from pod(fleet, number, replica)
    yield from nodes(fleet)
    yield from monitoring_series(monitoring)
    yield from registry(fleet.namespace(0))
    yield from control_plane(fleet)


def control_plane(fleet: Fleet) -> Iterator[Series]:
    """Two replicas of istiod."""
    for replica in range(2):
        of = {"namespace": "istio-system", "pod": f"istiod-{replica}", "revision": "default"}
        proxies = fleet.servers * fleet.pods / 2
        yield platform_metric(istiod.CONNECTED_PROXIES, proxies, of | {"version": ISTIO_VERSION}, Shape.GAUGE, replica)
        yield platform_metric(istiod.REJECTED, 0.001, of | {"type": "lds"}, Shape.COUNTER, replica)
        yield from histogram({"__name__": istiod.CONVERGENCE, **of}, 0.2, 0.3, Pace.SLOW, replica)


def deployment(fleet: Fleet, number: int) -> Iterator[Series]:
    """A server's Deployment and its autoscaler."""
    where = {"namespace": fleet.namespace(number)}
    for state in ("spec_replicas", "status_replicas_ready", "status_replicas_available"):
        of = where | {"deployment": fleet.server(number)}
        yield platform_metric(f"kube_deployment_{state}", fleet.pods, of, Shape.FLAT)
    sizes = {"desired": fleet.pods, "max": fleet.pods * 2, "min": max(1, fleet.pods // 2)}
    for which, size in sizes.items():
        yield platform_metric(
            HPA_METRICS[which],
            size,
            where | {"horizontalpodautoscaler": f"keda-hpa-{fleet.server(number)}"},
            Shape.FLAT,
        )
    vpa = where | {"verticalpodautoscaler": fleet.server(number), "container": contract.CONTAINER_NAME}
    for resource, request in (("cpu", 0.4), ("memory", 220 * MIB)):
        yield platform_metric(VPA_METRICS[resource], request, vpa, Shape.GAUGE, number)


def pod(fleet: Fleet, number: int, replica: int) -> Iterator[Series]:
    """The two containers of a pod."""
    node = f"node-{(number * fleet.pods + replica) // PODS_PER_NODE}"
    for container, cores, memory in ((contract.CONTAINER_NAME, 0.3, 180 * MIB), (PROXY, 0.05, 60 * MIB)):
        of = {"namespace": fleet.namespace(number), "pod": fleet.pod(number, replica), "container": container}
        yield platform_metric("container_cpu_usage_seconds_total", cores, of, Shape.COUNTER, number)
        yield platform_metric("container_memory_working_set_bytes", memory, of, Shape.GAUGE, number)
        yield platform_metric("container_cpu_allocation", cores * 1.5, of | {"node": node}, Shape.FLAT)
        yield platform_metric("container_memory_allocation_bytes", memory * 1.5, of | {"node": node}, Shape.FLAT)
        for resource, size in (("cpu", cores * 1.5), ("memory", memory * 1.5)):
            yield platform_metric("kube_pod_container_resource_requests", size, of | {"resource": resource}, Shape.FLAT)
        yield platform_metric("kube_pod_container_resource_limits", memory * 2, of | {"resource": "memory"}, Shape.FLAT)
        yield platform_metric("kube_pod_container_status_restarts_total", 0, of, Shape.FLAT)
        yield platform_metric("container_cpu_cfs_periods_total", 10, of, Shape.COUNTER)
        yield platform_metric("container_cpu_cfs_throttled_periods_total", 0.4, of, Shape.COUNTER, number)


def node_exporter_series(node: str, number: int) -> Iterator[Series]:
    """Series of a node with four CPUs, a disk and a network device."""
    of = {"instance": f"{node}:9100", "job": "node-exporter"}
    for cpu in range(4):
        for mode, share in (("idle", 0.5 - 0.02 * (number % 8)), ("user", 0.4 + 0.02 * (number % 8))):
            yield platform_metric(
                "node_cpu_seconds_total", share, of | {"cpu": str(cpu), "mode": mode}, Shape.COUNTER, number
            )
    yield platform_metric("node_memory_MemTotal_bytes", 64 * GIB, of, Shape.FLAT)
    yield platform_metric("node_memory_MemAvailable_bytes", (20 + number % 8) * GIB, of, Shape.GAUGE, number)
    disk = of | {"device": "/dev/nvme0n1p1", "fstype": "ext4", "mountpoint": "/"}
    yield platform_metric("node_filesystem_size_bytes", 200 * GIB, disk, Shape.FLAT)
    yield platform_metric("node_filesystem_avail_bytes", (60 + 5 * (number % 8)) * GIB, disk, Shape.GAUGE, number)
    for direction, size in (("receive", 30 * MIB), ("transmit", 20 * MIB)):
        card = of | {"device": "eth0"}
        yield platform_metric(f"node_network_{direction}_bytes_total", size, card, Shape.COUNTER, number)
    for status in ("true", "false", "unknown"):
        condition = {"node": node, "condition": "Ready", "status": status}
        yield platform_metric("kube_node_status_condition", float(status == "true"), condition, Shape.FLAT)


def failing_pod(fleet: Fleet) -> Iterator[Series]:
    """A pending pod and a crashing container."""
    of = {"namespace": fleet.namespace(0), "pod": fleet.pod(0, 0)}
    yield platform_metric("kube_pod_status_phase", 1, of | {"phase": "Pending"}, Shape.FLAT)
    crashes = of | {"container": PROXY, "reason": "CrashLoopBackOff"}
    yield platform_metric("kube_pod_container_status_waiting_reason", 1, crashes, Shape.FLAT)
    restarts = of | {"container": "init"}
    yield platform_metric("kube_pod_container_status_restarts_total", 0.001, restarts, Shape.COUNTER)


def nodes(fleet: Fleet) -> Iterator[Series]:
    """Nodes with their sizes and prices."""
    yield from failing_pod(fleet)
    for number in range(1 + fleet.servers * fleet.pods // PODS_PER_NODE):
        node = f"node-{number}"
        yield from node_exporter_series(node, number)
        for name, price in (("cpu", 0.03), ("ram", 0.004), ("total", 0.6)):
            yield platform_metric(f"node_{name}_hourly_cost", price, {"node": node}, Shape.FLAT)
        for resource, size in (("cpu", 16), ("memory", 64 * GIB)):
            yield platform_metric(
                "kube_node_status_allocatable", size, {"node": node} | {"resource": resource}, Shape.FLAT
            )


def monitoring_series(namespace: str) -> Iterator[Series]:
    """Monitoring's containers, volumes, and Prometheus' own metrics."""
    for number, (container, memory) in enumerate(MONITORING.items()):
        of = {"namespace": namespace, "pod": f"{container}-0", "container": container}
        yield platform_metric("container_cpu_usage_seconds_total", 0.2 + number / 10, of, Shape.COUNTER, number)
        yield platform_metric("container_memory_working_set_bytes", memory, of, Shape.GAUGE, number)
        volume = {"namespace": namespace, "persistentvolumeclaim": f"data-{container}-0"}
        yield platform_metric("kubelet_volume_stats_capacity_bytes", 50 * GIB, volume, Shape.FLAT)
        yield platform_metric(
            "kubelet_volume_stats_available_bytes", (25 - 5 * number) * GIB, volume, Shape.GAUGE, number
        )
    prometheus = {"pod": "prometheus-0"}
    yield platform_metric("prometheus_tsdb_head_series", 400_000, prometheus)
    yield platform_metric("prometheus_tsdb_storage_blocks_bytes", 18 * GIB, prometheus)
    yield platform_metric("prometheus_tsdb_head_samples_appended_total", 60_000, prometheus, Shape.COUNTER)
    yield platform_metric("prometheus_notifications_dropped_total", 0, prometheus, Shape.COUNTER)
    for number, group in enumerate(("mcp-rates", "mcp-pages", "mcp-alerts")):
        yield platform_metric(
            "prometheus_rule_group_last_duration_seconds", 0.2 + number, {"rule_group": group}, phase=number
        )
        yield platform_metric("prometheus_rule_group_interval_seconds", 15, {"rule_group": group}, Shape.FLAT)
    yield from scrapes()


def scrapes() -> Iterator[Series]:
    """Scrape jobs, one with a target that is down, and alerts."""
    for number, job in enumerate(("kubelet", "kube-state-metrics", "node-exporter")):
        of = {"job": job, "instance": f"10.0.0.{number}:80"}
        yield platform_metric("scrape_duration_seconds", 0.05 * (number + 1), of, phase=number)
        yield platform_metric("scrape_samples_scraped", 3000 * (number + 1), of, phase=number)
        yield platform_metric("up", 0 if number else 1, of, Shape.FLAT)
    for name, severity, component in (
        ("Watchdog", "none", ""),
        ("MCPServerLatencyBudgetBurn", "critical", "server"),
        ("MCPToolErrorRate", "warning", "tool"),
    ):
        of = {"alertname": name, "alertstate": "firing", "severity": severity}
        yield platform_metric("ALERTS", 1, of | ({"component": component} if component else {}), Shape.FLAT)


def registry(namespace: str) -> Iterator[Series]:
    """The registry's two replicas."""
    name = contract.REGISTRY_NAME
    for replica in range(2):
        pod = namespace, name, f"{name}-5d8f7c-{replica:05d}"
        for route, method, status, per_second in (
            ("/v0.1/servers", "GET", "200", 8.0),
            ("/v0.1/servers/{name}", "PUT", "200", 2.0),
            ("/v0.1/servers", "GET", "503", 0.01),
        ):
            labels = {"http_route": route, "http_request_method": method, "http_response_status_code": status}
            histogram_labels = scraped(contract.METRIC_HTTP_DURATION, pod, **labels)
            yield from histogram(histogram_labels, per_second, 0.02, Pace.FAST_LONG, replica)
        for metric, size in (
            (contract.METRIC_REGISTRY_SERVERS, 50),
            (contract.METRIC_REGISTRY_LEASES, 1000),
            (contract.METRIC_REGISTRY_DATABASE_UP, 1),
            ("up", 1),
        ):
            yield Series(scraped(metric, pod), size, Shape.FLAT, Pace.FAST_LONG)
        expired = scraped(contract.METRIC_REGISTRY_EXPIRED, pod)
        yield Series(expired, 0.01, Shape.COUNTER, Pace.FAST_LONG)

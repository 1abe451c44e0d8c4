"""What kube-state-metrics would show of a running stack: replicas wanted and ready. A running stack in, `/metrics` out.

Some alerts compare what answers with what is wanted; without these series they would be silent here.
Source: kube-state-metrics, "Deployment Metrics".
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from prometheus_client import CollectorRegistry, Gauge, start_http_server

from meshed_mcp.local.process.engines import free_port
from meshed_mcp.local.process.stack_runner import Running

LOOPBACK: Final = "127.0.0.1"
WANTED: Final = "kube_deployment_spec_replicas"
READY: Final = ("kube_deployment_status_replicas_ready", "kube_deployment_status_replicas_available")


class ClusterSeries:
    """Gauges of the Deployments of a run."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ("namespace", "deployment")
        self._wanted = Gauge(WANTED, "Replicas of the Deployment.", labels, registry=registry)
        self._ready = [Gauge(name, "Replicas whose process lives.", labels, registry=registry) for name in READY]

    def follow(self, up: Running) -> None:
        """Show this moment."""
        lives = up.services.pids.keys()
        wanted = Counter((pod.namespace, pod.deployment.name) for pod in up.topology.pods)
        ready = Counter((pod.namespace, pod.deployment.name) for pod in up.topology.pods if pod.name in lives)
        for place, count in wanted.items():
            self._wanted.labels(*place).set(count)
            for gauge in self._ready:
                gauge.labels(*place).set(ready[place])


@contextmanager
def cluster_series() -> Iterator[tuple[ClusterSeries, dict[str, Any]]]:
    """The series, and the job that scrapes them; they are served for the block."""
    registry, port = CollectorRegistry(), free_port()
    server, thread = start_http_server(port, LOOPBACK, registry)
    job = {
        "job_name": "kube-state-metrics",
        "scrape_interval": "5s",
        "honor_labels": True,
        "static_configs": [{"targets": [f"{LOOPBACK}:{port}"]}],
    }
    try:
        yield ClusterSeries(registry), job
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

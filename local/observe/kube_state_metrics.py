"""Desired and ready replicas for the alerts that need them. Source: kube-state-metrics, "Deployment Metrics"."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from prometheus_client import CollectorRegistry, Gauge, start_http_server

from meshed_mcp.local.process.engines import free_port
from meshed_mcp.local.process.stack_runner import Running

LOOPBACK: Final = "127.0.0.1"
DESIRED: Final = "kube_deployment_spec_replicas"
READY: Final = ("kube_deployment_status_replicas_ready", "kube_deployment_status_replicas_available")


class DeploymentMetrics:
    """Gauges of the Deployments of a run."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ("namespace", "deployment")
        self._desired = Gauge(DESIRED, "Replicas of the Deployment.", labels, registry=registry)
        self._ready = [Gauge(name, "Replicas with a running process.", labels, registry=registry) for name in READY]

    def update(self, up: Running) -> None:
        """Update the gauges."""
        alive = up.services.pids.keys()
        desired = Counter((pod.namespace, pod.deployment.name) for pod in up.topology.pods)
        ready = Counter((pod.namespace, pod.deployment.name) for pod in up.topology.pods if pod.name in alive)
        for labels, count in desired.items():
            self._desired.labels(*labels).set(count)
            for gauge in self._ready:
                gauge.labels(*labels).set(ready[labels])


@contextmanager
def deployment_metrics() -> Iterator[tuple[DeploymentMetrics, dict[str, Any]]]:
    """Serve the metrics during the block; yields them and their scrape job."""
    registry, port = CollectorRegistry(), free_port()
    server, thread = start_http_server(port, LOOPBACK, registry)
    job = {
        "job_name": "kube-state-metrics",
        "scrape_interval": "5s",
        "honor_labels": True,
        "static_configs": [{"targets": [f"{LOOPBACK}:{port}"]}],
    }
    try:
        yield DeploymentMetrics(registry), job
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

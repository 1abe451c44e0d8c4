"""Prometheus of a run, by its PodMonitors, and an exporter of replicas as kube-state-metrics has them.

Source: Prometheus operator, PodMonitor; Prometheus, `kubernetes_sd_config`; kube-state-metrics, "Deployment Metrics".
"""

import json
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from prometheus_client import CollectorRegistry, Gauge, start_http_server

from meshed_mcp import contract
from meshed_mcp.cli.prometheus import Prometheus
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.error_codes.local import PROMETHEUS_MISSING
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.process.engines import engine, free_port, serving
from meshed_mcp.local.process.stack_runner import Running
from meshed_mcp.local.translate.topology import ADMIN_PORT, Pod

PROGRAM: Final = "prometheus"
STOP_SECONDS: Final = 10.0

RESEND_SECONDS: Final = 10
"""Interval of repeated alerts; the default is a minute."""

POD_LABEL: Final = "__meta_kubernetes_pod_label_"
"""Source: Prometheus, `kubernetes_sd_config`, role pod."""

DEFAULT_INTERVAL: Final = "30s"
"""Default scrape interval. Source: `PrometheusSettings.scrape_interval_seconds`."""

Job = dict[str, Any]

LOOPBACK: Final = "127.0.0.1"
DESIRED: Final = "kube_deployment_spec_replicas"
READY: Final = ("kube_deployment_status_replicas_ready", "kube_deployment_status_replicas_available")


def target(pod: Pod) -> Job:
    """A discovered pod: address, names and labels."""
    labels = {meta_label(name): value for name, value in pod.labels.items()}
    names = {"namespace": pod.namespace, "pod": pod.name, "container": contract.CONTAINER_NAME}
    return {"targets": [f"{pod.address}:{contract.MANAGEMENT_PORT}"], "labels": names | labels}


def meta_label(name: str) -> str:
    """Discovery label of a pod label."""
    return POD_LABEL + re.sub("[^a-zA-Z0-9_]", "_", name)


def jobs(monitor: Manifest, targets: Path) -> Iterator[Job]:
    """The jobs of one PodMonitor, one per endpoint."""
    meta, spec = monitor["metadata"], monitor["spec"]
    for number, endpoint in enumerate(spec["podMetricsEndpoints"]):
        interval = endpoint.get("interval", DEFAULT_INTERVAL)
        yield {
            "job_name": f"{meta['namespace']}/{meta['name']}/{number}",
            "scrape_interval": interval,
            "scrape_timeout": endpoint.get("scrapeTimeout", interval),
            "metrics_path": endpoint.get("path", contract.METRICS_PATH),
            "file_sd_configs": [{"files": [str(targets)]}],
            "relabel_configs": [
                *([] if spec.get("namespaceSelector", {}).get("any") else [_keep("namespace", meta["namespace"])]),
                *_selected(spec["selector"]),
                *_at_port(endpoint["port"]),
                *relabelings(endpoint.get("relabelings", [])),
            ],
            "metric_relabel_configs": list(relabelings(endpoint.get("metricRelabelings", []))),
        }


def _selected(selector: Manifest) -> Iterator[Job]:
    for name, value in selector.get("matchLabels", {}).items():
        yield _keep(meta_label(name), value)
    for each in selector.get("matchExpressions", []):
        yield _keep(meta_label(each["key"]), "|".join(each["values"]))


def _at_port(name: str) -> Iterator[Job]:
    """Metrics of a proxy are at its admin port."""
    if name == contract.PROXY_METRICS_PORT_NAME:
        yield {
            "source_labels": ["__address__"],
            "regex": "(.*):.*",
            "replacement": f"$1:{ADMIN_PORT}",
            "target_label": "__address__",
        }
        yield {"replacement": contract.PROXY_CONTAINER, "target_label": "container"}


def _keep(label: str, pattern: str) -> Job:
    return {"source_labels": [label], "regex": pattern, "action": "keep"}


def relabelings(rules: list[Manifest]) -> Iterator[Job]:
    """Relabelings of the operator in the spelling of Prometheus."""
    for rule in rules:
        yield {re.sub("[A-Z]", lambda found: f"_{found.group().lower()}", name): value for name, value in rule.items()}


class ScrapeExtras(NamedTuple):
    """Rules, further scrape jobs, and the Alertmanager (host:port)."""

    rules: Manifest | None = None
    jobs: tuple[Job, ...] = ()
    alertmanager: str | None = None


class Scraping:
    """A running Prometheus and its file of targets."""

    def __init__(self, client: Prometheus, targets: Path) -> None:
        self.client: Final = client
        self._targets = targets
        self._known: list[str] = []

    def follow(self, pods: Iterable[Pod]) -> None:
        """Make these pods the targets."""
        wanted = {pod.name: target(pod) for pod in pods}
        if sorted(wanted) != self._known:
            draft = self._targets.with_suffix(".draft")
            draft.write_text(json.dumps(list(wanted.values())), encoding="utf-8")
            draft.replace(self._targets)  # atomic
            self._known = sorted(wanted)


def configuration(objects: Sequence[Manifest], folder: Path, extras: ScrapeExtras) -> dict[str, Any]:
    """Prometheus configuration: a job per endpoint of every PodMonitor, and the extras."""
    monitors = [item for item in objects if item["kind"] == "PodMonitor"]
    scraped = [job for monitor in monitors for job in jobs(monitor, folder / "targets.json")]
    rules = {} if extras.rules is None else {"rule_files": [str(folder / "rules.json")]}
    alertmanagers = [{"static_configs": [{"targets": [extras.alertmanager]}]}] if extras.alertmanager else []
    return {"scrape_configs": [*scraped, *extras.jobs], "alerting": {"alertmanagers": alertmanagers}, **rules}


@contextmanager
def scraping(objects: Sequence[Manifest], state: Path, extras: ScrapeExtras | None = None) -> Iterator[Scraping]:
    """Run a new Prometheus during the block, with its data in `state`. Raises LocalRunError. Threads: see `serving`."""
    binary = engine(PROGRAM)
    if binary is None:
        raise LocalRunError(PROMETHEUS_MISSING.message(program=PROGRAM))
    folder = (state / PROGRAM).absolute()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    added = extras or ScrapeExtras()
    contents = {"targets": [], "rules": added.rules or {}, PROGRAM: configuration(objects, folder, added)}
    for name, content in contents.items():
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    address = f"{LOOPBACK}:{free_port()}"
    with (
        serving(PROGRAM, command(binary, folder, address), address, state, STOP_SECONDS),
        closing(Prometheus(f"http://{address}")) as client,
    ):
        yield Scraping(client, folder / "targets.json")


def command(binary: Path, folder: Path, address: str) -> tuple[str, ...]:
    """Command line: on loopback, with the admin API for benchmarks."""
    return (
        str(binary),
        f"--config.file={folder / PROGRAM}.json",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
        "--web.enable-admin-api",
        f"--rules.alert.resend-delay={RESEND_SECONDS}s",
        "--enable-feature=exemplar-storage",
        "--log.level=warn",
    )


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

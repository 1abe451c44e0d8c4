"""Monitoring of a running stack: Prometheus with the rendered monitors and rules, Alertmanager with rendered routes."""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic
from typing import Any, Final, NamedTuple

import httpx

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.local.observe.alertmanager import alertmanager, rule_groups
from meshed_mcp.local.observe.prometheus import DeploymentMetrics, ScrapeExtras, Scraping, deployment_metrics, scraping
from meshed_mcp.local.process.stack_runner import Running

ADDRESSES: Final = "monitoring.json"
"""File in the folder of a run with the addresses of Prometheus and Alertmanager, for `meshed-mcp local top`."""

ALERTS_SECONDS: Final = 5.0
"""Interval between two queries of the alerts."""

NO_RECEIVER: Final = "null"
"""Source: `alert_routing.NO_RECEIVER`."""


class MonitoringConfig(NamedTuple):
    """Rendered objects and Alertmanager configuration of a stack."""

    objects: Sequence[Manifest]
    routes: Manifest | None = None
    max_hold_seconds: float | None = None
    """Upper bound of `for` of the alerts; None = as rendered."""


class RunMonitor:
    """Monitors one run."""

    def __init__(self, up: Running, scraping: Scraping, metrics: DeploymentMetrics, alerts_url: str | None) -> None:
        self.scraping: Final = scraping
        self.alerts_url: Final = alerts_url
        self._up, self._metrics = up, metrics
        self._firing: dict[str, str] = {}
        self._due = 0.0

    def step(self) -> list[str]:
        """Update targets and metrics, once a second. Returns a line per alert that started or ended."""
        self.scraping.follow(self._up.alive.values())
        self._metrics.update(self._up)
        if monotonic() < self._due:
            return []
        self._due = monotonic() + ALERTS_SECONDS
        now = {text(each): line(each) for each in firing(self.alerts_url)}
        started = [shown for name, shown in now.items() if name not in self._firing]
        ended = [f"over: {name}" for name in self._firing if name not in now]
        self._firing = now
        return [*started, *ended]

    def summary(self) -> str:
        """Addresses, targets that are up, healthy rules."""
        targets, groups = (self._get(path) for path in ("targets?state=active", "rules"))
        health = [each["health"] for each in targets["activeTargets"]]
        rules = [rule for group in groups["groups"] for rule in group["rules"]]
        healthy = sum(rule["health"] != "err" for rule in rules)
        alerts = f"; Alertmanager: {self.alerts_url}" if self.alerts_url else ""
        return (
            f"Prometheus: {self.scraping.client.http.base_url}, {health.count('up')} of {len(health)} targets up, "
            f"{healthy} of {len(rules)} rules healthy{alerts}"
        )

    def _get(self, path: str) -> dict[str, Any]:
        data: dict[str, Any] = self.scraping.client.http.get(f"/api/v1/{path}").raise_for_status().json()["data"]
        return data


def firing(url: str | None) -> list[dict[str, Any]]:
    """Alerts of an Alertmanager; none if it is down."""
    if url is None:
        return []
    try:
        found: list[dict[str, Any]] = httpx.get(f"{url}/api/v2/alerts", trust_env=False).raise_for_status().json()
    except httpx.HTTPError:
        return []
    return found


def text(alert: dict[str, Any]) -> str:
    """Name and labels of an alert."""
    labels = {name: value for name, value in sorted(alert["labels"].items()) if name != "severity"}
    return f"{labels.pop('alertname')} ({', '.join(labels.values())})"


def line(alert: dict[str, Any]) -> str:
    """Severity, name, summary and receivers of an alert."""
    labels, notes, state = alert["labels"], alert["annotations"], alert["status"]["state"]
    to = ", ".join(each["name"] for each in alert["receivers"] if each["name"] != NO_RECEIVER) or "no receiver"
    where = "inhibited or silenced" if state == "suppressed" else f"would go to {to}"
    return f"{labels['severity']}: {labels['alertname']}: {notes.get('summary', '')} ({where})"


@contextmanager
def monitored(up: Running, monitoring: MonitoringConfig) -> Iterator[RunMonitor]:
    """Run Prometheus, and Alertmanager if it is installed, during the block. Raises LocalRunError."""
    state = up.folders.state
    with ExitStack() as ends:
        alerts = ends.enter_context(alertmanager(monitoring.routes, state))
        metrics, job = ends.enter_context(deployment_metrics())
        rules = rule_groups(monitoring.objects, monitoring.max_hold_seconds)
        prometheus = ends.enter_context(scraping(monitoring.objects, state, ScrapeExtras(rules, (job,), alerts)))
        monitor = RunMonitor(up, prometheus, metrics, f"http://{alerts}" if alerts else None)
        monitor.step()
        file = state / ADDRESSES
        urls = {"prometheus": str(prometheus.client.http.base_url), "alertmanager": monitor.alerts_url}
        file.write_text(json.dumps(urls))
        ends.callback(file.unlink, missing_ok=True)
        yield monitor


def addresses(state: Path) -> dict[str, str | None] | None:
    """URLs of Prometheus and Alertmanager of the run in a folder; None without a monitored run."""
    try:
        found: dict[str, str | None] = json.loads((state / ADDRESSES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found

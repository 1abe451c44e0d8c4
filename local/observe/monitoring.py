"""A running stack watched: Prometheus with the rendered monitors and rules, Alertmanager with the rendered routes.

Objects and a running stack in; a line for each alert that begins or ends out. Where both are is in a file of the run's
folder, for `meshed-mcp local top`. Not here: what starts them (prometheus.py, alertmanager.py).
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic
from typing import Any, Final, NamedTuple

import httpx

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.local.observe.alertmanager import alertmanager, rule_groups
from meshed_mcp.local.observe.kube_state_metrics import ClusterSeries, cluster_series
from meshed_mcp.local.observe.prometheus import Extras, Scraping, scraping
from meshed_mcp.local.process.stack_runner import Running

ADDRESSES: Final = "monitoring.json"
"""File in a run's folder with the addresses of what watches it."""

LOOK_SECONDS: Final = 5.0
"""Pause between two looks at the alerts."""

NOBODY: Final = "null"
"""Receiver of what is only shown. Source: `alert_routing.NO_RECEIVER`."""


class Monitoring(NamedTuple):
    """What a stack renders for those who watch it: its objects, Alertmanager's routes, and how long alerts wait."""

    objects: Sequence[Manifest]
    routes: Manifest | None = None
    longest_hold: float | None = None
    """Seconds; None = as rendered."""


class Watching:
    """What watches a run."""

    def __init__(self, up: Running, seen: Scraping, cluster: ClusterSeries, alerts_url: str | None) -> None:
        self.seen: Final = seen
        self.alerts_url: Final = alerts_url
        self._up, self._cluster = up, cluster
        self._firing: dict[str, str] = {}
        self._due = 0.0

    def step(self) -> list[str]:
        """Follow the run, once a second; a line for each alert that began or ended."""
        self.seen.follow(self._up.alive.values())
        self._cluster.follow(self._up)
        if monotonic() < self._due:
            return []
        self._due = monotonic() + LOOK_SECONDS
        now = {text(each): line(each) for each in firing(self.alerts_url)}
        began = [said for name, said in now.items() if name not in self._firing]
        ended = [f"over: {name}" for name in self._firing if name not in now]
        self._firing = now
        return [*began, *ended]

    def summary(self) -> str:
        """Targets that answer, of all; rules; addresses."""
        targets, groups = (self._asked(path) for path in ("targets?state=active", "rules"))
        health = [each["health"] for each in targets["activeTargets"]]
        rules = [rule for group in groups["groups"] for rule in group["rules"]]
        sound = sum(rule["health"] != "err" for rule in rules)
        alerts = f"; Alertmanager: {self.alerts_url}" if self.alerts_url else ""
        return (
            f"Prometheus: {self.seen.asking.http.base_url}, {health.count('up')} of {len(health)} targets up, "
            f"{sound} of {len(rules)} rules sound{alerts}"
        )

    def _asked(self, path: str) -> dict[str, Any]:
        data: dict[str, Any] = self.seen.asking.http.get(f"/api/v1/{path}").raise_for_status().json()["data"]
        return data


def firing(url: str | None) -> list[dict[str, Any]]:
    """Alerts that an Alertmanager has now; none where it does not answer."""
    if url is None:
        return []
    try:
        found: list[dict[str, Any]] = httpx.get(f"{url}/api/v2/alerts", trust_env=False).raise_for_status().json()
    except httpx.HTTPError:
        return []
    return found


def text(alert: dict[str, Any]) -> str:
    """Which alert, and what it says without its number, which moves."""
    labels = {name: value for name, value in sorted(alert["labels"].items()) if name != "severity"}
    return f"{labels.pop('alertname')} ({', '.join(labels.values())})"


def line(alert: dict[str, Any]) -> str:
    """An alert as it is shown: how bad, which, what, and to whom it would go."""
    labels, notes, state = alert["labels"], alert["annotations"], alert["status"]["state"]
    to = ", ".join(each["name"] for each in alert["receivers"] if each["name"] != NOBODY) or "nobody"
    where = "silent beside a worse one" if state == "suppressed" else f"would go to {to}"
    return f"{labels['severity']}: {labels['alertname']}: {notes.get('summary', '')} ({where})"


@contextmanager
def watching(up: Running, monitoring: Monitoring) -> Iterator[Watching]:
    """Prometheus and, where there are routes and the program, Alertmanager for the block. Raises LocalRunError."""
    state = up.places.state
    with ExitStack() as ends:
        alerts = ends.enter_context(alertmanager(monitoring.routes, state))
        cluster, job = ends.enter_context(cluster_series())
        rules = rule_groups(monitoring.objects, monitoring.longest_hold)
        seen = ends.enter_context(scraping(monitoring.objects, state, Extras(rules, (job,), alerts)))
        watch = Watching(up, seen, cluster, f"http://{alerts}" if alerts else None)
        watch.step()
        file = state / ADDRESSES
        file.write_text(json.dumps({"prometheus": str(seen.asking.http.base_url), "alertmanager": watch.alerts_url}))
        ends.callback(file.unlink, missing_ok=True)
        yield watch


def addresses(state: Path) -> dict[str, str | None] | None:
    """Where Prometheus and Alertmanager of the run in that folder are; None where none is watched."""
    try:
        found: dict[str, str | None] = json.loads((state / ADDRESSES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found

"""Dashboards and rules at a thousand pods: seconds per dashboard, seconds per rule group, and the lag of a call.

Fills a real Prometheus with generated series of 50 servers of 20 pods and 6 tools, runs the queries of each
dashboard, evaluates the rules of the stack, and measures how soon a call of the local run can be queried (lag.py).
Raw figures: bench/results/observability.json. Run it with `make bench-observability`; it takes about five minutes.
With `--trial` it runs the dashboards once and saves nothing.
"""

import json
import os
import sys
import tempfile
import time
from itertools import chain
from pathlib import Path
from statistics import median
from typing import Any, Final

from bench.dashboards.engine import PreviewPrometheus, local_prometheus
from bench.dashboards.platform_series import platform_series
from bench.dashboards.preview import variable_values
from bench.dashboards.recorded_series import recorded_series
from bench.dashboards.remote_write import spans
from bench.dashboards.requests import dashboard_requests
from bench.dashboards.series import CALLS_PER_SECOND, ORGANIZATIONS, Fleet, proxy_series, server_series
from bench.lag import lags
from meshed_mcp.cli.capacity import PODS_PER_NODE
from meshed_mcp.components.core.quantity import cpu_millicores, memory_bytes
from meshed_mcp.components.core.scraping import PROXY_SECONDS, SERVER_SECONDS
from meshed_mcp.components.mesh.cluster.args import Tracing
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.dashboards.config_maps import dashboards
from meshed_mcp.components.observability.manifests import prometheus_rules
from meshed_mcp.components.observability.prometheus.values import RETENTION_SHARE
from meshed_mcp.components.observability.sizing.formula import Load, jaeger_size, prometheus_size
from meshed_mcp.infra.config import ServiceConfig
from meshed_mcp.infra.validation.budgets import requests_of

ROOT: Final = Path(__file__).parent.parent
RAW: Final = ROOT / "bench" / "results" / "observability.json"
PAGE: Final = ROOT / "docs" / "reference" / "performance.md"
BEGIN, END = "<!-- measured: make bench-observability -->\n", "<!-- end of observability -->\n"
FLEET: Final = Fleet(servers=50, pods=20, tools=6, namespaces=5)
ROUNDS: Final = 5
PAGE_SECONDS: Final = 4000
RULES_SECONDS: Final = 330
"""Window that a rule over five minutes reads of the pods' own series."""

AHEAD_SECONDS: Final = 240
"""Samples written ahead of the clock, so that rules find recent ones while they are measured."""

RULE_ROUNDS: Final = 6
RULE_INTERVAL: Final = "15s"
ARGS: Final = ObservabilityStackArgs()


def fill(prometheus: PreviewPrometheus, now: float) -> dict[str, float]:
    """Write all series; return sizes and time."""
    began = time.monotonic()
    series = chain(
        platform_series(FLEET, ARGS.namespace), recorded_series(FLEET), proxy_series(FLEET), server_series(FLEET)
    )
    written = prometheus.write(series, now, spans(PAGE_SECONDS, RULES_SECONDS, AHEAD_SECONDS))
    return {"series": written.series, "samples": written.samples, "seconds": round(time.monotonic() - began, 1)}


def page_times(prometheus: PreviewPrometheus, now: float) -> dict[str, Any]:
    """Per dashboard: number of queries, seconds of all queries in sequence per round, panels without data."""
    found: dict[str, Any] = {}
    for page in dashboards(ARGS):
        choice = variable_values(page, prometheus, now)
        questions = list(dashboard_requests(page, choice))
        empty = [title for title, question in questions if not prometheus.send(question, now)]
        rounds = []
        for _ in range(ROUNDS):
            began = time.monotonic()
            for _, question in questions:
                prometheus.send(question, now)
            rounds.append(round(time.monotonic() - began, 4))
        found[page.uid.value] = {"queries": len(questions), "seconds": rounds, "empty": empty}
    return found


def rule_times(prometheus: PreviewPrometheus, config: Path) -> dict[str, Any]:
    """Per rule group: its interval, and seconds of RULE_ROUNDS evaluations, one each RULE_INTERVAL."""
    groups = [group for item in prometheus_rules(ARGS) for group in item["spec"]["groups"]]
    intervals = {group["name"]: group["interval"] for group in groups}
    file = config.with_name("rules.json")
    file.write_text(json.dumps({"groups": [group | {"interval": RULE_INTERVAL} for group in groups]}))
    config.write_text(json.dumps({"rule_files": [str(file)]}))
    prometheus.reload()
    found: dict[str, dict[str, float]] = {name: {} for name in intervals}
    end = time.monotonic() + AHEAD_SECONDS
    while time.monotonic() < end and any(len(each) < RULE_ROUNDS for each in found.values()):
        time.sleep(1)
        for group in prometheus.http.get("/api/v1/rules").json()["data"]["groups"]:
            errors = [rule["lastError"] for rule in group["rules"] if rule.get("lastError")]
            if errors:
                sys.exit(f"rule group {group['name']}: {errors[0]}")
            if group["evaluationTime"]:
                found[group["name"]][group["lastEvaluation"]] = group["evaluationTime"]
    return {name: {"interval": intervals[name], "seconds": list(each.values())} for name, each in found.items()}


def own_share() -> dict[str, float]:
    """Share of the fleet's requests that monitoring needs, by the formulas of `meshed-mcp capacity`."""
    pods = FLEET.servers * FLEET.pods
    load = Load(
        pods=pods,
        nodes=pods // PODS_PER_NODE,
        tools=FLEET.tools,
        organizations=len(ORGANIZATIONS),
        calls_per_second=CALLS_PER_SECOND * FLEET.tools * pods,
        sampled=Tracing(service="jaeger").sampling_percent / 100,
        server_seconds=SERVER_SECONDS,
        proxy_seconds=PROXY_SECONDS,
        cluster_seconds=ARGS.prometheus.scrape_interval_seconds,
        servers=FLEET.servers,
    )
    days, hours = ARGS.prometheus.retention_days, ARGS.jaeger.retention_hours
    own = [prometheus_size(load, days, RETENTION_SHARE), jaeger_size(load, hours)]
    requests = requests_of(ServiceConfig(image="bench:1"))
    cores, memory = sum(map(cpu_millicores, requests.cpu)) / 1000, sum(map(memory_bytes, requests.memory))
    return {
        "CPU": sum(size.cores for size in own) / (cores * pods),
        "memory": sum(size.memory_bytes for size in own) / (memory * pods),
    }


def interval_seconds(text: str) -> float:
    """`15s` or `5m`."""
    return float(text[:-1]) * {"s": 1, "m": 60}[text[-1]]


def table(raw: dict[str, Any]) -> str:
    """The generated section of the page."""
    size = raw["filled"]
    fleet = f"{FLEET.servers} servers of {FLEET.pods} pods and {FLEET.tools} tools"
    how = (
        f"medians [longest], n = {ROUNDS} and {RULE_ROUNDS}; {raw['cores']} cores, load before {raw['load_before']:.1f}"
    )
    lines = [
        f"{fleet}: {size['series']:,} series, {size['samples']:,} samples. Seconds are {how}.",
        "",
        "| dashboard | queries | seconds, in sequence |",
        "| --- | --- | --- |",
    ]
    for name, each in raw["pages"].items():
        lines.append(f"| {name} | {each['queries']} | {median(each['seconds']):.2f} [{max(each['seconds']):.2f}] |")
    lines += ["", "| rule group | interval | seconds | share of its interval |", "| --- | --- | --- | --- |"]
    for name, each in raw["rules"].items():
        shortest, usual, longest = min(each["seconds"]), median(each["seconds"]), max(each["seconds"])
        part, most = (seconds / interval_seconds(each["interval"]) for seconds in (usual, longest))
        lines.append(
            f"| {name} | {each['interval']} | {usual:.3f} [{shortest:.3f} to {longest:.3f}] | {part:.1%} [{most:.1%}] |"
        )
    lag = sorted(raw["lag_seconds"])
    late = (
        f"median {median(lag):.2f} s, p99 {lag[int(len(lag) * 0.99)]:.2f} s, longest {lag[-1]:.2f} s (n = {len(lag)})"
    )
    shares = ", ".join(f"{share:.1%} of {name}" for name, share in raw["own_share"].items())
    lines += ["", f"By the formulas of `meshed-mcp capacity`, monitoring needs {shares} of what this fleet requests."]
    lines += ["", f"From the end of a call to the first query that counts it, on the local run: {late}.", ""]
    return "\n".join(lines)


def trial() -> None:
    """Measure the dashboards only, and print."""
    with tempfile.TemporaryDirectory() as state, local_prometheus(Path(state)) as (prometheus, _):
        now = time.time()
        print(fill(prometheus, now))
        for name, each in page_times(prometheus, now).items():
            print(name, median(each["seconds"]), each["empty"] or "")
    print(own_share())


def main() -> None:
    """Measure, save and print."""
    load_before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as state, local_prometheus(Path(state)) as (prometheus, config):
        now = time.time()
        filled = fill(prometheus, now)
        pages = page_times(prometheus, now)
        measured_rules = rule_times(prometheus, config)
    raw = {
        "cores": os.cpu_count(),
        "load_before": load_before,
        "fleet": FLEET._asdict(),
        "filled": filled,
        "pages": pages,
        "rules": measured_rules,
        "own_share": own_share(),
        "lag_seconds": lags(),
    }
    RAW.write_text(json.dumps(raw, indent=1) + "\n", encoding="utf-8")
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    PAGE.write_text(before + BEGIN + table(raw) + END + rest.partition(END)[2], encoding="utf-8")
    print(table(raw))
    empty = {name: each["empty"] for name, each in pages.items() if each["empty"]}
    if empty:
        sys.exit(f"panels without data: {empty}")


if __name__ == "__main__":
    trial() if "--trial" in sys.argv else main()

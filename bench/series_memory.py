"""Memory of Prometheus per series: resident memory with three hours of samples, under scrapes, rules and queries.

Fills a real Prometheus, configured as in production, with the history of 3 and then of 12 servers of 20 pods at the
servers' 5 s until it has cut a block. Then it scrapes everything at 5 s, evaluates the rules of the stack and runs
the dashboard queries without a pause. The figure is the maximum resident memory; the difference between both fleets
is the cost of series. The run exits with 1 if the cost is above the formula of `meshed-mcp capacity`. Raw figures:
bench/results/series_memory.json. `make bench-observability` runs it; it takes about fifteen minutes.
"""

import json
import os
import re
import sys
import tempfile
import time
from itertools import chain
from pathlib import Path
from typing import Any, Final

from bench import report
from bench.dashboards.engine import TWO_HOUR_BLOCKS, PreviewPrometheus, local_prometheus
from bench.dashboards.platform_series import platform_series
from bench.dashboards.preview import variable_values
from bench.dashboards.requests import dashboard_requests
from bench.dashboards.series import Fleet, Series, proxy_series, server_series
from bench.history import Pods, Values, exporter, fill
from meshed_mcp.components.mesh.service.pod_monitor import SCRAPE_SECONDS, SCRAPE_TIMEOUT_SECONDS
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.dashboards.config_maps import dashboards
from meshed_mcp.components.observability.manifests import prometheus_rules
from meshed_mcp.components.observability.prometheus.values import GC_PERCENT
from meshed_mcp.components.observability.sizing import formula as sizing
from meshed_mcp.components.observability.sizing.formula import MIB

RAW: Final = report.ROOT / "bench" / "results" / "series_memory.json"
BEGIN: Final = "<!-- measured: make bench-observability, memory -->\n"
END: Final = "<!-- end of memory -->\n"
FLEETS: Final = tuple(Fleet(servers, pods=20, tools=10, namespaces=5) for servers in (3, 12))
ARGS: Final = ObservabilityStackArgs()
HISTORY_SECONDS: Final = 11_400
"""More than the three hours after which Prometheus cuts a two-hour block from the head."""

ASKED_SECONDS: Final = 100.0
KIB: Final = 1024
SHOWN: Final = ("prometheus_tsdb_head_series", "prometheus_tsdb_head_chunks", "prometheus_tsdb_compactions_total")


def everything(fleet: Fleet) -> list[Series]:
    """Series of pods, proxies and the cluster; the rules record their own series here."""
    return list(chain(server_series(fleet), proxy_series(fleet), platform_series(fleet, ARGS.namespace)))


def settings() -> dict[str, Any]:
    """The garbage collector setting of Prometheus in the stack."""
    return {"runtime": {"gogc": GC_PERCENT}}


def configuration(address: str, targets: int, rule_file: Path) -> dict[str, Any]:
    """Scrape configuration that keeps the labels of the series, as in the history, and the rules of the stack."""
    own = {"regex": f"{re.escape(address)}|pods", "replacement": ""}
    scrape = {
        "job_name": "pods",
        "honor_labels": True,
        "scrape_interval": f"{SCRAPE_SECONDS}s",
        "scrape_timeout": f"{SCRAPE_TIMEOUT_SECONDS}s",
        "static_configs": [
            {"targets": [address], "labels": {"__metrics_path__": f"/{number}"}} for number in range(targets)
        ],
        "metric_relabel_configs": [
            {"source_labels": [label], "target_label": label, **own} for label in ("instance", "job")
        ],
    }
    groups = [group for item in prometheus_rules(ARGS) for group in item["spec"]["groups"]]
    rule_file.write_text(json.dumps({"groups": groups}), encoding="utf-8")
    return settings() | {
        "global": {"evaluation_interval": f"{ARGS.prometheus.scrape_interval_seconds}s"},
        "rule_files": [str(rule_file)],
        "scrape_configs": [scrape],
    }


def resident(pid: int) -> dict[str, int]:
    """Current and maximum resident bytes. Source: Linux, proc(5), VmRSS and VmHWM, KiB."""
    text = Path(f"/proc/{pid}/status").read_text("utf-8")
    return {name: int(kib) * KIB for name, kib in re.findall(r"^(VmRSS|VmHWM):\s+(\d+)", text, re.MULTILINE)}


def state(prometheus: PreviewPrometheus) -> dict[str, float]:
    """Figures from Prometheus and Linux."""
    text = prometheus.http.get("/metrics").text
    own = re.findall(rf"^({'|'.join(SHOWN)}) (\S+)$", text, re.MULTILINE)
    return resident(prometheus.pid) | {name: float(value) for name, value in own}


def ask_pages(prometheus: PreviewPrometheus) -> int:
    """Run every query of every dashboard repeatedly; return the number of queries."""
    count, end = 0, time.monotonic() + ASKED_SECONDS
    while time.monotonic() < end:
        for page in dashboards(ARGS):
            now = time.time()
            for _, question in dashboard_requests(page, variable_values(page, prometheus, now)):
                prometheus.send(question, now)
                count += 1
    return count


def targets_up(prometheus: PreviewPrometheus) -> int:
    """Targets whose last scrape succeeded."""
    targets = prometheus.http.get("/api/v1/targets", params={"state": "active"}).json()["data"]["activeTargets"]
    return sum(each["health"] == "up" for each in targets)


def measured(fleet: Fleet) -> dict[str, Any]:
    """Fill, scrape, query."""
    values, series, began = Values(), everything(fleet), time.time() - HISTORY_SECONDS
    with (
        tempfile.TemporaryDirectory() as folder,
        local_prometheus(Path(folder), TWO_HOUR_BLOCKS) as (prometheus, config),
    ):
        config.write_text(json.dumps(settings()), encoding="utf-8")
        prometheus.reload()
        found: dict[str, Any] = {"fleet": fleet._asdict(), "empty": state(prometheus)}
        found["samples"] = fill(prometheus, series, values, began, HISTORY_SECONDS)
        found["filled"] = state(prometheus)
        pods = Pods(series, values, began)
        with exporter(pods) as address:
            scraping = configuration(address, len(pods.texts), config.with_name("rules.json"))
            config.write_text(json.dumps(scraping), encoding="utf-8")
            prometheus.reload()
            found["queries"] = ask_pages(prometheus)
            found |= {"asked": state(prometheus), "targets": len(pods.texts), "targets_up": targets_up(prometheus)}
    print(json.dumps(found), flush=True)
    return found


def cost(runs: list[dict[str, Any]]) -> tuple[float, float]:
    """Bytes per series, and of Prometheus without series."""
    (least, few), (most, many) = ((each["asked"]["VmHWM"], each["asked"][SHOWN[0]]) for each in runs)
    per_series = (most - least) / (many - few)
    return per_series, least - few * per_series


def formula(series: float) -> float:
    """Bytes by `meshed-mcp capacity`."""
    return sizing.PROMETHEUS_BASE_BYTES + series * sizing.BYTES_PER_SERIES


def table(runs: list[dict[str, Any]]) -> str:
    """The generated section of the page."""
    per_series, base = cost(runs)
    lines = ["| series | samples | maximum memory | by the formula |", "| --- | --- | --- | --- |"]
    for each in runs:
        count, bytes_ = each["asked"][SHOWN[0]], each["asked"]["VmHWM"]
        lines.append(
            f"| {count:,.0f} | {each['samples']:,} | {bytes_ / MIB:.0f} MiB | {formula(count) / MIB:.0f} MiB |"
        )
    measured = f"{per_series / KIB:.1f} KiB for each series and {base / MIB:.0f} MiB beside them"
    taken = f"{sizing.BYTES_PER_SERIES / KIB:g} KiB and {sizing.PROMETHEUS_BASE_BYTES / MIB:.0f} MiB"
    return "\n".join([*lines, "", f"That is {measured}; the formula takes {taken}.", ""])


def failures(runs: list[dict[str, Any]]) -> list[str]:
    """Where the formula is too low, or the run is invalid."""
    found = [
        f"{each['targets_up']} of {each['targets']} targets" for each in runs if each["targets_up"] < each["targets"]
    ]
    found += [f"no block was cut of {each['fleet']}" for each in runs if not each["asked"][SHOWN[2]]]
    if cost(runs)[0] > sizing.BYTES_PER_SERIES:
        found.append(f"a series takes {cost(runs)[0]:.0f} bytes, the formula {sizing.BYTES_PER_SERIES}")
    return found + [
        f"{each['asked']['VmHWM']:,} bytes, the formula {formula(each['asked'][SHOWN[0]]):,.0f}"
        for each in runs
        if each["asked"]["VmHWM"] > formula(each["asked"][SHOWN[0]])
    ]


def main() -> None:
    """Measure, save and print."""
    runs = [measured(fleet) for fleet in FLEETS]
    RAW.write_text(json.dumps({"cores": os.cpu_count(), "runs": runs}, indent=1) + "\n", encoding="utf-8")
    before, _, rest = report.PAGE.read_text(encoding="utf-8").partition(BEGIN)
    report.PAGE.write_text(before + BEGIN + table(runs) + END + rest.partition(END)[2], encoding="utf-8")
    print(table(runs))
    if found := failures(runs):
        sys.exit("; ".join(found))


if __name__ == "__main__":
    main()

"""`make bench-scaling-rules`: checks that the rules of a thousand services are evaluated within their intervals.

Writes bench/results/scaling_rules.json and a table in docs/reference/performance.md. A real Prometheus scrapes a
simulated exporter of two replicas per service and evaluates the rendered rules of forecast and fast scaler at their
own intervals, for some minutes. The history is as long as the run. The seasonal lags, which read 15 samples per
service and lag after two weeks, find no samples.
"""

import argparse
import json
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from bench import report
from bench.dashboards.engine import local_prometheus
from meshed_mcp import contract
from meshed_mcp.cli.prometheus import Prometheus
from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs
from meshed_mcp.components.autoscaling.fast_scaler.manifests import fast_scaler_manifests
from meshed_mcp.components.autoscaling.forecast import rules as forecast_rules
from meshed_mcp.components.promql import fast_scaler

RAW: Final = report.ROOT / "bench" / "results" / "scaling_rules.json"
BEGIN: Final = "<!-- measured: make bench-scaling-rules -->\n"
NAMESPACE: Final = "mcp-system"
REPLICAS: Final = 2
SCRAPE_SECONDS: Final = 5


def rule_groups(services: int) -> list[dict[str, Any]]:
    """All rules that AutoscalingPolicy renders for this many services with forecast and fast scaler."""
    raw = {
        "targets": {f"mcp-{number}": {} for number in range(services)},
        "namespace": NAMESPACE,
        "prometheus_url": "http://prometheus",
        "forecast": {"mode": "on"},
        "keda": {"fast_scaler": {"image": "runtime:1"}},
    }
    args = AutoscalingPolicyArgs.model_validate(raw)
    rules = [
        item
        for item in [*forecast_rules.forecast_rules(args), *fast_scaler_manifests(args)]
        if item["kind"] == "PrometheusRule"
    ]
    return [group for item in rules for group in item["spec"]["groups"]]


@contextmanager
def exporter(services: int) -> Iterator[str]:
    """Gauges of every replica of every service, with new values at each scrape."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(exposition(services).encode())

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def exposition(services: int) -> str:
    """In-flight and queued requests."""
    lines = []
    for number in range(services):
        for replica in range(REPLICAS):
            labels = f'namespace="{NAMESPACE}",{contract.LABEL_SERVER}="mcp-{number}",pod="mcp-{number}-{replica}"'
            value = random.randint(0, 60)  # noqa: S311 - a load, no secret
            lines += [
                f"{contract.METRIC_ACTIVE_REQUESTS}{{{labels}}} {value}",
                f"{contract.METRIC_QUEUE_DEPTH}{{{labels}}} 0",
            ]
    return "\n".join([*lines, ""])


def evaluations(prometheus: Prometheus) -> dict[str, Any]:
    """Per group: its interval and the seconds of its last evaluation."""
    groups = prometheus.http.get("/api/v1/rules").json()["data"]["groups"]
    return {each["name"]: (float(each["interval"]), float(each["evaluationTime"])) for each in groups}


def measured(services: int, minutes: float) -> dict[str, Any]:
    """Seconds of each observed evaluation, per group, and the number that Prometheus reports as missed."""
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as name, exporter(services) as target, local_prometheus(Path(name)) as made:
        prometheus, config = made
        (Path(name) / "rules.json").write_text(json.dumps({"groups": rule_groups(services)}))
        static = [{"targets": [target]}]
        job = {"job_name": "fleet", "scrape_interval": f"{SCRAPE_SECONDS}s", "static_configs": static}
        config.write_text(json.dumps({"rule_files": ["rules.json"], "scrape_configs": [job | {"honor_labels": True}]}))
        prometheus.reload()
        end = time.monotonic() + minutes * 60
        while time.monotonic() < end:
            time.sleep(SCRAPE_SECONDS)
            for group, (interval, seconds) in evaluations(prometheus).items():
                found.setdefault(group, {"interval": interval, "seconds": []})["seconds"].append(seconds)
        missed = prometheus.http.get("/metrics").text.splitlines()
        (recorded,) = prometheus.values(f"count({fast_scaler.NEEDED})", time.time())
    counts = [line for line in missed if line.startswith("prometheus_rule_group_iterations_missed_total{")]
    return {"groups": found, "recorded": recorded[1], "missed": sum(float(line.rpartition(" ")[2]) for line in counts)}


def table(result: dict[str, Any]) -> str:
    """The generated section of the page: one row per kind of group."""
    place, kinds = result["machine"], dict[str, list[dict[str, Any]]]()
    for name, group in result["groups"].items():
        kinds.setdefault(name.rpartition("-")[0] if name[-1].isdigit() else name, []).append(group)
    where = f"{place['date']}, {place['cores']} cores ({place['cpu']})"
    what = f"{result['services']} services, {REPLICAS} replicas each, {result['minutes']:g} minutes"
    lines = [
        f"{where}; {what}; needs recorded: {result['recorded']:g}; evaluations missed: {result['missed']:g}.",
        "",
        "| groups | number | interval, s | longest evaluation, s |",
        "| --- | --- | --- | --- |",
    ]
    for kind, groups in kinds.items():
        longest = max(max(group["seconds"]) for group in groups)
        lines.append(f"| {kind} | {len(groups)} | {groups[0]['interval']:g} | {longest:.2f} |")
    return "\n".join([*lines, ""])


def main() -> None:
    """Measure, save and print; exit with 1 if an evaluation was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--services", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=4)
    parser.add_argument("--trial", action="store_true", help="print the table, save nothing")
    arguments = parser.parse_args()
    about = {"machine": report.machine(), "services": arguments.services, "minutes": arguments.minutes}
    result = about | measured(arguments.services, arguments.minutes)
    if arguments.trial:
        print(table(result))
    else:
        RAW.write_text(json.dumps(result, indent=1) + "\n")
        report.place(BEGIN, table(result))
    sys.exit(result["missed"] > 0)


if __name__ == "__main__":
    main()

"""Autoscaling query on series scraped every 5 s, evaluated by the real promtool."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from meshed_mcp import contract
from meshed_mcp.components.promql import selectors, sidecar

pytestmark = pytest.mark.engine("promtool")

NAMESPACE = "mcp-system"
SERVER = "mcp-rag"
QUERY = selectors.held_in_flight(selectors.selector(NAMESPACE, SERVER))
OF_SIDECARS = sidecar.held_in_flight(selectors.selector(NAMESPACE, SERVER))
SCRAPE_SECONDS = 5


def gauge(pod: int, values: str, metric: str = contract.METRIC_ACTIVE_REQUESTS) -> dict[str, str]:
    """One pod's gauge; `values` in promtool's notation, `_` where nothing was scraped, `stale` where it vanished."""
    labels = f'namespace="{NAMESPACE}",{contract.LABEL_SERVER}="{SERVER}",pod="{SERVER}-{pod}"'
    return {"series": f"{metric}{{{labels}}}", "values": values}


def up(pod: int, values: str, container: str = contract.CONTAINER_NAME) -> dict[str, str]:
    """Whether the pod was scraped; Prometheus writes it for every target it knows."""
    labels = f'namespace="{NAMESPACE}",{contract.LABEL_SERVER}="{SERVER}",pod="{SERVER}-{pod}"'
    return {"series": f'up{{{labels},container="{container}"}}', "values": values}


def of_sidecar(pod: int, values: str, scraped: str, cluster: str = "inbound|8000||") -> list[dict[str, str]]:
    """A sidecar's gauge, and whether the sidecar was scraped."""
    named = gauge(pod, values, contract.METRIC_PROXY_ACTIVE)
    labels = f'container="{contract.PROXY_CONTAINER}",{contract.LABEL_CLUSTER}="{cluster}"'
    series = named["series"].replace("}", f",{labels}}}")
    return [{"series": series, "values": values}, up(pod, scraped, contract.PROXY_CONTAINER)]


def promtool_report(
    promtool: Path,
    folder: Path,
    series: list[dict[str, str]],
    expected: Mapping[int, float | None],
    query: str = QUERY,
) -> str:
    """Report of promtool; `expected` is second -> value of the query, None = no result."""
    checks = [
        {
            "expr": query,
            "eval_time": f"{second}s",
            "exp_samples": [] if value is None else [{"labels": "{}", "value": value}],
        }
        for second, value in expected.items()
    ]
    case = {"interval": f"{SCRAPE_SECONDS}s", "input_series": series, "promql_expr_test": checks}
    path = folder / "case.yaml"
    path.write_text(json.dumps({"evaluation_interval": f"{SCRAPE_SECONDS}s", "tests": [case]}), encoding="utf-8")
    result = subprocess.run([promtool, "test", "rules", path], capture_output=True, text=True, check=False, timeout=60)
    return "" if result.returncode == 0 else result.stdout + result.stderr


def test_peak_is_held_for_thirty_seconds(promtool: Path, tmp_path: Path) -> None:
    """Measured: without the hold, new pods without a scrape lower the sum and the HPA removes a replica."""
    series = [gauge(1, "10x5 40 10x20"), up(1, "1x30")]
    assert promtool_report(promtool, tmp_path, series, {25: 10, 30: 40, 50: 40, 59: 40, 75: 10}) == ""


def test_queued_requests_count_like_in_flight_requests(promtool: Path, tmp_path: Path) -> None:
    """Requirement SCL-1: a service with a concurrency limit of 1 shows its load only in its queue."""
    series = [gauge(1, "4x12"), gauge(1, "6x12", contract.METRIC_QUEUE_DEPTH), up(1, "1x12")]
    assert promtool_report(promtool, tmp_path, series, {60: 10}) == ""


def test_size_is_held_when_half_of_the_gauges_are_missing(promtool: Path, tmp_path: Path) -> None:
    """Measured: a plain sum shrank 8 replicas to 4 within 15 s, without any error."""
    scraped = [gauge(pod, "10x60") for pod in (1, 2)]
    vanished = [gauge(pod, "10x12 stale _x47") for pod in (3, 4)]
    series = [*scraped, *vanished, *(up(pod, "1x60") for pod in (1, 2, 3, 4))]
    every_second = dict.fromkeys(range(60, 140), 40)
    assert promtool_report(promtool, tmp_path, series, every_second) == ""


def test_ready_pod_without_a_scrape_adds_no_load(promtool: Path, tmp_path: Path) -> None:
    """Measured: an unclamped correction counted such pods at once and asked for 31 and 40 replicas instead of 16."""
    series = [gauge(1, "10x30"), up(1, "1x30"), up(2, "_x12 0x2 1x15"), gauge(2, "_x15 0x14")]
    assert promtool_report(promtool, tmp_path, series, {60: 10, 65: 10, 70: 10, 75: 10, 80: 10, 110: 10}) == ""


def test_result_is_empty_when_every_gauge_is_missing(promtool: Path, tmp_path: Path) -> None:
    """KEDA, ignoreNullValues "false": only an empty result lets the fallback hold the size; a 0 would shrink it."""
    series = [gauge(1, "10x12 stale _x30"), up(1, "1x12 0x30")]
    assert promtool_report(promtool, tmp_path, series, {60: 10, 120: None}) == ""


def test_pods_of_other_servers_and_containers_do_not_count(promtool: Path, tmp_path: Path) -> None:
    """Requirement SCL-4: a namespace holds many servers, and Prometheus scrapes their proxies too."""
    proxy = {"series": up(1, "")["series"].replace(f'"{contract.CONTAINER_NAME}"', '"istio-proxy"'), "values": "1x12"}
    other = {"series": gauge(1, "")["series"].replace(SERVER, "mcp-llm"), "values": "99x12"}
    assert promtool_report(promtool, tmp_path, [gauge(1, "10x12"), up(1, "1x12"), proxy, other], {60: 10}) == ""


def test_sidecar_that_served_nothing_yet_counts_as_idle(promtool: Path, tmp_path: Path) -> None:
    """Requirement SIG-1; Istio, `deferred_stat_options`: a proxy exports its gauges from the first request on."""
    busy, idle = of_sidecar(1, "10x12", "1x12"), up(2, "1x12", contract.PROXY_CONTAINER)
    assert promtool_report(promtool, tmp_path, [*busy, idle], {60: 10}, OF_SIDECARS) == ""
    assert promtool_report(promtool, tmp_path, [idle], {60: 0}, OF_SIDECARS) == ""


def test_size_is_held_when_half_of_the_sidecars_are_not_scraped(promtool: Path, tmp_path: Path) -> None:
    """Requirement SCL-2: the correction is that for servers with the runtime."""
    scraped = [each for pod in (1, 2) for each in of_sidecar(pod, "10x60", "1x60")]
    lost = [each for pod in (3, 4) for each in of_sidecar(pod, "10x12 stale _x47", "1x12 0x48")]
    every_second = dict.fromkeys(range(60, 140), 40)
    assert promtool_report(promtool, tmp_path, [*scraped, *lost], every_second, OF_SIDECARS) == ""


def test_result_is_empty_when_no_sidecar_is_scraped(promtool: Path, tmp_path: Path) -> None:
    """KEDA, ignoreNullValues "false": only an empty result lets the fallback hold the size; a 0 would shrink it."""
    lost = of_sidecar(1, "10x12 stale _x30", "1x12 0x30")
    assert promtool_report(promtool, tmp_path, lost, {60: 10, 120: None}, OF_SIDECARS) == ""


def test_open_streams_are_no_load(promtool: Path, tmp_path: Path) -> None:
    """Requirement SIG-1: a client holds a stream open without work in the server."""
    series = [*of_sidecar(1, "2x12", "1x12"), of_sidecar(1, "50x12", "", contract.STREAMS_CLUSTER)[0]]
    assert promtool_report(promtool, tmp_path, series, {60: 2}, OF_SIDECARS) == ""

"""`meshed-mcp capacity`: sizes of monitoring for a stack, and warnings of too small ones."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from bench.dashboards.recorded_series import recorded_series
from bench.dashboards.series import ORGANIZATIONS, Fleet, proxy_series, server_series
from meshed_mcp.__main__ import app
from meshed_mcp.agents import MCPService
from meshed_mcp.cli.capacity import GOALS
from meshed_mcp.components.observability.sizing import formula
from meshed_mcp.components.observability.sizing.formula import GIB, Load
from tests.stacks import ROOT

LOAD = Load(100, 5, 20, 0, 500, 0.1, 5, 15, 30, servers=50)


def capacity(*arguments: str, project: Path = ROOT, stack: str = "prod") -> str:
    """What it prints."""
    result = CliRunner().invoke(app, ["capacity", "--stack", stack, "--project", str(project), *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_series_match_the_worked_example() -> None:
    """Requirement OBS-12: 50 servers of 2 pods, 26 label sets x 1.3 x 17 are 57 k series."""
    of_operations = formula.SERIES_PER_HISTOGRAM * (LOAD.tools + formula.OTHER_METHODS) * formula.RESULTS
    assert LOAD.pods * of_operations == pytest.approx(57_460)


def test_unread_buckets_count_where_they_are_stored() -> None:
    """Requirement OBS-12: the formula knows what monitors store; a pod's histograms are those of the example."""
    whole = LOAD._replace(all_buckets_pods=LOAD.pods)
    more = formula.series(whole)["servers"][0] - formula.series(LOAD)["servers"][0]
    assert more == pytest.approx(100 * 15 * (6 * 1.3 + 4))
    assert formula.proxy_series(LOAD._replace(stores_request_sizes=True)) / formula.proxy_series(LOAD) == pytest.approx(
        68 / 24
    )


def test_recorded_series_are_counted() -> None:
    """Requirement OBS-12: a factor of a formula is checked against what dashboards are tested with."""
    fleet = Fleet(servers=50, pods=20, tools=6)
    load = LOAD._replace(servers=fleet.servers, tools=fleet.tools, organizations=len(ORGANIZATIONS))
    assert 0.8 * formula.recorded_series(load) < len([*recorded_series(fleet)]) <= formula.recorded_series(load)


def test_a_pod_has_no_more_series_than_assumed() -> None:
    """Requirement OBS-12: a factor of a formula is checked against the pods of the dashboard tests."""
    fleet = Fleet(servers=1, pods=1, tools=6)
    load = LOAD._replace(tools=fleet.tools, organizations=len(ORGANIZATIONS))
    assert len([*server_series(fleet)]) <= formula.pod_series(load)
    assert len([*proxy_series(fleet)]) <= formula.proxy_series(load)


def test_a_service_with_all_buckets_is_larger(tmp_path: Path) -> None:
    """Requirement OBS-12: the price of a setting is shown beside the formula."""
    project = stack_with(tmp_path, {})
    file = project / "Pulumi.prod.yaml"
    stack = yaml.safe_load(file.read_text("utf-8"))
    stack["config"]["meshed-mcp:services"]["mcp-rag"]["store_all_histogram_buckets"] = True
    file.write_text(yaml.safe_dump(stack), encoding="utf-8")
    assert "series of a pod with store_all_histogram_buckets: 177 more" in capacity(project=project)


def test_disk_follows_the_formula_of_prometheus() -> None:
    """Prometheus, "Storage": retention x samples a second x bytes per sample."""
    size = formula.prometheus_size(LOAD, 15, 1.0)
    assert size.disk_bytes == pytest.approx(15 * 86_400 * formula.samples_per_second(LOAD) * 1.5)
    assert formula.prometheus_size(LOAD, 15, 0.8).disk_bytes == pytest.approx(size.disk_bytes / 0.8)


def test_without_sampling_no_disk_for_traces_is_needed() -> None:
    """Requirement OBS-12: Jaeger's volume follows the sampling."""
    assert formula.jaeger_size(LOAD._replace(sampled=0.0), 72).disk_bytes == 0
    assert formula.jaeger_size(LOAD, 72).disk_bytes / GIB == pytest.approx(500 * 4 * 0.1 * 500 * 72 * 3600 / GIB)


def test_a_process_has_no_more_series_than_assumed() -> None:
    """Requirement OBS-12: a factor of a formula is checked against a running process."""
    samples = [sample for metric in MCPService("mcp-test").metrics.collect() for sample in metric.samples]
    single = [sample for sample in samples if not sample.name.endswith(("_bucket", "_sum"))]
    assert 0.5 * formula.SINGLE_SERIES < len(single) <= formula.SINGLE_SERIES


def test_the_formula_is_printed_beside_its_numbers() -> None:
    """Requirement OBS-12: each number has its formula and its source."""
    output = capacity("--tools", "10")
    assert "series of a pod: (17 x 10 tools + 2 x 6 methods) x 1.3 + 10 x 5 organizations + 2 x 4 + 50 + " in output
    assert "store_all_histogram_buckets" not in output
    assert "samples/s x 1.5 B x 15 d / 0.8" in output
    assert "of what 62 pods request" in output


def test_a_field_that_is_too_small_is_named_with_what_to_set() -> None:
    """Requirement CFG-2: a warning names the field and the fix."""
    output = capacity("--calls", "1000", "--tools", "400")
    assert "warning MM0855: observability.prometheus.storage_gib is 50 GiB, and the load needs " in output
    assert "warning MM0855: observability.jaeger.storage_gib is 20 GiB, and the load needs " in output


def test_following_a_warning_ends_it(tmp_path: Path) -> None:
    """Requirement CFG-12: a stack that follows a warning gets no further one."""
    project = stack_with(tmp_path, {"jaeger": {"storage_gib": 40}})
    assert "warning" in capacity()
    assert "warning" not in capacity(project=project)


def stack_with(folder: Path, observability: dict[str, Any]) -> Path:
    """The folder, with the production stack and other monitoring."""
    (folder / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text("utf-8"), encoding="utf-8")
    stack = yaml.safe_load((ROOT / "Pulumi.prod.yaml").read_text("utf-8"))
    stack["config"]["meshed-mcp:observability"] = observability
    (folder / "Pulumi.prod.yaml").write_text(yaml.safe_dump(stack), encoding="utf-8")
    return folder


def test_collectors_are_sized_where_the_stack_has_them(tmp_path: Path) -> None:
    """Requirement OBS-12: Prometheus, Jaeger and collectors; a gateway's memory holds whole pending traces."""
    choice = {"decision_wait_seconds": 900, "rest_percent": 5}
    collectors = {"tail_sampling": choice, "agent_resources": {"cpu": "1m", "memory": "128Mi"}}
    output = capacity("--calls", "100", project=stack_with(tmp_path, {"collectors": collectors}))
    assert "memory of a gateway: 100 MiB + (its share of spans x (5 + 900) s + queue_spans) x 2 KiB" in output
    assert (
        "warning MM0855: observability.collectors.gateway_resources.memory is 1024 MiB, and the load needs " in output
    )
    assert "warning MM0855: observability.collectors.agent_resources.cpu is 1 m, and the load needs " in output
    assert "collectors" not in capacity()


def test_an_opensearch_storage_needs_no_volume_of_jaeger(tmp_path: Path) -> None:
    """Requirement CFG-12: no warning names a volume that does not exist."""
    storage = {"kind": "opensearch", "url": "https://opensearch.data.svc:9200"}
    output = capacity("--calls", "1000", project=stack_with(tmp_path, {"jaeger": {"storage": storage}}))
    assert "observability.jaeger.resources.cpu" in output
    assert "observability.jaeger.storage_gib" not in output


def test_with_tail_sampling_jaeger_stores_the_sampled_share() -> None:
    """Requirement OBS-12: collectors take all spans, Jaeger those that are kept."""
    tail = formula.Tail(60, 0.05)
    assert formula.spans_per_second(formula.after_tail_sampling(LOAD, tail)) == pytest.approx(
        formula.spans_per_second(LOAD) / 20
    )
    assert formula.after_tail_sampling(LOAD, None) == LOAD
    waiting, passing = formula.gateway_size(LOAD, 2, 0, tail), formula.gateway_size(LOAD, 2, 0, None)
    assert (waiting.memory_bytes - passing.memory_bytes) / 60 == pytest.approx(formula.spans_per_second(LOAD) * 1024)


def test_a_large_stack_stays_within_the_figures() -> None:
    """Requirement OBS-12: monitoring's own share by the formula, at a thousand pods of ten tools."""
    load = LOAD._replace(pods=1000, nodes=50, tools=10, organizations=5, calls_per_second=10_000)
    own = [formula.prometheus_size(load, 15, 0.8), formula.jaeger_size(load, 72)]
    assert sum(size.cores for size in own) / (1000 * 0.35) < GOALS["CPU"]
    assert sum(size.memory_bytes for size in own) / (1000 * 384 * 2**20) < GOALS["memory"]


def test_existing_monitoring_is_not_sized() -> None:
    """Requirement CFG-12: a size that the stack would reject is not advised."""
    text = capacity(project=ROOT / "examples" / "stacks", stack="existing")
    assert "The stack installs no part of monitoring" in text
    assert "storage_gib" not in text


def test_cluster_without_a_mesh_has_no_series_of_proxies() -> None:
    """Requirement OBS-12: a pod without a sidecar has the series of its server alone."""
    assert formula.series(LOAD._replace(proxies=False))["proxies"][0] == 0
    assert "series of proxies: 0, " in capacity(project=ROOT / "examples" / "stacks", stack="meshless")

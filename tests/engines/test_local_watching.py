"""A local run monitored by a real Prometheus and Alertmanager: targets, rules, alerts of injected faults."""

import io
import json
import re
from collections.abc import Iterator

import pytest
from rich.console import Console

from bench import stacks
from meshed_mcp.components.observability.alertmanager.routing import alertmanager_config
from meshed_mcp.components.observability.args import AlertmanagerSettings, ObservabilityStackArgs
from meshed_mcp.components.observability.manifests import pod_monitors, prometheus_rules
from meshed_mcp.local import session
from meshed_mcp.local.fault_injection import InjectedFault, with_faults
from meshed_mcp.local.observe.monitoring import ADDRESSES, MonitoringConfig, RunMonitor, monitored
from meshed_mcp.local.observe.top import top
from meshed_mcp.local.process.container import RunFolders
from meshed_mcp.local.process.stack_runner import Running, running
from meshed_mcp.local.translate.stack import read_stack
from meshed_mcp.local.verification import Call
from tests.engines.processes import free_port
from tests.engines.waiting import wait_for

pytestmark = pytest.mark.engine("prometheus", "alertmanager")

ARGS = ObservabilityStackArgs()
WEBHOOK = {"webhook": {"secret": "pager", "key": "url"}}
ROUTES = alertmanager_config(AlertmanagerSettings.model_validate(WEBHOOK)) | {
    "receivers": [{"name": "null"}, {"name": "webhook"}]
}
FAULTS = (InjectedFault.parsed("counted=errors"), InjectedFault.parsed("other=down"))
CALLS = [Call(stacks.COUNTED, "count", {"token": "a"})]
FIRE_SECONDS = 240.0
"""Rates over five minutes must have a hundred calls in them; rules are evaluated each 15 and 30 s."""


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, RunMonitor]]:
    """Two services, one of which will fail and one end."""
    folder = tmp_path_factory.mktemp("watched")
    counts = folder / "counts"
    counts.mkdir()
    objects = [*stacks.counted(counts, replicas=2), *pod_monitors(ARGS), *prometheus_rules(ARGS)]
    objects += stacks.server("other", "counted", expose=True, replicas=1, env={"VERSION": "1", "COUNTS": str(counts)})
    folders = RunFolders(folder / "run", folder / "secrets")
    with (
        running(read_stack(with_faults(objects, FAULTS)), free_port(), folders, lambda _: None, changes=False) as up,
        monitored(up, MonitoringConfig(objects, ROUTES, max_hold_seconds=0)) as watch,
    ):
        yield up, watch


def test_every_target_is_up_and_every_rule_is_healthy(watched: tuple[Running, RunMonitor]) -> None:
    """Requirement OBS-1: targets up, rules loaded. Three replicas, their sidecars, the Deployments."""
    _, watch = watched
    wait_for(lambda: watch.step() or "7 of 7 targets up" in watch.summary(), "targets are up", 60)
    count = sum(len(group["rules"]) for item in prometheus_rules(ARGS) for group in item["spec"]["groups"]) - 1
    assert f"{count} of {count} rules healthy" in watch.summary()


@pytest.mark.timeout(2 * FIRE_SECONDS + 60)
def test_the_chosen_alerts_fire_and_name_their_receivers(watched: tuple[Running, RunMonitor]) -> None:
    """Requirement OBS-4: a fault flag makes a chosen alert fire, by rendered rules, in a real Alertmanager."""
    up, watch = watched
    said: list[str] = []

    def fired(name: str, service: str) -> bool:
        said.extend(watch.step())
        return any(f"{name}: " in line and service in line and "would go to webhook" in line for line in said)

    with session.run_faults(up, CALLS, FAULTS, said.append):
        assert said[0] == "counted has the fault errors; it makes MCPServerErrorBudgetBurn and MCPToolErrorRate fire"
        wait_for(lambda: fired("MCPServerDown", "other"), "MCPServerDown of other fires", FIRE_SECONDS)
        wait_for(lambda: fired("MCPServerErrorBudgetBurn", "counted"), "the burn fires", FIRE_SECONDS)
        table = shown(watch)
        assert not any("MCPServerDown" in line and "counted" in line for line in said)
    assert re.search(r"\bcounted *│ *2 *│", table), table
    assert re.search(r"[1-9]\d\.\d%", table), table
    assert "MCPServerErrorBudgetBurn" in table


def test_the_addresses_of_monitoring_are_in_the_folder_of_the_run(watched: tuple[Running, RunMonitor]) -> None:
    """Requirement LOC-5: `meshed-mcp local top` in another terminal finds it."""
    up, watch = watched
    found = json.loads((up.folders.state / ADDRESSES).read_text(encoding="utf-8"))
    assert found == {"prometheus": str(watch.scraping.client.http.base_url), "alertmanager": watch.alerts_url}


def shown(watch: RunMonitor) -> str:
    """What `meshed-mcp local top --once` prints."""
    out = io.StringIO()
    top(watch.scraping.client, watch.alerts_url, Console(file=out, width=120), once=True)
    return out.getvalue()

"""Monitoring of the local run: scrape jobs, rules, routes, fault injection, the live table."""

import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from meshed_mcp import contract
from meshed_mcp.components.alerts.burn_rate import BURN_RATES
from meshed_mcp.components.mesh.service import manifests as service
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs
from meshed_mcp.components.observability.alertmanager.routing import alertmanager_config
from meshed_mcp.components.observability.args import AlertmanagerSettings, ObservabilityStackArgs
from meshed_mcp.components.observability.manifests import prometheus_rules
from meshed_mcp.components.observability.metrics.monitors import envoy_monitor, stored_series, tracing_monitor
from meshed_mcp.components.observability.prometheus.alert_rules import alert_rules
from meshed_mcp.local import fault_injection
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.fault_injection import ALERTS, FaultKind, InjectedFault, with_faults
from meshed_mcp.local.observe import alertmanager as alerting
from meshed_mcp.local.observe import monitoring, top
from meshed_mcp.local.observe.prometheus import jobs
from meshed_mcp.local.process.container import RunFolders, programs
from meshed_mcp.local.translate.topology import Topology
from tests.stacks import STACKS, recording

ARGS = ObservabilityStackArgs()
BEHIND = {"namespace": "apps", contract.LABEL_SERVER: "mcp-rag"}


def test_proxies_of_every_namespace_are_scraped_at_their_interface() -> None:
    """Prometheus operator, PodMonitor: an empty selector and `any` choose every pod; its series are at 15000."""
    (job,) = jobs(envoy_monitor(ARGS), Path("targets.json"))
    assert [rule for rule in job["relabel_configs"] if rule.get("action") == "keep"] == []
    assert {"replacement": "istio-proxy", "target_label": "container"} in job["relabel_configs"]
    assert any(rule.get("replacement") == "$1:15000" for rule in job["relabel_configs"])
    (rule,) = job["metric_relabel_configs"]
    assert rule == {"action": "keep", "source_labels": ["__name__"], "regex": stored_series(ARGS)}


def test_pods_are_selected_by_expressions_too() -> None:
    """Kubernetes, LabelSelector: `In` is one of the values. None of these pods runs here."""
    (job,) = jobs(tracing_monitor("monitoring"), Path("targets.json"))
    kept = {rule["source_labels"][0]: rule["regex"] for rule in job["relabel_configs"] if rule.get("action") == "keep"}
    assert kept == {
        "namespace": "monitoring",
        "__meta_kubernetes_pod_label_app_kubernetes_io_name": "jaeger|otel-agent|otel-gateway",
    }


def test_rules_are_the_rendered_ones() -> None:
    """Requirement LOC-1: alerts on programs that do not run locally are left out, as they would fire in every run."""
    found = [rule for group in alerting.rule_groups(prometheus_rules(ARGS), None)["groups"] for rule in group["rules"]]
    rendered = [rule for item in prometheus_rules(ARGS) for group in item["spec"]["groups"] for rule in group["rules"]]
    assert [rule for rule in rendered if rule not in found] == [
        rule for rule in rendered if rule.get("alert") == "GrafanaDown"
    ]
    assert all(rule in rendered for rule in found)


def test_alerts_that_are_left_out_exist() -> None:
    """Requirement PRJ-1: a list of unknown names is out of date."""
    every = {
        rule.get("alert")
        for stack in STACKS
        for item in recording(stack).objects
        if item["kind"] == "PrometheusRule"
        for group in item["spec"]["groups"]
        for rule in group["rules"]
    }
    assert every | {"MCPFastScalerDown"} >= alerting.NOT_RUN


def test_a_long_alert_wait_is_shortened_and_a_shorter_one_kept() -> None:
    """Requirement LOC-1: `--hold 5` shortens the waits of alerts."""
    holds = {rule["alert"]: rule["for"] for rule in alerting.rule_groups([alert_rules(ARGS)], 5)["groups"][0]["rules"]}
    assert holds["MCPServerDown"] == "5s"
    assert holds["MCPServerFlapping"] == "0s"


def test_groups_of_two_objects_with_one_name_are_two_groups() -> None:
    """Requirement LOC-1: Prometheus rejects a file with two groups of one name; the operator writes two files."""
    rule = {"record": "a", "expr": "1"}
    spec = {"groups": [{"name": "mcp-load", "rules": [rule]}]}
    objects = [{"kind": "PrometheusRule", "metadata": {"name": name}, "spec": spec} for name in ("scaling", "levels")]
    names = [group["name"] for group in alerting.rule_groups(objects, None)["groups"]]
    assert names == ["scaling/mcp-load", "levels/mcp-load"]


def test_routes_are_rendered_and_no_receiver_is_notified() -> None:
    """Requirement LOC-3: a local run sends no notification; the receiver's name shows its target."""
    settings = {"webhook": {"secret": "pager", "key": "url"}, "heartbeat": {"secret": "pager", "key": "heart"}}
    config = alertmanager_config(AlertmanagerSettings.model_validate(settings))
    found = alerting.rendered_routes(
        [{"name": "other", "values": {}}, {"values": {"alertmanager": {"config": config}}}]
    )
    assert found is not None
    assert found["receivers"] == [{"name": "null"}, {"name": "webhook"}, {"name": "heartbeat"}]
    assert found["route"] == config["route"]
    assert alerting.rendered_routes([{"name": "other"}]) is None


def fault(text: str) -> InjectedFault:
    """An injected fault from its text."""
    return InjectedFault.parsed(text)


def test_fault_injection_wraps_the_program_of_every_version(
    objects: list[dict[str, Any]], laid_out: Callable[[list[dict[str, Any]]], Topology], tmp_path: Path
) -> None:
    """Requirement LOC-1: the service's own process fails, so its own metrics show it."""
    pods = laid_out(with_faults(objects, [fault("back=slow")])).pods
    commands = {pod.name: programs(pod, RunFolders(tmp_path, tmp_path))[0].command[1:4] for pod in pods}
    assert {name for name, command in commands.items() if command == ("-m", fault_injection.FAULTY, "slow")} == {
        name for name in commands if name.startswith("back")
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("back", "--fault back is not a fault; use SERVICE=KIND with one of errors, slow, down"),
        ("back=late", "--fault back=late is not a fault; use SERVICE=KIND with one of errors, slow, down"),
        ("bakc=slow", "--fault bakc=slow: there is no service bakc; did you mean back?"),
        (
            "front=errors",
            (
                "--fault front=errors: the command of the service does not start Python, which the "
                "fault needs; use =down"
            ),
        ),
    ],
)
def test_an_invalid_fault_flag_is_rejected(objects: list[dict[str, Any]], text: str, message: str) -> None:
    """Requirement CFG-2: which flag, what is wrong, what to set instead."""
    for item in objects:
        if item["kind"] == "Deployment" and item["metadata"]["name"] == "front":
            item["spec"]["template"]["spec"]["containers"][0]["command"] = ["/bin/front"]
    with pytest.raises(LocalRunError) as found:
        with_faults(objects, [fault(text)])
    assert found.value.messages == (message,)


@pytest.mark.parametrize(
    "settings",
    [
        {"image": "a:1", "runtime": "external", "command": ["python"]},
        {"package": "pypi:mcp-time==1.0", "bridge_image": "b:1"},
    ],
)
def test_a_server_of_others_can_only_be_down(settings: dict[str, Any]) -> None:
    """Requirement LOC-2: the fault is put into the runtime's tool calls, and neither has any."""
    items = service.service_manifests("mcp-a", MeshedMCPServiceArgs.model_validate(settings))
    with pytest.raises(LocalRunError) as found:
        with_faults(items, [fault("mcp-a=slow")])
    assert [message.code for message in found.value.messages] == ["MM0846"]
    assert with_faults(items, [fault("mcp-a=down")]) == items


def test_the_registry_can_only_be_down(objects: list[dict[str, Any]]) -> None:
    """Requirement LOC-1: the registry has no tools, so the only fault is a stop."""
    for item in objects:
        if item["kind"] == "Deployment":
            item["spec"]["template"]["metadata"]["labels"]["app"] = contract.REGISTRY_NAME
    with pytest.raises(LocalRunError, match="the registry has no tools; use =down"):
        with_faults(objects, [fault(f"{contract.REGISTRY_NAME}=slow")])
    assert fault(f"{contract.REGISTRY_NAME}=down").alerts == ("MCPRegistryDown",)


def test_fault_flags_name_alerts_that_exist() -> None:
    """Requirement LOC-5: the run names only alerts that exist."""
    known = {rule["alert"] for group in alert_rules(ARGS)["spec"]["groups"] for rule in group["rules"]}
    assert {name for kind in FaultKind for name in ALERTS[kind]} | set(fault_injection.REGISTRY_ALERTS) <= known


class Numbers:
    """A Prometheus that has these values, by expression."""

    def __init__(self, by_heading: dict[str, float]) -> None:
        self.by_expression = {
            column.expression: by_heading[column.heading] for column in top.COLUMNS if column.heading in by_heading
        }

    def values(self, expression: str, _: float) -> list[tuple[dict[str, str], float]]:
        """As `Prometheus.values`."""
        return [(BEHIND, self.by_expression[expression])] if expression in self.by_expression else []


def test_the_live_table_has_a_row_per_service_and_marks_missing_numbers() -> None:
    """Requirement LOC-5: calls/s, p99, errors, in flight and burn rate; a missing number is shown as missing."""
    values = {"calls/s": 4.04, "p99 ms": 0.101, "errors": 0.5, "in flight": 3.0, "burn 1h": math.nan}
    out = io.StringIO()
    found = top.numbers(Numbers(values), 0.0)  # type: ignore[arg-type]
    Console(file=out, width=100).print(top.table(found))
    row = next(line for line in out.getvalue().splitlines() if "mcp-rag" in line)
    assert [part.strip() for part in row.split("│")[1:-1]] == ["mcp-rag", "-", "4.0", "101", "50.0%", "3", "-"]


def test_the_live_table_of_the_dev_stack_fits_80_columns() -> None:
    """Requirement LOC-5: no heading is truncated in a terminal, or a pipe, of the usual width."""
    out, found = io.StringIO(), {("mcp-system", "mcp-organization"): {"calls/s": 1234.5, "burn 1h": 100.0}}
    Console(file=out, width=80).print(top.table(found))
    assert all(column.heading in out.getvalue() for column in top.COLUMNS)
    assert "mcp-organization" in out.getvalue()


def test_the_live_table_is_redrawn_until_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requirement LOC-5: a live terminal table; Ctrl-C leaves the last one and no traceback."""
    numbers = Numbers({"calls/s": 1.0})
    pauses = iter([lambda: numbers.by_expression.update({top.COLUMNS[1].expression: 2.5}), interrupt])
    monkeypatch.setattr("meshed_mcp.local.observe.top.time.sleep", lambda _: next(pauses)())
    out = io.StringIO()
    top.top(numbers, None, Console(file=out, width=100, force_terminal=True), once=False)  # type: ignore[arg-type]
    assert out.getvalue().index("1.0") < out.getvalue().index("2.5")
    assert "no alert fires" in out.getvalue()


def interrupt() -> None:
    """Simulate Ctrl-C."""
    raise KeyboardInterrupt


def test_values_over_the_threshold_are_red() -> None:
    """Requirement LOC-5: thresholds are those of the alerts."""
    columns = {column.heading: column for column in top.COLUMNS}
    assert columns["burn 1h"].bad == BURN_RATES[0].factor
    assert top.cell(columns["burn 1h"], 15.0).style == "red"
    assert not top.cell(columns["burn 1h"], 1.0).style


@pytest.mark.parametrize(
    ("state", "receivers", "says"),
    [
        ("active", ["webhook", "email"], "critical: MCPServerDown: None answers (would go to webhook, email)"),
        ("active", ["null"], "critical: MCPServerDown: None answers (would go to no receiver)"),
        ("suppressed", ["email"], "critical: MCPServerDown: None answers (inhibited or silenced)"),
    ],
)
def test_an_alert_shows_severity_summary_and_receivers(state: str, receivers: list[str], says: str) -> None:
    """Requirement LOC-5: one line, with the receivers of the rendered routes."""
    alert = {
        "labels": {"alertname": "MCPServerDown", "severity": "critical"},
        "annotations": {"summary": "None answers"},
        "status": {"state": state},
        "receivers": [{"name": name} for name in receivers],
    }
    assert monitoring.line(alert) == says


def test_a_run_without_monitoring_has_no_addresses(tmp_path: Path) -> None:
    """Requirement CLI-1: `top` then says how to start a monitored run."""
    assert monitoring.addresses(tmp_path) is None

"""The recording rule of the pod deletion cost, evaluated by the real promtool."""

from pathlib import Path

import pytest

from meshed_mcp import contract
from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs
from meshed_mcp.components.autoscaling.fast_scaler import pod_deletion_cost
from meshed_mcp.components.promql import autoscaling
from tests.promql.rule_cases import promtool_failures

pytestmark = pytest.mark.engine("promtool")

RAW = {
    "targets": {"mcp-chat": {"profile": "session", "sessions_per_replica": 400}},
    "prometheus_url": "http://prometheus:9090",
    "deletion_cost": {"image": "runtime:1"},
}


def series(name: str, pod: str, more: str = "", server: str = "mcp-chat") -> str:
    """A series of a pod."""
    return f'{name}{{namespace="mcp-system",{contract.LABEL_SERVER}="{server}",pod="{pod}"{more}}}'


INPUTS = {
    series(contract.METRIC_ACTIVE_SESSIONS, "full"): "390x5",
    series(contract.METRIC_OPEN_STREAMS, "full", ',kind="sse"'): "390x5",
    series(contract.METRIC_OPEN_STREAMS, "full", ',kind="listen"'): "20x5",
    series(contract.METRIC_ACTIVE_SESSIONS, "one"): "1x5",
    series(contract.METRIC_ACTIVE_SESSIONS, "empty"): "0x5",
    series(contract.METRIC_ACTIVE_SESSIONS, "other", server="mcp-rag"): "50x5",
}


def test_deletion_cost_counts_sessions_and_listen_streams_in_steps_of_20(promtool: Path, tmp_path: Path) -> None:
    """Requirement SCL-3: a session's own event stream is not counted twice; other servers are excluded."""
    (rules,) = [
        item
        for item in pod_deletion_cost.pod_deletion_cost_manifests(AutoscalingPolicyArgs.model_validate(RAW))
        if item["kind"] == "PrometheusRule"
    ]
    samples = [{"labels": f'{{pod="{pod}"}}', "value": cost} for pod, cost in (("empty", 0), ("full", 21), ("one", 1))]
    check = {"expr": autoscaling.pod_deletion_costs("mcp-system"), "eval_time": "1m", "exp_samples": samples}
    inputs = [{"series": name, "values": values} for name, values in INPUTS.items()]
    case = {"interval": "15s", "input_series": inputs, "promql_expr_test": [check]}
    assert promtool_failures(promtool, tmp_path, [rules], case, "15s") == ""

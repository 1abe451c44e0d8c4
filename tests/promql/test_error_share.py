"""Which failures count as the server's, evaluated by the real promtool."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from meshed_mcp import contract
from meshed_mcp.components.core import queries

pytestmark = pytest.mark.engine("promtool")

SELECT = queries.selector("mcp-system", "mcp-rag")


def complaints(promtool: Path, folder: Path, calls_per_scrape: Mapping[str, int], share: float | None) -> str:
    """What promtool finds wrong with `share` as the answer, or ""; `calls_per_scrape` is error_type -> calls in 5 s."""
    labels = f'{{namespace="mcp-system",{contract.LABEL_SERVER}="mcp-rag",{contract.LABEL_ERROR}="%s"}}'
    counts = f"{contract.METRIC_OPERATION_DURATION}_count"
    series = [{"series": counts + labels % code, "values": f"0+{calls}x60"} for code, calls in calls_per_scrape.items()]
    answer = [] if share is None else [{"labels": f'{{{contract.LABEL_SERVER}="mcp-rag"}}', "value": share}]
    check = {"expr": queries.error_share(SELECT, "20s"), "eval_time": "4m", "exp_samples": answer}
    case = {"interval": "5s", "input_series": series, "promql_expr_test": [check]}
    path = folder / "case.yaml"
    path.write_text(json.dumps({"tests": [case]}), encoding="utf-8")
    result = subprocess.run([promtool, "test", "rules", path], capture_output=True, text=True, check=False, timeout=60)
    return "" if result.returncode == 0 else result.stdout + result.stderr


def test_a_tool_that_fails_is_the_servers_fault(promtool: Path, tmp_path: Path) -> None:
    """OpenTelemetry MCP conventions: `isError: true` is error.type tool_error."""
    assert complaints(promtool, tmp_path, {"": 18, "tool_error": 1, "-32603": 1}, 0.1) == ""


def test_malformed_calls_are_the_callers_fault(promtool: Path, tmp_path: Path) -> None:
    """OpenTelemetry MCP conventions, server: -32602 and its like should not count as errors."""
    assert complaints(promtool, tmp_path, {"": 10, "-32602": 10}, 0) == ""


def test_a_caller_that_goes_away_is_no_error(promtool: Path, tmp_path: Path) -> None:
    """Product rule: nobody is paged because a client closed its window; too slow a server shows in the latency."""
    assert complaints(promtool, tmp_path, {"": 15, "cancelled": 5}, 0) == ""


def test_a_server_without_failures_has_a_share_of_zero(promtool: Path, tmp_path: Path) -> None:
    """Product rule: "no failure" is drawn as 0 and not as a gap."""
    assert complaints(promtool, tmp_path, {"": 10}, 0) == ""


def test_an_idle_server_has_no_share(promtool: Path, tmp_path: Path) -> None:
    """Product rule: a ratio without traffic says nothing, and 0/0 is not shown as a number."""
    assert complaints(promtool, tmp_path, {"": 0}, None) == ""

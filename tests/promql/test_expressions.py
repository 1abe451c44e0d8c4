"""Syntax of every PromQL expression of the product, checked by the real promtool."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs, ScalingTarget
from meshed_mcp.components.autoscaling.scalers import autoscaler_manifests as scaled_objects
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.dashboards.config_maps import dashboard_config_maps as dashboards

MACROS = {
    "$__range_s": "3600",
    "$__range": "1h",
    "$__rate_interval": "20s",
    "$namespace": "mcp-system",
    "$server": "mcp-rag",
    "$pod": "mcp-rag-5d8f7-x2x4z",
}
"""What Grafana writes for its macros and our variables."""


def expressions() -> list[str]:
    """Expressions of every panel of every dashboard, and of ScaledObjects of both kinds of servers."""
    boards = [json.loads(text) for item in dashboards(ObservabilityStackArgs()) for text in item["data"].values()]
    found = [target["expr"] for board in boards for panel in board["panels"] for target in panel["targets"]]
    found += [mark["target"]["expr"] for board in boards for mark in board["annotations"]["list"]]
    outside = ScalingTarget(has_runtime=False)
    targets = {"mcp-rag": ScalingTarget(profile="session", version="canary"), "mcp-outside": outside}
    scalers = scaled_objects(AutoscalingPolicyArgs(targets=targets, prometheus_url="http://prometheus:9090"))
    triggers = [entry for scaler in scalers for entry in scaler["spec"]["triggers"]]
    found += [entry["metadata"]["query"] for entry in triggers if entry["type"] == "prometheus"]
    return [without_macros(text) for text in found]


def without_macros(text: str) -> str:
    """`text` as Grafana sends it."""
    for macro, value in MACROS.items():
        text = text.replace(macro, value)
    return text


def check(promtool: Path, folder: Path, texts: list[str]) -> subprocess.CompletedProcess[str]:
    """Report of promtool for `texts` as rules of one group."""
    rules: list[dict[str, Any]] = [{"record": f"test:{number}", "expr": text} for number, text in enumerate(texts)]
    path = folder / "rules.yaml"
    path.write_text(json.dumps({"groups": [{"name": "all", "rules": rules}]}), encoding="utf-8")
    return subprocess.run([promtool, "check", "rules", path], capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.engine("promtool")
def test_every_expression_is_valid_promql(promtool: Path, tmp_path: Path) -> None:
    """Prometheus' own parser: without it, a syntax error in a panel or a scaler shows only in the cluster."""
    texts = expressions()
    assert len(texts) > 10
    result = check(promtool, tmp_path, texts)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.engine("promtool")
def test_broken_expression_is_found(promtool: Path, tmp_path: Path) -> None:
    """Requirement PRJ-1: the parser check fails on a broken expression."""
    assert check(promtool, tmp_path, [*expressions(), "sum(rate(x[30s])"]).returncode != 0


def test_no_macro_is_left_unreplaced() -> None:
    """Requirement OBS-7: a variable that no dashboard defines would reach Prometheus unreplaced."""
    assert not [text for text in expressions() if "$" in text]

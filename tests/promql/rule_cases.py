"""Helpers that evaluate rules and expressions by the real promtool."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from meshed_mcp import contract

NAMESPACE = "mcp-system"
SERVER = "mcp-rag"
OF_SERVER = f'namespace="{NAMESPACE}",{contract.LABEL_SERVER}="{SERVER}"'


def series(name: str, values: str, **labels: str) -> dict[str, str]:
    """One input series of the server's first pod; `values` in promtool's notation."""
    every = {"namespace": NAMESPACE, contract.LABEL_SERVER: SERVER, "pod": f"{SERVER}-1"} | labels
    text = ",".join(f"{key}={json.dumps(value)}" for key, value in every.items() if value)
    return {"series": f"{name}{{{text}}}", "values": values}


def run_promtool(promtool: Path, *arguments: str | Path) -> str:
    """Report of promtool, "" without failures."""
    result = subprocess.run([promtool, *arguments], capture_output=True, text=True, check=False, timeout=100)
    return "" if result.returncode == 0 else result.stdout + result.stderr


def write_rules(folder: Path, objects: Sequence[Mapping[str, Any]]) -> Path:
    """The groups of PrometheusRules, as the operator writes them to a file."""
    path = folder / "rules.yaml"
    groups = [group for item in objects for group in item["spec"]["groups"]]
    path.write_text(json.dumps({"groups": groups}), encoding="utf-8")
    return path


def write_tests(folder: Path, tests: Sequence[Mapping[str, Any]], interval: str = "1m") -> Path:
    """Test cases over `write_rules`. Groups are evaluated in their order, because promtool's own is random."""
    path = folder / "cases.yaml"
    groups = json.loads((folder / "rules.yaml").read_text(encoding="utf-8"))["groups"]
    document = {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": interval,
        "group_eval_order": [group["name"] for group in groups],
        "tests": list(tests),
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def promtool_failures(
    promtool: Path, folder: Path, objects: Sequence[Mapping[str, Any]], case: Mapping[str, Any], interval: str = "1m"
) -> str:
    """Failures of `case` in promtool's report for the rules of `objects`, evaluated every `interval`; "" if none."""
    write_rules(folder, objects)
    return run_promtool(promtool, "test", "rules", write_tests(folder, [case], interval))

"""The change map's row for an alert: four hand-written files, tried in a copy of the repository."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.stacks import ROOT

FOLDERS: Final = ("agents", "components", "docs", "infra", "local", "meshed_mcp", "tests")
NAME: Final = "MCPServerPhaseUnknown"

RECORD: Final = f"""
    Alert(
        name="{NAME}",
        expression=lambda scope: promql.stale_phase(scope.threshold),
        for_seconds=300,
        component=Component.SERVER,
        summary=f"{{SERVER}} has reported no phase for {{NUMBER}} s",
        description="Dashboards do not show the phase of its replicas.",
        threshold=Threshold(default=60, unit="seconds", minimum=1, maximum=3600),
    ),
"""
EXPRESSION: Final = '''

def stale_phase(threshold: float) -> PromQL:
    """Seconds since a server last reported its phase."""
    return PromQL(f"max {BY_SERVER} (time() - {contract.METRIC_HEARTBEAT}) > {threshold:g}")
'''
RUNBOOK: Final = f"""# {NAME}

## Meaning

A server has reported no phase for a minute.

## Impact

Dashboards do not show the phase of its replicas.

## Diagnosis

- Read the log of the server.

## Mitigation

- Restart the replicas of the server.
"""
HEARTBEAT: Final = 'mcp_agent_last_heartbeat_timestamp_seconds{namespace="mcp-system",mcp_server_name="mcp-rag"}'
CASES: Final = f"""- summary: mcp-rag in mcp-system has reported no phase for 1200 s
  fires:
    {HEARTBEAT}: "0+60x100 6000x30"
  quiet:
    {HEARTBEAT}: "0+60x130"
"""

GENERATE: Final = (
    "from pathlib import Path; from meshed_mcp.infra import alerts_reference as page; "
    "Path('docs/reference/alerts.md').write_text(page.page(), encoding='utf-8')"
)


def write_alert(copy: Path) -> None:
    """The hand-written files of one alert."""
    records = copy / "components" / "alerts" / "servers.py"
    start = "SERVERS: Final = (\n"
    text = records.read_text(encoding="utf-8")
    assert start in text
    records.write_text(text.replace(start, start + RECORD.lstrip("\n"), 1), encoding="utf-8")
    with (copy / "components" / "core" / "alert_queries.py").open("a", encoding="utf-8") as expressions:
        expressions.write(EXPRESSION)
    (copy / "docs" / "runbooks" / f"{NAME}.md").write_text(RUNBOOK, encoding="utf-8")
    (copy / "tests" / "promql" / "alerts" / f"{NAME}.yaml").write_text(CASES, encoding="utf-8")


def error_of(copy: Path, promtool: Path, *arguments: str) -> str:
    """What Python prints when it fails in the copy, or ""."""
    path = f"{promtool.parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy), "PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.engine("promtool")
def test_an_alert_takes_four_hand_written_files(find_engine: Callable[[str], Path], tmp_path: Path) -> None:
    """Requirement OBS-4: an alert is a record, an expression, a runbook and its cases; the rest is generated."""
    promtool = find_engine("promtool")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, tmp_path / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    write_alert(tmp_path)
    assert error_of(tmp_path, promtool, "-c", GENERATE) == ""
    pytest_run = ("-m", "pytest", "-q", "-x")
    units = ("tests/unit/components/alerts", "tests/unit/infra/reference/test_alerts.py")
    assert error_of(tmp_path, promtool, *pytest_run, *units) == ""
    assert error_of(tmp_path, promtool, *pytest_run, "tests/promql/test_alerts.py", "-k", NAME) == ""

"""The canary steps of the deploy workflow, with fakes of `pulumi` and `meshed-mcp` that record their arguments."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.stacks import ROOT

SCRIPT = ROOT / ".github" / "workflows" / "canary.sh"


def steps(folder: Path, verdicts: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Result of the script and the commands that it runs, if the analyses exit with `verdicts`, one digit each."""
    log, answers, tools = folder / "log", folder / "answers", folder / ".venv" / "bin"
    tools.mkdir(parents=True)
    answers.write_text(verdicts, encoding="utf-8")
    programs = {
        "pulumi": f'echo "pulumi $*" >> {log}',
        "meshed-mcp": f'echo "meshed-mcp $*" >> {log}; '
        f'code=$(head -c1 {answers}); sed -i "s/^.//" {answers}; exit $code',
    }
    for name, body in programs.items():
        (tools / name).write_text(f"#!/bin/bash\n{body}\n", encoding="utf-8")
        (tools / name).chmod(0o755)
    variables = {"SERVICE": "mcp-rag", "STACK": "dev", "PROMETHEUS_URL": "http://prometheus:9090"}
    command: list[str | Path] = [SCRIPT, "5", "50"]
    result = subprocess.run(
        command, cwd=folder, env=os.environ | variables, capture_output=True, text=True, check=False, timeout=60
    )
    return result, log.read_text(encoding="utf-8").splitlines()


def weights(lines: list[str]) -> list[str]:
    """Percent of the canary, in the order in which they were set."""
    return [line.split()[-1] for line in lines if "weights.canary" in line]


def test_a_passing_canary_takes_every_step(tmp_path: Path) -> None:
    """Requirement NET-9: the canary analysis runs after each step."""
    result, lines = steps(tmp_path, "00")
    assert result.returncode == 0, result.stderr
    assert weights(lines) == ["5", "50"]
    analyses = [line for line in lines if line.startswith("meshed-mcp")]
    wanted = "meshed-mcp canary analyze --service mcp-rag --canary --for 10m --wait --prometheus http://prometheus:9090"
    assert analyses == [wanted, wanted]


@pytest.mark.parametrize("verdict", [1, 2])
def test_any_other_verdict_rolls_back_to_the_stable_version(tmp_path: Path, verdict: int) -> None:
    """Requirement NET-10: fail or inconclusive: the stable version gets all calls, and the job fails."""
    result, lines = steps(tmp_path, str(verdict))
    assert result.returncode == verdict
    assert weights(lines) == ["5", "0"]
    assert lines[-1] == "pulumi up --stack dev --yes --skip-preview"
    assert "the canary of mcp-rag did not pass at 5 %" in result.stdout


def test_the_workflow_runs_these_steps() -> None:
    """Requirement PRJ-2: the workflow runs the steps that were tested."""
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "deploy.yml").read_text(encoding="utf-8"))
    runs = [step.get("run", "") for step in workflow["jobs"]["canary"]["steps"]]
    assert runs[-1] == ".github/workflows/canary.sh 5 25 50"

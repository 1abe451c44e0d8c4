"""`meshed-mcp scaling explain` on the repository's stacks, and on services that do not scale."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from meshed_mcp.cli.scaling import app, scale_out_of
from meshed_mcp.components.autoscaling.fast_scaler import live_query
from meshed_mcp.components.autoscaling.scale_out_latency import decision_stages
from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.infra.plan import planned
from meshed_mcp.infra.recording.project import read_project
from tests.stacks import ROOT


def explain(*arguments: str, project: Path = ROOT) -> tuple[str, BaseException | None]:
    """What it prints, and the error it ends with."""
    command = ["explain", "--stack", "dev", "--project", str(project), *arguments]
    result = CliRunner().invoke(app, command)
    error = result.exception
    return result.output, None if isinstance(error, SystemExit) else error


def test_the_scale_out_latency_of_a_service_is_printed_with_its_sum() -> None:
    """Requirement SCL-9: each stage, typical and worst, the sum against < 30 s."""
    output, error = explain("mcp-controller")
    assert error is None
    assert "scrape of the pods" in output
    assert "HPA sync" in output
    assert "holds the goal: ready in" in output


def test_a_service_that_the_fast_scaler_does_not_cover_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requirement SCL-9: the table shows what happens to this service in this stack."""
    files = read_project(ROOT, "dev")
    config = {**files.config, "meshed-mcp:keda": {"install": "component", "fast_scaler": {"image": "runtime:1"}}}
    plan = planned(config, files.secret_keys)
    stages = [stage.name for stage in decision_stages(scale_out_of(plan, "mcp-controller", 4))]
    assert stages == ["scrape of the pods", "fast scaler queries, KEDA scales"]
    monkeypatch.setattr(live_query, "TEXT_BYTES", 0)
    stages = [stage.name for stage in decision_stages(scale_out_of(plan, "mcp-controller", 4))]
    assert stages == ["scrape of the pods", "rule of the fast scaler", "fast scaler queries, KEDA scales"]


def test_a_service_of_a_fixed_size_says_what_to_set() -> None:
    """Requirement CFG-2: an error names the fix."""
    _, error = explain("mcp-rag")
    assert isinstance(error, ConfigurationError)
    assert str(error) == (
        "MM0881: service mcp-rag: has a fixed number of replicas; set max_replicas above min_replicas"
    )


def test_an_unknown_service_suggests_the_nearest_name() -> None:
    """Requirement CFG-8: the error names the nearest known service."""
    _, error = explain("mcp-controler")
    assert str(error) == ("MM0882: service mcp-controler: is not in this stack; did you mean mcp-controller?")

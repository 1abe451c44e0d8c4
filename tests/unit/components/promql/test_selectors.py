"""Names in queries that the runtime uses as well; tests/promql evaluates the queries."""

import re

import pytest

from meshed_mcp.agents.telemetry import metrics
from meshed_mcp.components.promql import selectors


def test_cancelled_requests_are_no_server_errors() -> None:
    """Requirement OBS-1: platform and runtime agree on the values of error_type."""
    assert metrics.CANCELLED in selectors.CLIENT_ERRORS


def test_tool_errors_count() -> None:
    """OpenTelemetry MCP conventions: `isError: true` is an error of the server."""
    assert metrics.TOOL_ERROR not in selectors.CLIENT_ERRORS


def test_calls_are_counted_under_the_method_of_the_runtime() -> None:
    """MCP, method `tools/call`."""
    assert f'"{metrics.CALL_METHOD}"' in selectors.CALL_METHOD


@pytest.mark.parametrize("pod", ["mcp-rag-6d4cf56db6-x7k2p", "mcp-rag-canary-6d4cf56db6-x7k2p"])
def test_pod_selector_matches_both_versions(pod: str) -> None:
    """Kubernetes, Deployment: <deployment>-<ReplicaSet hash>-<5 characters>."""
    assert re.fullmatch(selectors.pods_of("mcp-rag"), pod)


@pytest.mark.parametrize("pod", ["mcp-rag-extra-6d4cf56db6-x7k2p", "my-mcp-rag-6d4cf56db6-x7k2p"])
def test_pod_selector_excludes_services_with_a_longer_name(pod: str) -> None:
    """Prometheus: patterns match whole values."""
    assert not re.fullmatch(selectors.pods_of("mcp-rag"), pod)

"""Fixtures: the published schema of the Prometheus operator."""

from typing import Any

import pytest

from meshed_mcp.infra.checks.schemas import schema_file


@pytest.fixture(scope="session")
def prometheus_schema() -> dict[str, Any]:
    """JSON schema of the spec of the operator's kind Prometheus, closed: an unknown field is an error."""
    schema = schema_file("prometheus-operator")["$defs"]["monitoring.coreos.com.v1.Prometheus"]
    return dict(schema["properties"]["spec"])

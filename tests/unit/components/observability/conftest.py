"""The published schema of what the operator is given."""

from typing import Any

import pytest

from meshed_mcp.infra.checks.schemas import parsed


@pytest.fixture(scope="session")
def prometheus_schema() -> dict[str, Any]:
    """JSON schema of the spec of the operator's kind Prometheus, closed: an unknown field is a fault."""
    schema = parsed("prometheus-operator")["$defs"]["monitoring.coreos.com.v1.Prometheus"]
    return dict(schema["properties"]["spec"])

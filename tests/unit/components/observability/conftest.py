"""The published schema of what the operator is given."""

from pathlib import Path
from typing import Any

import pytest

from meshed_mcp.infra.checking.schema import crd_schemas


@pytest.fixture(scope="session")
def prometheus_schema(crd_dir: Path) -> dict[str, Any]:
    """JSON schema of the spec of the operator's kind Prometheus, closed: an unknown field is a fault."""
    schema = crd_schemas(crd_dir)["monitoring.coreos.com/v1", "Prometheus"]
    return dict(schema["properties"]["spec"])

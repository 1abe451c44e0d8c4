"""The published schema of what the operator is given."""

from typing import Any

import pytest

from meshed_mcp.infra.checking.schema import CRD_DIR_VARIABLE, crd_folder, crd_schemas


@pytest.fixture(scope="session")
def prometheus_schema() -> dict[str, Any]:
    """JSON schema of the spec of the operator's kind Prometheus, closed: an unknown field is a fault."""
    folder = crd_folder()
    if folder is None:
        pytest.skip(f"no CRD files: set {CRD_DIR_VARIABLE} to a folder that holds the Prometheus operator's")
    schema = crd_schemas(folder)["monitoring.coreos.com/v1", "Prometheus"]
    return dict(schema["properties"]["spec"])

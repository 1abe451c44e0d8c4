"""The published schema of the objects that this room makes."""

from typing import Any

import pytest

from meshed_mcp.infra.checking.schema import CRD_DIR_VARIABLE, crd_folder, crd_schemas


@pytest.fixture(scope="session")
def scaled_object_schema() -> dict[str, Any]:
    """JSON schema of KEDA's ScaledObject, closed: an unknown field is a fault."""
    folder = crd_folder()
    if folder is None:
        pytest.skip(f"no CRD files: set {CRD_DIR_VARIABLE} to a folder that holds KEDA's")
    return crd_schemas(folder)["keda.sh/v1alpha1", "ScaledObject"]

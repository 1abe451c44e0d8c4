"""The published schema of the objects that this room makes."""

from pathlib import Path
from typing import Any

import pytest

from meshed_mcp.infra.checking.schema import crd_schemas


@pytest.fixture(scope="session")
def scaled_object_schema(crd_dir: Path) -> dict[str, Any]:
    """JSON schema of KEDA's ScaledObject, closed: an unknown field is a fault."""
    return crd_schemas(crd_dir)["keda.sh/v1alpha1", "ScaledObject"]

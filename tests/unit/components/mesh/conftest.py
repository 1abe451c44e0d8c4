"""The published schemas of the objects that this room makes."""

from typing import Any

import pytest

from meshed_mcp.infra.checking.schema import CRD_DIR_VARIABLE, crd_folder, crd_schemas


@pytest.fixture(scope="session")
def schemas() -> Any:
    """Closed JSON schemas of Istio's and Prometheus' kinds: an unknown field is a fault."""
    folder = crd_folder()
    if folder is None:
        pytest.skip(f"no CRD files: set {CRD_DIR_VARIABLE} to a folder that holds Istio's and Prometheus Operator's")
    return crd_schemas(folder)

"""Published schemas of autoscaling objects."""

from pathlib import Path
from typing import Any

import pytest
import yaml


@pytest.fixture(scope="session")
def scaled_object_schema(crd_dir: Path) -> dict[str, Any]:
    """Schema of KEDA's ScaledObject as its CRD has it, descriptions included."""
    crds = yaml.load_all((crd_dir / "keda-2.21.0.yaml").read_text(), yaml.CSafeLoader)
    (spec,) = [crd["spec"] for crd in crds if crd and crd["spec"]["names"]["kind"] == "ScaledObject"]
    return dict(spec["versions"][0]["schema"]["openAPIV3Schema"])

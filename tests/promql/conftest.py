"""The real promtool, for rooms whose claims are about PromQL."""

import os
import shutil
from pathlib import Path

import pytest

ENGINES = Path(__file__).resolve().parents[2] / ".engines" / "bin"


@pytest.fixture(scope="session")
def promtool() -> str:
    """Path of promtool, from the PATH or from `make engines`; without it the test is skipped, in CI it fails."""
    found = shutil.which("promtool", path=os.pathsep.join([str(ENGINES), os.environ.get("PATH", "")]))
    if found:
        return found
    reason = "promtool is missing; get it with: make engines"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)

"""Names of tests are the same in every process, so that pytest-xdist can divide the tests."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stacks import ROOT


def collected(hash_seed: str) -> list[str]:
    """Ids of all tests, as a process with this order of sets collects them."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "--quiet", "-p", "no:cacheprovider", "-n0"]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=300)
    return [line for line in ran.stdout.splitlines() if "::" in line]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_test_ids_do_not_depend_on_the_process() -> None:
    """pytest-xdist, "Known limitations": the order and the ids of tests must be consistent."""
    first, second = collected("1"), collected("2")
    assert first
    assert first == second


def test_tests_of_one_group_run_in_one_worker(tmp_path: Path) -> None:
    """Requirement PRJ-2: engines of a group share addresses, so pytest must hand the groups on to pytest-xdist."""
    (tmp_path / "test_grouped.py").write_text(
        "import pytest\n\n@pytest.mark.xdist_group('one')\ndef test_grouped() -> None: ...\n"
    )
    command = [sys.executable, "-m", "pytest", "-v", "-n1", "--dist=loadgroup", "-p", "no:cacheprovider", str(tmp_path)]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)
    assert "test_grouped@one" in run.stdout

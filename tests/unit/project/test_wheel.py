"""The wheel: what users install has every room, and works outside the repository."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.stacks import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("wheel")]

ROOMS = ("agents", "components", "infra", "local")

PROBE = """
import pathlib, sys
import meshed_mcp.agents, meshed_mcp.components, meshed_mcp.infra.recording as recording, meshed_mcp.local
assert pathlib.Path(meshed_mcp.components.__file__).is_relative_to(sys.argv[1]), meshed_mcp.components.__file__
recorded = recording.record(pathlib.Path(sys.argv[2]), "dev")
print(len(recorded.objects))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source distribution as a release would be: nothing is left in the tree."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--outdir", str(out), str(ROOT)]
    built = subprocess.run(command, capture_output=True, text=True, check=False, timeout=110)
    assert built.returncode == 0, built.stdout + built.stderr
    (found,) = out.glob("*.whl")
    return found


def test_the_wheel_holds_every_module_of_every_room_under_one_name(wheel: Path) -> None:
    """ADR 3: the links of the checkout become folders of the wheel; nothing else is on top."""
    names = set(zipfile.ZipFile(wheel).namelist())
    for room in ROOMS:
        sources = [path.relative_to(ROOT).as_posix() for path in (ROOT / room).rglob("*.py")]
        assert [source for source in sources if f"meshed_mcp/{source}" not in names] == []
    templates = [path.name for path in (ROOT / "meshed_mcp" / "templates").iterdir()]
    assert [name for name in templates if f"meshed_mcp/templates/{name}" not in names] == []
    assert {name.split("/")[0] for name in names} == {"meshed_mcp", f"{wheel.name.split('-py3')[0]}.dist-info"}


def test_the_wheel_holds_the_schemas_and_their_notice(wheel: Path) -> None:
    """Product rule: `check` validates on a machine without the repository; Apache-2.0 asks for the notice."""
    names = set(zipfile.ZipFile(wheel).namelist())
    folder = ROOT / "infra" / "checking" / "schemas"
    data = [path.relative_to(ROOT).as_posix() for path in (*folder.glob("*.json"), folder / "NOTICE")]
    assert [name for name in data if f"meshed_mcp/{name}" not in names] == []


def test_the_installed_wheel_records_an_example(wheel: Path, tmp_path: Path) -> None:
    """Issue, item 7: the components import from an installed wheel."""
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(tmp_path), str(wheel)]
    subprocess.run(install, check=True, timeout=110)
    probe = [sys.executable, "-c", PROBE, str(tmp_path), str(ROOT / "examples" / "quickstart")]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    ran = subprocess.run(probe, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) > 20

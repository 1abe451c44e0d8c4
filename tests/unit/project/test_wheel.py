"""The contents of the wheel, and the documented first steps in virtual environments with the wheel alone.

The environments are installed from the package index, with pip's cache. Extras that build on each other share one.
"""

import os
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.conftest import absent
from tests.stacks import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.xdist_group("local-run")]

FOLDERS: Final = ("agents", "components", "infra", "local")
OUTSIDE: Final = ("agents/services/",)
"""Folders of the product that docs/adr/0012 keeps out of the wheel."""

NO_INDEX: Final = ("NewConnectionError", "Could not find a version", "NameResolutionError", "ProxyError")
"""What pip prints where no package index answers."""


class Environment(NamedTuple):
    """A virtual environment with the wheel, and nothing of the checkout on its path."""

    folder: Path
    wheel: Path

    def run(self, command: str, cwd: Path, *, code: int = 0) -> str:
        """Output of a shell command that must end with `code`."""
        inherited = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
        environment = {**inherited, "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "COLUMNS": "200"}
        ran = subprocess.run(
            ["/bin/bash", "-euo", "pipefail", "-c", command], cwd=cwd, env=environment, check=False, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=500,
        )  # fmt: skip
        assert ran.returncode == code, ran.stdout
        return ran.stdout

    def install(self, extras: str) -> None:
        """Install the wheel with extras, such as `[runtime]`; ends the test where no package index answers.

        Bytecode is compiled as modules are imported: of all that Pulumi brings, few are.
        """
        pip = f"{self.folder / 'bin' / 'python'} -m pip install --quiet --disable-pip-version-check --no-compile"
        try:
            self.run(f"{pip} '{self.wheel}{extras}'", self.folder)
        except AssertionError as error:
            if any(sign in str(error) for sign in NO_INDEX):
                absent("a package index", "name one: export PIP_INDEX_URL=<URL>")
            raise


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source distribution as a release would be: nothing is left in the tree."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--outdir", str(out), str(ROOT)]
    built = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert built.returncode == 0, built.stdout + built.stderr
    (found,) = out.glob("*.whl")
    return found


def environment(wheel: Path, folder: Path) -> Environment:
    """An empty environment."""
    venv.create(folder, with_pip=True, symlinks=True)
    return Environment(folder, wheel)


@pytest.fixture(scope="module")
def service(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Where a service runs: first without extras, then with [runtime]."""
    return environment(wheel, tmp_path_factory.mktemp("service"))


@pytest.fixture(scope="module")
def workstation(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Where stacks are written: [platform], then [local], [analytics] and [plots]."""
    made = environment(wheel, tmp_path_factory.mktemp("workstation"))
    made.install("[platform]")
    return made


def commands(page: str, heading: str) -> list[str]:
    """The lines of all blocks of shell commands in a section of a page, without their comments."""
    section = (ROOT / page).read_text("utf-8").partition(f"{heading}\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```", section, re.DOTALL | re.MULTILINE)
    assert blocks
    return [line.partition("#")[0].strip() for block in blocks for line in block.splitlines()]


def test_the_wheel_contains_every_module_under_one_name(wheel: Path) -> None:
    """ADR 3: the links of the checkout become folders of the wheel; nothing else is at its top level."""
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in FOLDERS:
        sources = [path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*.py")]
        product = [source for source in sources if not source.startswith(OUTSIDE)]
        assert [source for source in product if f"meshed_mcp/{source}" not in names] == []
    templates = [path.name for path in (ROOT / "meshed_mcp" / "cli" / "templates").iterdir()]
    assert [name for name in templates if f"meshed_mcp/cli/templates/{name}" not in names] == []
    assert {name.split("/")[0] for name in names} == {"meshed_mcp", f"{wheel.name.split('-py3')[0]}.dist-info"}


def test_the_wheel_contains_the_schemas_and_their_notice(wheel: Path) -> None:
    """Requirement PRJ-4: `check` works without the repository; Apache-2.0 requires the notice."""
    names = set(zipfile.ZipFile(wheel).namelist())
    folder = ROOT / "infra" / "checks" / "schemas"
    data = [path.relative_to(ROOT).as_posix() for path in (*folder.glob("*.json"), folder / "NOTICE")]
    assert [name for name in data if f"meshed_mcp/{name}" not in names] == []


def test_the_wheel_contains_the_texts_of_the_errors(wheel: Path) -> None:
    """Requirement CFG-14: an installed package and the image show the text of every code."""
    found = [path.relative_to(ROOT).as_posix() for path in (ROOT / "meshed_mcp" / "error_codes").glob("*.toml")]
    assert found
    assert set(found) <= set(zipfile.ZipFile(wheel).namelist())


def test_the_wheel_contains_no_demo_service_and_no_developer_tool(wheel: Path) -> None:
    """ADR 12: they belong to the repository and its image."""
    folders = ("meshed_mcp/agents/services/", "bench/")
    assert [name for name in zipfile.ZipFile(wheel).namelist() if name.startswith(folders)] == []


def test_the_wheel_contains_its_license(wheel: Path) -> None:
    """PEP 639: the license expression, and the file in `licenses/`."""
    archive = zipfile.ZipFile(wheel)
    (metadata,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
    assert "License-Expression: Apache-2.0\n" in archive.read(metadata).decode()
    (license_file,) = [name for name in archive.namelist() if name.endswith("/licenses/LICENSE")]
    assert archive.read(license_file) == (ROOT / "LICENSE").read_bytes()


def test_without_extras_a_command_and_an_import_name_the_extra(service: Environment, tmp_path: Path) -> None:
    """Requirement CFG-4: a missing extra is one line that says which extra to install."""
    service.install("")
    message = "the package typer is not installed; install 'meshed-mcp[platform]'\n"
    assert service.run("meshed-mcp --help", tmp_path, code=1) == f"error: {message}"
    for imported, extra in (("agents import MCPService", "runtime"), ("components import ServiceMesh", "platform")):
        text = service.run(f"python -c 'from meshed_mcp.{imported}'", tmp_path, code=1)
        assert text.splitlines()[-1].endswith(f"is not installed; install 'meshed-mcp[{extra}]'")


def test_a_service_and_its_test_run_with_the_runtime_extra_alone(
    service: Environment, workstation: Environment, tmp_path: Path
) -> None:
    """Requirement PRJ-4: the generated image installs [runtime] and nothing else."""
    service.install("[runtime]")
    workstation.run("meshed-mcp new mcp-search", tmp_path)
    assert "OK" in service.run("python -m unittest", tmp_path / "mcp-search")
    assert service.run("python -c 'import pulumi'", tmp_path, code=1)
    assert service.run("meshed-mcp --help", tmp_path, code=1).endswith("install 'meshed-mcp[platform]'\n")


def test_the_platform_extra_checks_renders_and_has_the_components(workstation: Environment, tmp_path: Path) -> None:
    """README, "Install", "Commands" and "Use the components alone"."""
    assert commands("README.md", "## Install") == ["pip install 'meshed-mcp[local]'", "meshed-mcp new mcp-search"]
    workstation.run("meshed-mcp new mcp-search", tmp_path)
    assert "no issues" in workstation.run("meshed-mcp check --stack dev", tmp_path / "mcp-search")
    lines = [line.removeprefix(".venv/bin/") for line in commands("README.md", "## Commands")]
    online = re.compile(r"local|meshed-mcp (new|import)|--live|--load|--prometheus")
    offline = [line for line in lines if not online.search(line)]
    assert [line.split()[1] for line in offline] == ["check", "render", "scaling", "cost", "capacity", "dashboards"]
    workstation.run("\n".join(offline).replace(" out/", f" {tmp_path}/$RANDOM"), ROOT)
    assert "no issues" in workstation.run("meshed-mcp check --stack dev", ROOT / "examples" / "quickstart")
    example = ROOT / "examples" / "import-from-python"
    assert "no issues" in workstation.run("meshed-mcp check --stack dev", example)
    located = workstation.run("python -c 'import meshed_mcp.components as c; print(c.__file__)'", tmp_path)
    assert Path(located.strip()).is_relative_to(workstation.folder)


def test_the_commands_of_write_a_service_run_unchanged(workstation: Environment, tmp_path: Path) -> None:
    """docs/how-to/write-a-service.md, "Install" and "Create a service"; `local` with --check, which ends it."""
    page = "docs/how-to/write-a-service.md"
    assert commands(page, "## Install") == ["pip install 'meshed-mcp[local]'"]
    lines = commands(page, "## Create a service")
    assert lines[-1] == "meshed-mcp local --stack dev"
    workstation.install("[local]")
    workstation.run("\n".join([*lines[:-1], f"{lines[-1]} --check"]), tmp_path)


def test_the_other_extras_install_what_they_name(workstation: Environment, tmp_path: Path) -> None:
    """docs/how-to/write-a-service.md, table of extras."""
    load = [f"2026-03-0{day}T{hour:02}:00,{60 + hour}" for day in (1, 2) for hour in range(24)]
    (tmp_path / "load.csv").write_text("\n".join(["hour,requests", *load]), encoding="utf-8")
    backtest = f"meshed-mcp backtest --stack prod --project {ROOT} --service mcp-llm --load load.csv --peak-replicas 4"
    assert "install 'meshed-mcp[plots]'" in workstation.run(f"{backtest} --picture picture.png", tmp_path, code=1)
    workstation.install("[analytics,plots]")
    workstation.run(f"{backtest} --picture picture.png", tmp_path)
    workstation.run("python -c 'import pyarrow.parquet'", tmp_path)

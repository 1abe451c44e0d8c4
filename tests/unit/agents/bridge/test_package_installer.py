"""Installation of a package, with executables in place of npm and uv that write what those write."""

import json
import os
import stat
import subprocess
import zipfile
from pathlib import Path

import pytest

from meshed_mcp.agents.bridge import package_installer

NPM = """#!/bin/sh
printf '%s\\n' "$@" > "{log}"
printf '%s\\n' "$npm_config_cache" "$TMPDIR" "$PYTHONPATH" "$npm_config_registry" >> "{log}"
mkdir -p "$npm_config_cache" "{folder}/files/node_modules/.bin" "{folder}/files/node_modules/{name}"
echo '{description}' > "{folder}/files/node_modules/{name}/package.json"
for each in {executables}; do echo "$each" > "{folder}/files/node_modules/.bin/$each"; done
exit {code}
"""
UV = """#!/bin/sh
printf '%s\\n' "$@" > "{log}"
mkdir -p "$UV_TOOL_BIN_DIR" "$UV_TOOL_DIR"
for each in {executables}; do echo "$each" > "$UV_TOOL_BIN_DIR/$each"; done
exit {code}
"""
WHEEL = {
    "METADATA": "Metadata-Version: 2.1\nName: mcp-time\nVersion: 1.0\n",
    "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "entry_points.txt": "[console_scripts]\nmcp-time = mcp_time:main\n",
    "RECORD": "",
}


class Machine:
    """A folder for the package, and the executables on the PATH."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.log, self.programs = tmp_path / "package", tmp_path / "log", tmp_path / "bin"
        self.programs.mkdir()
        monkeypatch.setenv("PATH", f"{self.programs}:{os.environ['PATH']}")
        monkeypatch.setenv("PYTHONPATH", "/app")
        monkeypatch.setenv("npm_config_registry", "https://npm.example.com")

    def has(self, program: str, script: str, **values: object) -> None:
        """Put a program on the PATH."""
        path = self.programs / program
        path.write_text(script.format(log=self.log, folder=self.folder, **{"code": 0, **values}))
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def has_npm(self, name: str, bin_field: object, code: int = 0) -> None:
        """An npm that installs a package with these executables."""
        own = name.rpartition("/")[2]
        executables = " ".join(bin_field) if isinstance(bin_field, dict) else own
        description = json.dumps({"name": name, "bin": bin_field})
        self.has("npm", NPM, name=name, description=description, executables=executables, code=code)

    def install(self, *arguments: str) -> int:
        """Run the installer."""
        return package_installer.main(["--folder", str(self.folder), *arguments])

    @property
    def server(self) -> str:
        """Name of the executable that the bridge starts."""
        return (self.folder / "server").read_text().strip()


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine without a package."""
    return Machine(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("name", "bin_field", "chosen", "server"),
    [
        ("server", "dist/index.js", [], "server"),
        ("@scope/server", "dist/index.js", [], "server"),
        ("@scope/server-everything", {"mcp-server-everything": "dist/index.js"}, [], "mcp-server-everything"),
        ("tools", {"tools": "a.js", "other": "b.js"}, [], "tools"),
        ("tools", {"tools": "a.js", "other": "b.js"}, ["--executable", "other"], "other"),
        ("tools", {"alias": "a.js", "second": "a.js"}, [], "alias"),
    ],
)
def test_the_executable_of_an_npm_package_is_chosen_as_npx_does(
    machine: Machine, name: str, bin_field: object, chosen: list[str], server: str
) -> None:
    """Requirement SRV-6: npm, `npm exec`: a single entry of `bin`, otherwise that of the unscoped name."""
    machine.has_npm(name, bin_field)
    assert machine.install(*chosen, "npm", name, "1.2.3") == 0
    assert machine.server == server


def test_an_installation_reads_the_mirror_and_leaves_no_cache(machine: Machine) -> None:
    """Requirement SRV-6: the root file system is read-only, and the volume holds the package alone."""
    machine.has_npm("server", "index.js")
    assert machine.install("npm", "server", "1.2.3") == 0
    *options, package, cache, temporary, packages, registry = machine.log.read_text().splitlines()
    assert options[:3] == ["install", "--prefix", str(machine.folder / "files")]
    assert package == "server@1.2.3"
    assert (cache, temporary) == (str(machine.folder / "cache"), str(machine.folder / "tmp"))
    assert (packages, registry) == ("", "https://npm.example.com")
    assert sorted(path.name for path in machine.folder.iterdir()) == ["files", "server"]


@pytest.mark.parametrize(
    ("name", "executables", "chosen", "server"),
    [
        ("mcp-time", "mcp-time", [], "mcp-time"),
        ("mcp-time", "other", [], "other"),
        ("mcp-time", "mcp-time helper", [], "mcp-time"),
        ("mcp-time", "mcp-time helper", ["--executable", "helper"], "helper"),
    ],
)
def test_the_executable_of_a_pypi_package_is_chosen_as_uvx_does(
    machine: Machine, name: str, executables: str, chosen: list[str], server: str
) -> None:
    """Requirement SRV-6: uv, "Tools": the executable of the package's name."""
    machine.has("uv", UV, executables=executables)
    assert machine.install(*chosen, "pypi", name, "1.0") == 0
    assert machine.server == server
    assert machine.log.read_text().splitlines()[-1] == f"{name}==1.0"


def test_an_unknown_executable_ends_the_installation_with_the_known_ones(machine: Machine) -> None:
    """Requirement CFG-8: the init container's log names what to set."""
    machine.has_npm("tools", {"one": "a.js", "two": "b.js"})
    with pytest.raises(SystemExit) as raised:
        machine.install("npm", "tools", "1.0.0")
    assert raised.value.code == (
        "MM0325: the package has no executable 'tools' (its executables: one, two); set command: [NAME] to one of them"
    )


def test_a_failed_installation_ends_with_the_code_of_the_installer(machine: Machine) -> None:
    """Kubernetes, "Init Containers": the kubelet restarts a failed one, and the pod does not start without it."""
    machine.has_npm("server", "index.js", code=7)
    assert machine.install("npm", "server", "1.2.3") == 7
    assert not (machine.folder / "server").exists()


def test_a_second_run_replaces_what_the_first_one_left(machine: Machine) -> None:
    """Kubernetes, "Init Containers": they may run again on the same volume."""
    machine.has_npm("server", "index.js")
    for _ in range(2):
        (machine.folder / "files" / "stale").mkdir(parents=True, exist_ok=True)
        assert machine.install("npm", "server", "1.2.3") == 0
    assert not (machine.folder / "files" / "stale").exists()
    assert machine.server == "server"


@pytest.mark.slow
def test_pip_installs_a_package_of_pypi_where_uv_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requirement LRN-4: a virtual environment of its own; the executables of the package alone are known."""
    wheels, folder = tmp_path / "wheels", tmp_path / "package"
    wheels.mkdir()
    with zipfile.ZipFile(wheels / "mcp_time-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("mcp_time.py", "def main():\n    print('at noon')\n")
        for name, text in WHEEL.items():
            wheel.writestr(f"mcp_time-1.0.dist-info/{name}", text)
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    assert package_installer.main(["--folder", str(folder), "pypi", "mcp-time", "1.0"]) == 0
    assert subprocess.run([folder / "server"], capture_output=True, text=True, check=True).stdout == "at noon\n"
    assert [path.name for path in (folder / "files" / "bin").iterdir()] == ["mcp-time"]
    assert package_installer.main(["--folder", str(folder), "pypi", "mcp-time", "2.0"]) != 0

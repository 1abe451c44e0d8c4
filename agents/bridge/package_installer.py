"""Command that installs one version of an npm or PyPI package into a folder and links its executable.

An init container runs it before the bridge, so that no process of a session downloads anything. The environment is that
of the server: `npm_config_registry` and `UV_DEFAULT_INDEX` name a mirror.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from meshed_mcp import contract
from meshed_mcp.error_codes.service import PACKAGE_EXECUTABLE_UNKNOWN


def main(arguments: Sequence[str] | None = None) -> int:
    """Install the package; returns the exit code of the installer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--executable")
    parser.add_argument("registry", choices=("npm", "pypi"))
    parser.add_argument("name")
    parser.add_argument("version")
    given = parser.parse_args(arguments)
    for part in ("cache", "tmp", "files"):
        shutil.rmtree(given.folder / part, ignore_errors=True)
    (given.folder / "tmp").mkdir(parents=True)
    install = install_npm if given.registry == "npm" else install_pypi
    code = install(given.folder, given.name, given.version)
    if code == 0:
        found = npm_executable if given.registry == "npm" else pypi_executable
        link(given.folder, found(given.folder, given.name, given.executable))
    for part in ("cache", "tmp"):
        shutil.rmtree(given.folder / part, ignore_errors=True)
    return code


def install_npm(folder: Path, name: str, version: str) -> int:
    """`npm install` of one version and its dependencies."""
    options = ["--prefix", str(folder / "files"), "--no-audit", "--no-fund", "--no-update-notifier"]
    return run(["npm", "install", *options, f"{name}@{version}"], folder, {"npm_config_cache": "cache"})


def install_pypi(folder: Path, name: str, version: str) -> int:
    """`uv tool install` of one version, with the interpreter of the image; a virtual environment without uv."""
    if shutil.which("uv") is None:
        return install_in_environment(folder / "files", name, version)
    places = {"UV_CACHE_DIR": "cache", "UV_TOOL_DIR": "files/tools", "UV_TOOL_BIN_DIR": "files/bin"}
    return run(["uv", "tool", "install", "--no-python-downloads", f"{name}=={version}"], folder, places)


def install_in_environment(files: Path, name: str, version: str) -> int:
    """Pip in a virtual environment, and links to the executables of the package, as uv makes them."""
    home, names = files / "tools", "import sys, importlib.metadata as m; print(*(e.name for e in m.distribution("
    names += "sys.argv[1]).entry_points if e.group == 'console_scripts'))"
    python = home / "bin" / "python"
    for command in (
        [sys.executable, "-m", "venv", str(home)],
        [str(python), "-m", "pip", "install", f"{name}=={version}"],
    ):
        if code := run(command, files.parent, {}):
            return code
    found = subprocess.run([python, "-c", names, name], capture_output=True, text=True, check=True)  # noqa: S603 - as above
    (files / "bin").mkdir(exist_ok=True)
    for each in found.stdout.split():
        (files / "bin" / each).symlink_to(home / "bin" / each)
    return 0


def run(command: list[str], folder: Path, places: dict[str, str]) -> int:
    """Exit code of the command; `places` are variables with folders below `folder`."""
    folders = {variable: str(folder / place) for variable, place in places.items()}
    # The packages of this runtime are not those of the server.
    inherited = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "PYTHONHOME"}}
    environment = {**inherited, **folders, "TMPDIR": str(folder / "tmp")}
    return subprocess.run(command, env=environment, check=False).returncode  # noqa: S603 - the arguments are the stack's


def npm_executable(folder: Path, name: str, wanted: str | None) -> Path:
    """The wanted executable, else the only one, else that of the package's name. Source: npm, `npm exec`."""
    description = json.loads((folder / "files" / "node_modules" / name / "package.json").read_text(encoding="utf-8"))
    own = name.rpartition("/")[2]
    given: Any = description.get("bin", {})
    targets: dict[str, str] = {own: given} if isinstance(given, str) else given
    chosen = wanted or (next(iter(targets)) if len(set(targets.values())) == 1 else own)
    return executable(folder / "files" / "node_modules" / ".bin", chosen, sorted(targets))


def pypi_executable(folder: Path, name: str, wanted: str | None) -> Path:
    """The wanted executable, else the only one, else that of the package's name, as `uvx` chooses it."""
    files = folder / "files" / "bin"
    names = sorted(path.name for path in files.iterdir())
    return executable(files, wanted or (names[0] if len(names) == 1 else name), names)


def executable(folder: Path, chosen: str, names: list[str]) -> Path:
    """The executable. Raises SystemExit with the names of the package's executables."""
    if chosen not in names:
        sys.exit(PACKAGE_EXECUTABLE_UNKNOWN.message(name=chosen, known=", ".join(names) or "none").line)
    return folder / chosen


def link(folder: Path, target: Path) -> None:
    """Link the executable under the name that the bridge starts."""
    place = folder / contract.PACKAGE_SERVER
    place.unlink(missing_ok=True)
    place.symlink_to(target)


if __name__ == "__main__":
    sys.exit(main())

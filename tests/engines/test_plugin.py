"""The component package as another language meets it: the Pulumi command line starts the plugin in this repository.

What the schema says is judged in tests/golden without an engine; here, that the real command line gets the same.
"""

import json
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Final

import pytest
from pulumi_cli import command_line

PROJECT: Final = Path(__file__).parent.parent.parent

PROVIDERS: Final = ("kubernetes", "kubernetes-cert-manager")
"""Pulumi wants the provider of every SDK in the plugin's environment before it starts the plugin."""

pytestmark = [
    pytest.mark.engine("pulumi", "pulumi-language-python", *(f"pulumi-resource-{name}" for name in PROVIDERS)),
    pytest.mark.timeout(600),
]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The repository as `pulumi package add` clones it, with an environment that has the dependencies already.

    The command line installs the package into the plugin's environment; ours must not be the one that it changes.
    """
    folder = tmp_path / "clone"
    listing = [shutil.which("git") or "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    tracked = subprocess.run(listing, cwd=PROJECT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, tracked.split("\0")):
        if (PROJECT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT / name, folder / name, follow_symlinks=False)
    venv.create(folder / ".venv", with_pip=True)
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    ours, theirs = (Path(root) / "lib" / python / "site-packages" for root in (sys.prefix, folder / ".venv"))
    (theirs / "dependencies.pth").write_text(f"{ours}\n")
    return folder


@pytest.fixture
def home(tmp_path: Path, find_engine: Callable[[str], Path]) -> Path:
    """Pulumi's home with the providers of this machine, which it would otherwise download."""
    folder = tmp_path / "home"
    for name in PROVIDERS:
        wanted = [name, f"v{version(f'pulumi-{name}')}", "--file", str(find_engine(f"pulumi-resource-{name}"))]
        command_line(["plugin", "install", "resource", *wanted], tmp_path, folder)
    return folder


def test_the_command_line_gets_the_schema_of_all_components_from_the_plugin(
    clone: Path, home: Path, tmp_path: Path
) -> None:
    """`pulumi package get-schema`, https://www.pulumi.com/docs/iac/cli/commands/pulumi_package_get-schema/."""
    printed = command_line(["package", "get-schema", str(clone)], tmp_path, home)
    schema = json.loads(printed[printed.index("{") :])
    assert schema["name"] == "meshed-mcp"
    assert sorted(schema["resources"]) == [
        "meshed-mcp:index:AutoscalingPolicy",
        "meshed-mcp:index:MeshedMCPService",
        "meshed-mcp:index:ObservabilityStack",
        "meshed-mcp:index:ServiceMesh",
    ]

"""The component plugin, started by the Pulumi CLI for another language.

What the schema says is judged in tests/golden without an engine; here, that the real command line gets the same, and
that a program in YAML uses a component.
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

from tests.engines.api_server import ApiServer
from tests.engines.pulumi_cli import command_line

PROJECT: Final = Path(__file__).parent.parent.parent

PROVIDERS: Final = ("kubernetes",)
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


YAML_PROGRAM: Final = """
name: other-project
runtime: yaml
packages: {{meshed-mcp: {plugin}}}
resources:
  search:
    type: meshed-mcp:MeshedMCPService
    name: mcp-yaml
    properties:
      image: registry.example.com/mcp-search:1.0
      namespace: default
      replicas: {replicas}
      callers: [frontend/chat]
      drain: {{graceSeconds: 60}}
      env: {{GREETING: hello}}
outputs: {{url: "${{search.url}}"}}
"""


@pytest.fixture
def yaml_program(clone: Path, home: Path, api_server: ApiServer, tmp_path: Path) -> Callable[..., str]:
    """Previews or brings up the YAML program with a number of replicas, in a stack of its own."""
    folder = tmp_path / "program"
    folder.mkdir()
    settings = {
        "KUBECONFIG": str(api_server.kubeconfig),
        "PULUMI_BACKEND_URL": f"file://{tmp_path}",
        "PULUMI_CONFIG_PASSPHRASE": "only for this test",
        "PULUMI_K8S_SKIP_AWAIT": "true",
    }

    def run(*arguments: str, replicas: str = "3", ok: bool = True) -> str:
        (folder / "Pulumi.yaml").write_text(YAML_PROGRAM.format(plugin=clone, replicas=replicas))
        return command_line(arguments, folder, home, settings, ok=ok)

    run("stack", "init", "dev")
    return run


@pytest.mark.engine("pulumi-language-yaml")
def test_a_program_in_yaml_previews_a_service_and_gets_its_errors(yaml_program: Callable[..., str]) -> None:
    """Requirement CMP-5: other languages use the components, with errors on the exact property."""
    printed = yaml_program("preview", "--json")
    state = json.loads(printed[printed.index("{") :])
    made = {step["newState"]["type"]: step["newState"] for step in state["steps"]}
    assert made["kubernetes:apps/v1:Deployment"]["inputs"]["spec"]["replicas"] == 3
    assert "kubernetes:networking.istio.io/v1:VirtualService" in made
    refused = yaml_program("preview", replicas="0", ok=False)
    assert "replicas" in refused
    assert "is below 1; set 1 or more" in refused

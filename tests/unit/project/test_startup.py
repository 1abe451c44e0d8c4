"""Modules that the command line imports. They determine its start time and can be compared without a clock."""

import json
import subprocess
import sys
from functools import cache

import pytest
import typer

from meshed_mcp.cli.lazy_commands import COMMANDS, GROUPS, loaded
from tests.stacks import ROOT

PROGRAM = """
import json, sys
from meshed_mcp.__main__ import main
sys.argv[0] = "meshed-mcp"
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
print(json.dumps(sorted(sys.modules)))
"""

CHECK = ("check", "--stack", "dev", "--project", str(ROOT / "examples" / "quickstart"))


@cache
def imported(*arguments: str) -> frozenset[str]:
    """Names of the modules that a command imports, in a process of its own."""
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, check=True, timeout=100
    )
    return frozenset(json.loads(run.stdout.splitlines()[-1]))


def modules_of(package: str, modules: frozenset[str]) -> set[str]:
    """The imported modules of a package."""
    return {name for name in modules if name == package or name.startswith(f"{package}.")}


FOR_NO_HELP = (
    *("pulumi", "pulumi_kubernetes", "pydantic", "grpc", "httpx", "yaml", "re2", "cryptography", "jsonschema_rs"),
    *("meshed_mcp.agents", "meshed_mcp.components", "meshed_mcp.infra", "meshed_mcp.local", "bench.dashboards"),
)


@pytest.mark.parametrize("package", FOR_NO_HELP)
def test_help_imports_no_command(package: str) -> None:
    """Requirement CLI-1: `meshed-mcp --help` loads no more than Typer."""
    assert modules_of(package, imported("--help")) == set()


FOR_NO_CHECK = (
    *("pulumi_kubernetes", "jsonschema", "httpx", "cryptography", "matplotlib", "numpy", "rich", "mcp", "uvicorn"),
    *(
        "meshed_mcp.agents",
        "meshed_mcp.local",
        "bench.dashboards",
        "meshed_mcp.cli.capacity",
        "meshed_mcp.cli.backtest",
    ),
)


@pytest.mark.parametrize("package", FOR_NO_CHECK)
def test_check_imports_only_what_it_needs(package: str) -> None:
    """Requirement CLI-1: `check` loads Pulumi and the components, and no more."""
    assert modules_of(package, imported(*CHECK)) == set()


def test_check_imports_the_components() -> None:
    """Requirement PRJ-1: the two tests above would pass for a command that does nothing."""
    assert {"pulumi", "pydantic", "meshed_mcp.infra.program", "jsonschema_rs"} <= imported(*CHECK)


FOR_NO_IMPORT = (
    "pulumi",
    "pulumi_kubernetes",
    "jsonschema_rs",
    "httpx",
    "rich",
    "mcp",
    "meshed_mcp.agents",
    "meshed_mcp.local",
)


@pytest.fixture(scope="session")
def client_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Path of a client's file."""
    path = tmp_path_factory.mktemp("client") / "mcp.json"
    path.write_text('{"mcpServers": {"time": {"command": "uvx", "args": ["mcp-server-time==2026.1.1"]}}}')
    return str(path)


@pytest.mark.parametrize("package", FOR_NO_IMPORT)
def test_import_loads_only_the_model_of_a_stack(package: str, client_file: str) -> None:
    """Requirement CLI-1: `import` reads a file and validates a stack; it needs neither Pulumi nor a client."""
    assert modules_of(package, imported("import", client_file)) == set()


@pytest.mark.parametrize("name", [*COMMANDS, *GROUPS])
def test_the_line_of_help_is_the_commands_own(name: str) -> None:
    """Typer, "Command Help": the docstring is the help; the list of commands has its first paragraph."""
    command = loaded(name)
    assert isinstance(command, typer.core.TyperCommand | typer.core.TyperGroup)
    assert (command.help or "").split("\n")[0] == {**COMMANDS, **GROUPS}[name]

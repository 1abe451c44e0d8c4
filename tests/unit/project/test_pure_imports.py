"""Pure modules are imported without Pulumi, for the start time of the command line and for users of the models."""

import subprocess
import sys

import pytest

PURE = (
    "meshed_mcp.components",
    "meshed_mcp.components.core.schema",
    "meshed_mcp.components.mesh.service.manifests",
    "meshed_mcp.components.observability.manifests",
    "meshed_mcp.components.autoscaling.scalers",
    "meshed_mcp.infra.config",
    "meshed_mcp.infra.plan",
    "meshed_mcp.infra.reference.stack_file",
    "meshed_mcp.local.translate.stack",
)


def output(script: str) -> str:
    """What a script prints in a process of its own."""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


@pytest.mark.parametrize("module", PURE)
def test_a_pure_module_does_not_import_pulumi(module: str) -> None:
    """Requirement CLI-1: a command that needs no Pulumi does not wait for its import."""
    assert output(f"import sys, {module}; print('pulumi' in sys.modules)") == "False"


def test_components_are_imported_on_first_use() -> None:
    """PEP 562: `from meshed_mcp.components import X` works as an eager import; an unknown name is an error."""
    script = (
        "import sys; from meshed_mcp import components; before = 'pulumi' in sys.modules; "
        "from meshed_mcp.components import COMPONENTS, ServiceMesh; import meshed_mcp.components as again; "
        "print(before, 'pulumi' in sys.modules, ServiceMesh in COMPONENTS, set(again.__all__) <= set(dir(again)), "
        "sorted(kind.__name__ for kind in COMPONENTS) == sorted(set(again.__all__) - {'COMPONENTS'}), "
        "hasattr(again, 'Mesh'))"
    )
    assert output(script) == "False True True True True False"


def test_an_output_is_accepted_once_a_program_has_imported_pulumi() -> None:
    """Pulumi, "Inputs and outputs": a value that is passed through may be an output or an awaitable."""
    script = (
        "import asyncio\nfrom meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs as Args\n"
        "from pydantic import ValidationError\nimport pulumi\n"
        "async def main():\n"
        "    print(isinstance(Args(image=pulumi.Output.from_input('a')).image, pulumi.Output))\n"
        "    waiting = asyncio.ensure_future(asyncio.sleep(0, 'a'))\n"
        "    print(Args(image=waiting).image is waiting)\n"
        "    try:\n        Args(image=5)\n    except ValidationError as error:\n        print(len(error.errors()))\n"
        "asyncio.run(main())"
    )
    assert output(script).split() == ["True", "True", "2"]

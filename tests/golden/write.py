"""Writes the golden files again: `make golden`. A change of them is read in review, not here."""

from importlib.metadata import version
from pathlib import Path
from typing import Final

from meshed_mcp.components import COMPONENTS
from meshed_mcp.components.core.manifest import identity
from meshed_mcp.components.core.schema import package_schema
from meshed_mcp.infra import alerts_reference, reference, render
from tests.stacks import JUDGED, ROOT, STACKS, recording

FOLDER: Final = Path(__file__).parent
EXAMPLE_STACKS: Final = tuple(stack for stack in JUDGED if stack not in STACKS)
"""Stacks of examples/stacks: a summary of each is kept, no files."""

SCHEMA: Final = "schema.json"
REFERENCE: Final = ROOT / "docs" / "reference" / "stack-file.md"
ALERTS: Final = ROOT / "docs" / "reference" / "alerts.md"


def schema() -> str:
    """The package schema as it is served to other languages."""
    return package_schema(list(COMPONENTS), version("meshed-mcp")) + "\n"


def summary(stack: str) -> str:
    """What a stack consists of, one line for each object and release: enough to see in review what came or went."""
    recorded = recording(stack)
    objects = [" ".join(filter(None, identity(item))) for item in recorded.objects]
    releases = [
        f"release {each['namespace']} {each['name']} {each['chart']} {each['version']}" for each in recorded.releases
    ]
    return "".join(f"{line}\n" for line in sorted([*objects, *releases]))


def summary_file(stack: str) -> Path:
    """Where the summary of an example stack is kept."""
    return FOLDER / f"{stack}.txt"


def main() -> None:
    """Write every golden file."""
    for stack in EXAMPLE_STACKS:
        summary_file(stack).write_text(summary(stack), encoding="utf-8")
    for stack in STACKS:
        render.write(recording(stack), FOLDER / stack)
    (FOLDER / SCHEMA).write_text(schema(), encoding="utf-8")
    REFERENCE.write_text(reference.page(), encoding="utf-8")
    ALERTS.write_text(alerts_reference.page(), encoding="utf-8")


if __name__ == "__main__":
    main()

"""Writes the golden files again: `make golden`. A change of them is read in review, not here."""

from importlib.metadata import version
from pathlib import Path
from typing import Final

from meshed_mcp.components import COMPONENTS
from meshed_mcp.components.core.schema import package_schema
from meshed_mcp.infra import reference, render
from tests.stacks import ROOT, STACKS, recording

FOLDER: Final = Path(__file__).parent
SCHEMA: Final = "schema.json"
REFERENCE: Final = ROOT / "docs" / "reference" / "stack-file.md"


def schema() -> str:
    """The package schema as it is served to other languages."""
    return package_schema(list(COMPONENTS), version("meshed-mcp")) + "\n"


def main() -> None:
    """Write every golden file."""
    for stack in STACKS:
        render.write(recording(stack), FOLDER / stack)
    (FOLDER / SCHEMA).write_text(schema(), encoding="utf-8")
    REFERENCE.write_text(reference.page(), encoding="utf-8")


if __name__ == "__main__":
    main()

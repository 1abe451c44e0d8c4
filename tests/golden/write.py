"""Writes the golden files again: `make golden`. A change of them is read in review, not here."""

from pathlib import Path
from typing import Final

from meshed_mcp.infra.reference import alerts, errors, stack_file
from tests.golden.layout import FOLDER, committed_files, golden_files
from tests.stacks import ROOT

REFERENCE: Final = ROOT / "docs" / "reference" / "stack-file.md"
ALERTS: Final = ROOT / "docs" / "reference" / "alerts.md"
ERRORS: Final = ROOT / "docs" / "reference" / "errors.md"


def write(files: dict[str, str], folder: Path) -> None:
    """Make the golden files in `folder` exactly these; Python modules stay."""
    for path in committed_files(folder).keys() - files.keys():
        (folder / path).unlink()
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


def main() -> None:
    """Write every golden file."""
    write(golden_files(), FOLDER)
    REFERENCE.write_text(stack_file.page(), encoding="utf-8")
    ALERTS.write_text(alerts.page(), encoding="utf-8")
    ERRORS.write_text(errors.page(), encoding="utf-8")


if __name__ == "__main__":
    main()

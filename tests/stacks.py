"""The recordings that tests look at, each made once: the repository's own stacks, and those of examples/stacks."""

from functools import cache
from pathlib import Path
from typing import Final

from meshed_mcp.infra.recording import Recording, record

ROOT: Final = Path(__file__).resolve().parent.parent
STACKS: Final = ("dev", "prod")
"""Stacks of the repository itself, whose golden files are kept."""

EXAMPLES: Final = ROOT / "examples" / "stacks"
JUDGED: Final = (*STACKS, *sorted(path.name.split(".")[1] for path in EXAMPLES.glob("Pulumi.*.yaml")))
"""All stacks that real engines judge."""

WITHOUT_SIDECARS: Final = ("ambient",)
"""Those of them whose pods have no proxy of their own: judged at their waypoint."""


GOVERNED_ELSEWHERE: Final = ("remote",)
"""Those whose routes and policies are in the cluster of their control plane: here are only pods."""


@cache
def recording(stack: str) -> Recording:
    """What the unmodified program registers for one of these stacks."""
    return record(ROOT if stack in STACKS else EXAMPLES, stack)

"""The recordings that tests look at, each made once: the repository's own stacks."""

from functools import cache
from pathlib import Path
from typing import Final

from meshed_mcp.infra.recording import Recording, record

ROOT: Final = Path(__file__).resolve().parent.parent
STACKS: Final = ("dev", "prod")


@cache
def recording(stack: str) -> Recording:
    """What the unmodified program registers for one of the repository's stacks."""
    return record(ROOT, stack)

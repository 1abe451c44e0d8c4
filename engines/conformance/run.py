"""Runs the official MCP conformance suite over every set-up: `run.py [SETUP...]`; without names, all of them.

Prints a line per set-up, then a line per check that failed. Exit code 0 only if every required check passed in each.
"""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from setups import direct, mesh
from suite import NEW, OLD, ROOT, Verdict, judge

from meshed_mcp import contract
from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.local.errors import LocalRunError

OUT: Final = ROOT / ".local" / "conformance"
"""Where results and logs are left."""

SETUPS: Final = (f"direct {OLD}", f"direct {NEW}", f"mesh {OLD}", f"mesh {NEW}")
"""What can be asked for; in the mesh there are three replicas behind the gateway."""


def verdicts(names: list[str], out: Path) -> Iterator[tuple[str, Verdict]]:
    """Run the set-ups; the mesh is started once for both revisions."""
    with ExitStack() as ends:
        meshed = ends.enter_context(mesh(out / "mesh")) if any(name.startswith("mesh") for name in names) else ""
        for name in names:
            where, revision = name.split()
            folder = out / name.replace(" ", "-")
            if where == "mesh":
                yield name, judge(meshed, revision, folder)
                continue
            legacy = contract.Legacy.STICKY if revision == OLD else contract.Legacy.STATELESS
            with direct(legacy, out / "direct") as url:
                yield name, judge(url, revision, folder)


def main(names: list[str]) -> int:
    """Judge, tell, and say whether all is well."""
    unknown = sorted(set(names) - set(SETUPS))
    if unknown:
        raise SystemExit(f"there is no set-up {unknown[0]!r}; use one of: {', '.join(map(repr, SETUPS))}")
    try:
        return _judged(names or list(SETUPS))
    except ConfigurationError as error:
        raise SystemExit("\n".join(issue.line for issue in error.issues)) from None
    except LocalRunError as error:
        raise SystemExit("\n".join(message.line for message in error.messages)) from None


def _judged(names: list[str]) -> int:
    conforms = True
    for name, found in verdicts(names, OUT):
        warned = f", {found.warnings} warnings" if found.warnings else ""
        print(f"{name}: {found.passed}/{found.required} required checks passed{warned}", flush=True)
        for fault in found.faults:
            print(f"  {fault}", flush=True)
        conforms = conforms and found.conforms
    return 0 if conforms else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

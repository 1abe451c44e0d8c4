"""Runs the official MCP conformance suite: `run.py [SETUP...]`; without names, all setups.

Prints a line per setup, then a line per failed check. Exits with 0 only if every required check passed in each setup.
"""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from setups import bridged_http, bridged_stdio, direct, mesh, stored
from suite import NEW, OLD, ROOT, Verdict, judge

from meshed_mcp import contract
from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.local.errors import LocalRunError

OUT: Final = ROOT / ".local" / "conformance"
"""Folder of results and logs."""

ALONE: Final = {"direct": direct, "stored": stored, "bridge": bridged_http, "stdio-bridge": bridged_stdio}
"""Setups of one replica."""

SETUPS: Final = tuple(f"{where} {revision}" for where in (*ALONE, "mesh") for revision in (OLD, NEW))
"""Available setups; in the mesh, three replicas run behind the gateway. Bridges are in front of the bare server."""


def verdicts(names: list[str], out: Path) -> Iterator[tuple[str, Verdict]]:
    """Run the setups; start the mesh once for both revisions."""
    with ExitStack() as ends:
        meshed = ends.enter_context(mesh(out / "mesh")) if any(name.startswith("mesh") for name in names) else ""
        for name in names:
            where, revision = name.split()
            folder = out / name.replace(" ", "-")
            if where == "mesh":
                yield name, judge(meshed, revision, folder)
                continue
            legacy = contract.Legacy.STICKY if revision == OLD else contract.Legacy.STATELESS
            with ALONE[where](legacy, out / where) as url:
                yield name, judge(url, revision, folder)


def main(names: list[str]) -> int:
    """Run the setups and print the results; return the exit code."""
    unknown = sorted(set(names) - set(SETUPS))
    if unknown:
        raise SystemExit(f"unknown setup {unknown[0]!r}; use one of: {', '.join(map(repr, SETUPS))}")
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

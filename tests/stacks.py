"""The recordings that tests look at, each made once: the repository's own stacks, and those of examples/stacks.

A recording is kept on disk under a hash of all sources, so that the next run and other workers only read it.
"""

import hashlib
import os
import pickle
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
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

WITHOUT_MESH: Final = ("meshless",)
"""Those without an object of Istio."""

EXISTING_MESH: Final = ("existing",)
"""Those that install no chart of Istio: the cluster has it."""

SOURCES: Final = ("agents", "components", "infra", "local", "meshed_mcp", "examples", "tests/stacks.py")
"""What a recording is made from, beside the files at the root and the packages below."""

PACKAGES: Final = ("pulumi", "pulumi-kubernetes", "pydantic")
KEPT: Final = ROOT / ".pytest_cache" / "recordings"
"""Only this module writes there; `make clean` removes it."""


@cache
def recording(stack: str) -> Recording:
    """What the unmodified program registers for one of these stacks."""
    path = KEPT / f"{stack}-{sources_hash()}.pickle"
    try:
        kept = pickle.loads(path.read_bytes())  # noqa: S301 - written below, by an earlier run on the same sources
    except (OSError, EOFError, pickle.UnpicklingError):
        return kept_on_disk(path, record(ROOT if stack in STACKS else EXAMPLES, stack))
    return Recording(*kept)


def kept_on_disk(path: Path, made: Recording) -> Recording:
    """Replace older recordings of the stack by this one. Workers may do so at once: a rename is atomic."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_bytes(pickle.dumps(made))
    partial.replace(path)
    for older in path.parent.glob(f"{path.name.partition('-')[0]}-*.pickle"):
        if older != path:
            older.unlink(missing_ok=True)
    return made


@cache
def sources_hash() -> str:
    """Hash of everything a recording depends on: names and bytes of the sources, versions of the libraries."""
    found = hashlib.sha256(repr([(name, version(name)) for name in PACKAGES]).encode())
    for path in sorted(source_files()):
        found.update(f"{path}\0".encode() + path.read_bytes())
    return found.hexdigest()[:20]


def source_files() -> Iterator[Path]:
    """Files that a recording may read: code, templates, Pulumi's project and stack files."""
    yield from (path for path in ROOT.iterdir() if path.suffix in {".py", ".yaml", ".toml"})
    for name in SOURCES:
        base = ROOT / name
        yield from (path for path in base.rglob("*") if path.is_file() and path.suffix != ".pyc")
        yield from [base] if base.is_file() else []

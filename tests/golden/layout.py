"""Golden files: path below this folder -> text. One place for each fact, so that a change is one diff.

- `dashboards/*.json`, `rules/*.yaml`: dashboards and Prometheus rules of the stack dev, as plain files;
- `dev/`: the other files of the stack dev; a dashboard or rule in them is a reference to its plain file;
- `prod/*.diff`: what differs in prod, without line numbers; a file that only prod has is there as a whole;
- `*.txt`: what an example stack consists of; `schema.json`: the package schema, one line for each property.
"""

import difflib
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from meshed_mcp.components import COMPONENTS
from meshed_mcp.components.core.manifest import Manifest, identity
from meshed_mcp.components.core.schema import package_schema
from meshed_mcp.infra import render
from meshed_mcp.infra.recording import Recording
from tests.golden.compact import compact
from tests.stacks import JUDGED, STACKS, recording

FOLDER: Final = Path(__file__).parent
WHOLE, COMPARED = STACKS
"""dev is kept as a whole; of prod only what differs from it."""

EXAMPLE_STACKS: Final = tuple(stack for stack in JUDGED if stack not in STACKS)
"""Stacks of examples/stacks: a summary of each is kept, no files."""

PLAIN_FOLDERS: Final = ("dashboards/", "rules/")
CONTEXT_LINES: Final = 2
"""Lines of context in a diff: enough to see which field changes."""


def golden_files() -> dict[str, str]:
    """All golden files, sorted by path."""
    found = stack_files() | {f"{stack}.txt": summary(recording(stack)) for stack in EXAMPLE_STACKS}
    found["schema.json"] = compact(json.loads(package_schema(list(COMPONENTS), version("meshed-mcp"))))
    return dict(sorted(found.items()))


def stack_files() -> dict[str, str]:
    """The files of dev, and the differences of prod."""
    whole, compared = plain_files(recording(WHOLE)), plain_files(recording(COMPARED))
    found = {path if path.startswith(PLAIN_FOLDERS) else f"{WHOLE}/{path}": text for path, text in whole.items()}
    found |= {f"{COMPARED}/{path}": compared[path] for path in compared.keys() - whole.keys()}
    found |= {
        f"{COMPARED}/{path}.diff": difference(text, compared.get(path, ""))
        for path, text in whole.items()
        if text != compared.get(path)
    }
    return found


def plain_files(recorded: Recording) -> dict[str, str]:
    """The rendered files of a stack, with dashboards and rules as files of their own."""
    found = render.files(recorded)
    for item in recorded.objects:
        plain = plain_texts(item)
        if plain:
            found |= plain
            found[render.object_path(item)] = render.text(referring(item, list(plain)))
    return found


def plain_texts(item: Manifest) -> dict[str, str]:
    """What an object carries for Grafana or Prometheus: path -> text; empty for every other object."""
    if item["kind"] == "PrometheusRule":
        return {f"rules/{item['metadata']['name']}.yaml": render.text(item["spec"])}
    if "grafana_dashboard" in item["metadata"].get("labels", {}):
        return {f"dashboards/{name}": compact(json.loads(text)) for name, text in item["data"].items()}
    return {}


def referring(item: Manifest, paths: list[str]) -> dict[str, Any]:
    """The object with paths in place of what stands in these files."""
    return {**{key: value for key, value in item.items() if key not in {"data", "spec"}}, "golden": paths}


def difference(before: str, after: str) -> str:
    """Unified diff without file names and line numbers, so that a line elsewhere changes nothing here."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=CONTEXT_LINES, lineterm="")
    return "".join("@@\n" if line.startswith("@@") else f"{line}\n" for line in list(lines)[2:])


def summary(recorded: Recording) -> str:
    """What a stack consists of, one line for each object and release: enough to see in review what came or went."""
    objects = [" ".join(filter(None, identity(item))) for item in recorded.objects]
    releases = [
        f"release {each['namespace']} {each['name']} {each['chart']} {each['version']}" for each in recorded.releases
    ]
    return "".join(f"{line}\n" for line in sorted([*objects, *releases]))


def committed_files(folder: Path = FOLDER) -> dict[str, str]:
    """The golden files as they are on disk: everything in the folder that is no Python."""
    paths = (path for path in folder.rglob("*") if path.suffix not in {".py", ".pyc"} and path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in paths}

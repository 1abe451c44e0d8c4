"""The program, the components and the recorder use Pulumi by public names alone."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PRIVATE = {Path("infra/checking/builtin.py")}
"""Modules that may use private names: type checks of built-in kinds, outside the deploy path."""

MODULES = sorted(
    path.relative_to(ROOT)
    for folder in ("components", "infra")
    for path in (ROOT / folder).rglob("*.py")
    if path.relative_to(ROOT) not in PRIVATE
)


def is_private(name: str) -> bool:
    """Whether a part of a dotted name is private."""
    return any(part.startswith("_") and not part.startswith("__") for part in name.split("."))


def private_names(tree: ast.Module) -> Iterator[str]:
    """Private names that a module imports from Pulumi, or reads of what it has imported from there."""
    imported = set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0].startswith("pulumi"):
            imported.update(alias.asname or alias.name for alias in node.names)
            yield from (name for name in [f"{node.module}.{alias.name}" for alias in node.names] if is_private(name))
        elif isinstance(node, ast.Import):
            ours = [alias for alias in node.names if alias.name.split(".")[0].startswith("pulumi")]
            imported.update((alias.asname or alias.name).split(".")[0] for alias in ours)
            yield from (alias.name for alias in ours if is_private(alias.name))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node).split(".")[0] in imported and is_private(node.attr):
            yield ast.unparse(node)


def test_no_private_name_of_pulumi_is_used() -> None:
    """Product rule: only public API of Pulumi, so that a minor release cannot end an update."""
    found = {path: list(private_names(ast.parse((ROOT / path).read_text(encoding="utf-8")))) for path in MODULES}
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    "source",
    [
        "from pulumi.runtime import config as c\nc._SECRET_KEYS.get()",
        "import pulumi\npulumi._types.camel_case('a')",
        "from pulumi import _types",
        "import pulumi_kubernetes.core.v1._inputs",
    ],
)
def test_a_private_name_is_found(source: str) -> None:
    """Product rule: a check that finds nothing is shown to find something."""
    assert list(private_names(ast.parse(source)))

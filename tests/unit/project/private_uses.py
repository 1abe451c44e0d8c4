"""Finds uses of private names of other packages in the product's own code.

In: the product's folders. Out: `Use`s: private modules that are imported, private attributes of foreign objects, and
private attributes that a class shares with a foreign base. Documented names of the standard library do not count.
"""

import ast
import dis
import importlib
import inspect
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import CodeType
from typing import NamedTuple

from tests.stacks import ROOT

PRODUCT = ("agents", "components", "infra", "local", "meshed_mcp")
PACKAGE = "meshed_mcp"

DOCUMENTED = frozenset({"_replace", "_make", "_fields", "_asdict", "_exit"})
"""Python, "collections.namedtuple" and "os._exit": public, in spite of their underscore."""

BY_NAME = frozenset({"getattr", "setattr", "hasattr", "delattr"})


class Use(NamedTuple):
    """A private name in a file."""

    file: str
    name: str


def is_private(name: str) -> bool:
    """Whether a name begins with one underscore; `__name__` is the language's."""
    return name.startswith("_") and not name.endswith("__") and name not in DOCUMENTED


def product_files() -> Iterator[Path]:
    """Python files of the product, each once: folders below meshed_mcp/ are links."""
    for folder in PRODUCT:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if not any(parent.is_symlink() for parent in path.parents):
                yield path


def uses() -> set[Use]:
    """Every use in the product."""
    found: set[Use] = set()
    for path in product_files():
        tree, file = ast.parse(path.read_text("utf-8")), path.relative_to(ROOT).as_posix()
        names = {*private_imports(tree), *private_attributes(tree), *inherited(tree, module_of(file))}
        found |= {Use(file, name) for name in names}
    return found


def private_imports(tree: ast.AST) -> Iterator[str]:
    """Modules with a private part, up to that part, and private names that are imported from others."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            targets = [f"{node.module or ''}.{alias.name}" for alias in node.names]
        else:
            continue
        for target in targets:
            parts = target.split(".")
            place = next((at for at, part in enumerate(parts) if is_private(part)), None)
            if place is not None and parts[0] != PACKAGE:
                yield ".".join(parts[: place + 1])


def private_attributes(tree: ast.AST) -> Iterator[str]:
    """Private attributes of anything but `self` and `cls`, by a dot or by name, that the file does not define."""
    own = set(defined(tree))
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="self" | "cls")):
                continue
            case ast.Attribute(attr=name) if is_private(name) and name not in own:
                yield name
            case ast.Call(func=ast.Name(id=function), args=[_, ast.Constant(value=str(name)), *_]) if (
                function in BY_NAME and is_private(name)
            ):
                yield name


def defined(tree: ast.AST) -> Iterator[str]:
    """Names that the file gives to attributes, methods, functions and variables."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name, ctx=ast.Store()):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Name(id=name, ctx=ast.Store()):
                yield name


def inherited(tree: ast.AST, module: str) -> Iterator[str]:
    """Private attributes that a class of the file uses or sets and that belong to a foreign base of it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.bases and (used := set(self_attributes(node))):
            kind = getattr(importlib.import_module(module), node.name, None)
            if inspect.isclass(kind):
                yield from used & foreign_names(kind)


def self_attributes(node: ast.ClassDef) -> Iterator[str]:
    """Private attributes of `self`, `cls` and `super()` in a class, and the private methods that it defines."""
    for part in ast.walk(node):
        match part:
            case ast.Attribute(value=ast.Name(id="self" | "cls") | ast.Call(func=ast.Name(id="super")), attr=name):
                if is_private(name):
                    yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if is_private(name):
                yield name


def foreign_names(kind: type) -> set[str]:
    """Private attributes of the bases that other packages define: in their classes, and set in their methods."""
    found: set[str] = set()
    for base in kind.__mro__:
        if base.__module__.partition(".")[0] not in {PACKAGE, "builtins", "typing", "abc"}:
            found |= {name for name in vars(base) if is_private(name)} | set_in_methods(base)
    return found


@cache
def set_in_methods(base: type) -> frozenset[str]:
    """Private attributes that the methods of a class set, by their bytecode: httpx2 hides where its source is."""
    codes = [code for member in vars(base).values() if (code := getattr(member, "__code__", None)) is not None]
    found: set[str] = set()
    while codes:
        code = codes.pop()
        codes += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
        found |= {step.argval for step in dis.get_instructions(code) if step.opname == "STORE_ATTR"}
    return frozenset(filter(is_private, found))


def module_of(file: str) -> str:
    """Import name of a file of the product."""
    dotted = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return dotted if dotted.startswith(PACKAGE) else f"{PACKAGE}.{dotted}"

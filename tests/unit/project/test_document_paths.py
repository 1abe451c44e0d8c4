"""Paths, modules, tasks and anchors that the documents name."""

import importlib
import re
from pathlib import Path
from typing import Final

import pytest

from tests.stacks import ROOT

SUPERSEDED: Final = "- Status: superseded"
"""Such a decision describes an earlier tree."""

CODE: Final = re.compile(r"`([^`\n]+)`")
WORD: Final = re.compile(r"[\w./<>*-]+")
MODULE: Final = re.compile(r"\bmeshed_mcp(?:\.\w+)+")
MAKE_TASK: Final = re.compile(r"(?:`|^)make ([a-z][a-z-]+)", re.MULTILINE)
PLACEHOLDER: Final = re.compile(r"<\w+>")
PACKAGE_ROW: Final = re.compile(r"^\| `([\w/]+)/` \|(.*?)\|", re.MULTILINE)
LINK: Final = re.compile(r"\]\((?!https?://)([^)#\s]*)#([^)\s]+)\)")
HEADING: Final = re.compile(r"^#+ (.+)$", re.MULTILINE)
FENCED: Final = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)

PAGES: Final = [
    page
    for page in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
    if SUPERSEDED not in page.read_text("utf-8")
]
FOLDERS: Final = frozenset(path.name for path in ROOT.iterdir() if path.is_dir()) - {"build", "dist"}
MADE_BY_COMMANDS: Final = (".local/", ".engines/")
REMOVED: Final = frozenset({"meshed_mcp/dashboards"})
"""Paths of an earlier tree, which a decision names to say where they went."""

LOGGERS: Final = frozenset({"meshed_mcp.audit"})
"""Dotted names that are no modules."""


def named_paths(text: str) -> set[str]:
    """Words in code spans that begin with a top-level folder of the repository."""
    words = {word for span in CODE.findall(text) for word in WORD.findall(span)}
    return {word for word in words - REMOVED if "/" in word and word.partition("/")[0] in FOLDERS}


def exists(path: str, below: Path = ROOT) -> bool:
    """Whether a path, or a pattern with `*` or `<Name>`, matches a file or folder."""
    return path.startswith(MADE_BY_COMMANDS) or any(below.glob(PLACEHOLDER.sub("*", path.rstrip("/."))))


def anchors(page: Path) -> set[str]:
    """Anchors of a page's headings. Source: GitHub Docs, "Basic writing and formatting syntax", section links."""
    headings = HEADING.findall(FENCED.sub("", page.read_text("utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_path_that_a_document_names_exists(page: Path) -> None:
    """Requirement PRJ-2: a reader finds the file that a page names."""
    assert [path for path in sorted(named_paths(page.read_text("utf-8"))) if not exists(path)] == []


def test_a_path_that_is_gone_is_found() -> None:
    """Requirement PRJ-1: the check above fails on a path that does not exist."""
    assert [
        path for path in named_paths("see `components/absent.py` and `docs/runbooks/<Name>.md`") if not exists(path)
    ]


def test_every_module_that_a_document_names_can_be_imported() -> None:
    """Requirement PRJ-2: a dotted name in a document is a module of the product."""
    names = {name for page in PAGES for name in MODULE.findall(page.read_text("utf-8"))} - LOGGERS
    assert names
    for name in sorted(names):
        importlib.import_module(name)


def test_every_make_task_that_a_document_names_exists() -> None:
    """Requirement PRJ-2: `make <task>` of a page works."""
    makefiles = "\n".join((ROOT / name).read_text("utf-8") for name in ("Makefile", "engines/engines.mk"))
    tasks = {task for page in PAGES for task in MAKE_TASK.findall(page.read_text("utf-8"))}
    assert {"setup", "golden"} <= tasks
    assert [task for task in sorted(tasks) if not re.search(rf"^{task}:", makefiles, re.MULTILINE)] == []


def test_the_package_table_names_existing_folders() -> None:
    """Requirement PRJ-2: each row of CONTRIBUTING, "Packages", names folders and files below its own folder."""
    rows = PACKAGE_ROW.findall((ROOT / "CONTRIBUTING.md").read_text("utf-8"))
    assert rows
    for folder, purpose in rows:
        names = [name for name in CODE.findall(purpose) if name.endswith(("/", ".py"))]
        assert [name for name in names if not exists(name, ROOT / folder)] == [], folder


def test_links_to_sections_resolve() -> None:
    """Requirement PRJ-2: no link to a section that does not exist."""
    for page in PAGES:
        for target, anchor in LINK.findall(page.read_text("utf-8")):
            linked = (page.parent / target).resolve() if target else page
            assert anchor in anchors(linked), f"{page.name}: {target}#{anchor}"

"""License, pre-commit hooks, dependency updates and issue forms of the repository."""

import shlex
import tomllib
from typing import Any

import yaml

from tests.stacks import ROOT


def load(path: str) -> Any:
    """A YAML file of the repository."""
    return yaml.safe_load((ROOT / path).read_text("utf-8"))


def test_the_license_is_the_full_apache_text() -> None:
    """SPDX, Apache-2.0: nine sections and the appendix; pyproject.toml names it by its identifier (PEP 639)."""
    text = (ROOT / "LICENSE").read_text("utf-8")
    assert "Apache License\n                           Version 2.0, January 2004" in text
    assert [number for number in range(1, 10) if f"\n   {number}. " not in text] == []
    assert "APPENDIX: How to apply the Apache License to your work." in text
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert (project["license"], project["license-files"]) == ("Apache-2.0", ["LICENSE"])


def test_hooks_use_the_pinned_tools() -> None:
    """Requirement PRJ-7: a version is pinned once, so hooks and `make lint` always agree."""
    pinned = (ROOT / "requirements-test.txt").read_text("utf-8")
    hooks = [hook for repo in load(".pre-commit-config.yaml")["repos"] for hook in repo["hooks"]]
    assert {repo["repo"] for repo in load(".pre-commit-config.yaml")["repos"]} == {"local"}
    programs = {shlex.split(hook["entry"])[0] for hook in hooks}
    assert "make" in programs
    for program in programs - {"make"}:
        assert f"\n{program.removeprefix('.venv/bin/')}==" in pinned


def test_updates_are_proposed_for_packages_and_actions() -> None:
    """GitHub, "Dependabot options reference": version 2, one entry per ecosystem."""
    found = load(".github/dependabot.yml")
    assert found["version"] == 2
    assert {item["package-ecosystem"]: item["directory"] for item in found["updates"]} == {
        "pip": "/",
        "github-actions": "/",
    }


def test_issue_forms_have_what_github_requires() -> None:
    """GitHub, "Syntax for issue forms": name, description and body; every field has a label."""
    forms = [path for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml"]
    assert forms
    for path in forms:
        form = load(str(path.relative_to(ROOT)))
        assert {"name", "description", "body"} <= set(form)
        assert all(field["attributes"]["label"] for field in form["body"])

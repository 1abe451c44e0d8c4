"""The project's own files agree with each other."""

import re
import tomllib

from packaging.requirements import Requirement

from tests.stacks import ROOT

DECISIONS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
HEAD = re.compile(r"# (\d+)\. (.+)\n\n- Status: (accepted|superseded by \d+)\n- Date: (\d{4}-\d\d-\d\d)\n\n")
PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[a-z]+\])?==(\S+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    """Package -> pinned version in a requirements file."""
    return {package.lower(): version for package, version in PINNED.findall((ROOT / name).read_text("utf-8"))}


def pinned() -> dict[str, str]:
    """All pins of `make setup`."""
    return pins("requirements.txt") | pins("infra/requirements.txt") | pins("requirements-test.txt")


def extras() -> dict[str, Requirement]:
    """Package -> requirement, of every extra and of the package itself."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lines = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    found = {requirement.name.lower(): requirement for requirement in map(Requirement, lines)}
    return {name: requirement for name, requirement in found.items() if name != project["name"]}


def test_every_pin_is_in_an_extra_and_inside_its_range() -> None:
    """Requirement PRJ-7: what is tested (requirements) is what may be installed (extras)."""
    required = extras()
    for package, version in pinned().items():
        assert package in required, f"{package} is pinned and in no extra"
        assert required[package].specifier.contains(version), f"{package} {version} is outside {required[package]}"


def test_every_extra_is_pinned() -> None:
    """Requirement PRJ-7: a machine that runs `make setup` gets the tested versions of everything."""
    assert sorted(set(extras()) - set(pinned())) == []


def test_every_lint_exception_has_a_reason() -> None:
    """Requirement PRJ-6: an ignore without a reason is a defect."""
    lines = (
        (ROOT / "pyproject.toml").read_text("utf-8").split("[tool.ruff.lint]")[1].split("[tool.mypy]")[0].splitlines()
    )
    codes = [line for line in lines if re.match(r'\s+"[A-Z]+[0-9]*",', line)]
    assert codes
    assert [line for line in codes if "#" not in line] == []


def test_the_readme_shows_the_quick_starts_real_files() -> None:
    """Requirement PRJ-2: what a newcomer copies from the README is what the tests run."""
    readme = (ROOT / "README.md").read_text("utf-8")
    for name in ("my_service.py", "Pulumi.dev.yaml"):
        assert (ROOT / "examples" / "quickstart" / name).read_text("utf-8") in readme


def test_the_readme_links_to_every_how_to_page() -> None:
    """Requirement PRJ-2: the README links to each page."""
    readme = (ROOT / "README.md").read_text("utf-8")
    pages = [page.relative_to(ROOT).as_posix() for page in sorted((ROOT / "docs" / "how-to").glob("*.md"))]
    assert pages
    assert [page for page in pages if f"({page})" not in readme] == []


def test_every_decision_has_its_four_sections() -> None:
    """Requirement PRJ-2: context, decision, consequences, reconsider if."""
    for page in DECISIONS:
        text = page.read_text("utf-8")
        for part in ("**Context.**", "**Decision.**", "**Consequences.**", "**Reconsider if**"):
            assert part in text, f"{page.name} lacks {part}"


def test_decisions_are_numbered_consecutively() -> None:
    """Requirement PRJ-2: code cites a decision by its number, so each number is unique."""
    numbers = range(1, len(DECISIONS) + 1)
    assert [int(page.name[:4]) for page in DECISIONS] == list(numbers)
    assert [page.read_text("utf-8").split(".")[0] for page in DECISIONS] == [f"# {n}" for n in numbers]


def test_every_decision_has_a_status_a_date_and_an_index_entry() -> None:
    """M. Nygard, "Documenting architecture decisions": a decision has a status, which may be superseded."""
    index = (ROOT / "docs" / "adr" / "README.md").read_text("utf-8").splitlines()
    rows = [line for line in index if line.startswith("| [")]
    assert len(rows) == len(DECISIONS)
    for page, row in zip(DECISIONS, rows, strict=True):
        text = page.read_text("utf-8")
        head = HEAD.match(text)
        assert head, f"{page.name} lacks a status or a date"
        assert row == f"| [{head[1]}]({page.name}) | {head[2]} | {head[3]} | {head[4]} |"


def test_links_inside_the_documents_resolve() -> None:
    """Requirement PRJ-2: no dead link."""
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"

"""The change map of CONTRIBUTING: a recipe per row, applied to a copy of the repository, with the checks that apply.

A recipe is the list of hand-written edits of one change. Its files are those of the row, and no more than the bound.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.stacks import ROOT

GENERATED: Final = (
    "tests/golden/*",
    "docs/reference/stack-file.md",
    "docs/reference/alerts.md",
    "docs/reference/errors.md",
)
"""Files that `make golden` writes."""

NOT_COPIED: Final = ("bench/results/", "docs/images/")
CODE: Final = re.compile(r"`([^`]+)`")
PLACEHOLDER: Final = re.compile(r"<\w+>")


class Edit(NamedTuple):
    """One edit of a file: `old`, which occurs once, becomes `new`; an empty `old` appends or creates the file."""

    file: str
    old: str
    new: str


class Recipe(NamedTuple):
    """One example of a row of the change map."""

    most_files: int
    """Bound of hand-written files. Source: requirement PRJ-9."""

    edits: tuple[Edit, ...]
    tests: tuple[str, ...]
    """Arguments of pytest, one run each: tests that fail if a file of the change is missing."""


DOCUMENTED: Final = "tests/golden/test_golden.py -k documented"

SERVICE_OPTION: Final = (
    Edit(
        "components/mesh/service/settings.py",
        "    resources: ServerResources = Field(default_factory=ServerResources)\n",
        """    dns_policy: str | None = None
    \"\"\"DNS policy of the pods, such as `Default`; unset = that of Kubernetes, `ClusterFirst`.\"\"\"

    resources: ServerResources = Field(default_factory=ServerResources)
""",
    ),
    Edit(
        "components/mesh/service/workload.py",
        "        **scheduling.pod_fields(args.scheduling),\n",
        """        **scheduling.pod_fields(args.scheduling),
        **({} if args.dns_policy is None else {"dnsPolicy": args.dns_policy}),
""",
    ),
    Edit(
        "tests/unit/components/mesh/service/test_workload.py",
        "",
        """

def test_pods_have_the_dns_policy_of_the_service() -> None:
    \"\"\"Kubernetes, "DNS for Services and Pods": `spec.dnsPolicy` of a pod; without it `ClusterFirst`.\"\"\"
    assert pod(dns_policy="Default")["dnsPolicy"] == "Default"
    assert "dnsPolicy" not in pod()
""",
    ),
)
METRIC: Final = (
    Edit(
        "meshed_mcp/contract/metrics.py",
        'METRIC_LOOP_BLOCKED: Final = "mcp_server_event_loop_blocked_seconds_total"\n',
        """METRIC_LOOP_BLOCKED: Final = "mcp_server_event_loop_blocked_seconds_total"
METRIC_LOOP_BLOCKS: Final = "mcp_server_event_loop_blocks_total"
""",
    ),
    Edit(
        "agents/process/loop_watchdog.py",
        "            self._seconds.inc(blocked)\n",
        "            self._seconds.inc(blocked)\n            self._blocks.inc()\n",
    ),
    Edit(
        "agents/process/loop_watchdog.py",
        "        self._seconds = Counter(\n",
        """        self._blocks = Counter(contract.METRIC_LOOP_BLOCKS, "Blocks of the event loop.", registry=registry)
        self._seconds = Counter(
""",
    ),
    Edit(
        "components/observability/metrics/catalog.py",
        "    Metric(contract.METRIC_LOOP_BLOCKED,",
        """    Metric(contract.METRIC_LOOP_BLOCKS, Type.COUNTER, "blocks", (), 1, Emitter.RUNTIME),
    Metric(contract.METRIC_LOOP_BLOCKED,""",
    ),
    Edit(
        "tests/unit/agents/process/test_loop_watchdog.py",
        "",
        """

async def test_an_idle_event_loop_has_no_blocks() -> None:
    \"\"\"Requirement RUN-1: the metric is exported before the first block.\"\"\"
    registry = CollectorRegistry()
    with watched_event_loop(registry):
        assert registry.get_sample_value(contract.METRIC_LOOP_BLOCKS) == 0
""",
    ),
)
METRIC_TESTS: Final = "tests/unit/agents/process/test_loop_watchdog.py"


def panel(metric: str) -> tuple[Edit, ...]:
    """The edits of a panel that shows a counter of the runtime."""
    return (
        Edit(
            "components/promql/traffic.py",
            "",
            f"""

def loop_rate(select: str, window: str) -> str:
    \"\"\"Increase of a counter of the event loop per second, per server.\"\"\"
    return f"sum by ({{contract.LABEL_SERVER}}) (rate({{contract.{metric}}}{{{{{{select}}}}}}[{{window}}]))"
""",
        ),
        Edit(
            "components/observability/dashboards/performance.py",
            '    panel(\n        "CPU throttling",\n',
            """    panel(
        "Event loop",
        "Increase per second.",
        Unit.PER_SECOND,
        Query(traffic.loop_rate(SELECT, RATE), BY_SERVER),
        scrape_seconds=SERVER_SCRAPE_SECONDS,
    ),
    panel(
        "CPU throttling",
""",
        ),
    )


PANEL_TESTS: Final = (
    "tests/unit/components/observability/dashboards tests/promql/test_expressions.py "
    "tests/promql/test_series_of_queries.py tests/promql/test_unread_series.py"
)
ALERT: Final = "MCPServerPhaseUnknown"
HEARTBEAT: Final = 'mcp_agent_last_heartbeat_timestamp_seconds{namespace="mcp-system",mcp_server_name="mcp-rag"}'
NEW_ALERT: Final = (
    Edit(
        "components/alerts/servers.py",
        "SERVERS: Final = (\n",
        f"""SERVERS: Final = (
    Alert(
        name="{ALERT}",
        expression=lambda scope: promql.stale_phase(scope.threshold),
        for_seconds=300,
        component=Component.SERVER,
        summary=f"{{SERVER}} has reported no phase for {{NUMBER}} s",
        description="Dashboards do not show the phase of its replicas.",
        threshold=Threshold(default=60, unit="seconds", minimum=1, maximum=3600),
    ),
""",
    ),
    Edit(
        "components/promql/alerts.py",
        "",
        """

def stale_phase(threshold: float) -> PromQL:
    \"\"\"Seconds since a server last reported its phase.\"\"\"
    return PromQL(f"max {BY_SERVER} (time() - {contract.METRIC_HEARTBEAT}) > {threshold:g}")
""",
    ),
    Edit(
        f"docs/runbooks/{ALERT}.md",
        "",
        f"""# {ALERT}

## Meaning

A server has reported no phase for a minute.

## Impact

Dashboards do not show the phase of its replicas.

## Diagnosis

- Read the log of the server.

## Mitigation

- Restart the replicas of the server.
""",
    ),
    Edit(
        f"tests/promql/alerts/{ALERT}.yaml",
        "",
        f"""- summary: mcp-rag in mcp-system has reported no phase for 1200 s
  fires:
    {HEARTBEAT}: "0+60x100 6000x30"
  quiet:
    {HEARTBEAT}: "0+60x130"
""",
    ),
)
ERROR: Final = (
    Edit(
        "meshed_mcp/error_codes/service.py",
        "",
        'METHODS_WITHOUT_POST: Final = code("MM9998")\n',
    ),
    Edit(
        "meshed_mcp/error_codes/service.toml",
        "",
        """
[MM9998]
text = "has no POST, by which clients send messages; add POST"
cause = "Streamable HTTP sends every message by POST."
fix = "Add `POST`."
service = "{methods: [GET]}"
fixed = "{methods: [GET, POST]}"
""",
    ),
    Edit(
        "components/mesh/service/validation.py",
        '        raise codes.UNKNOWN_HTTP_METHOD.error(names=listed(bad), known=", ".join(HTTP_METHODS))\n',
        """        raise codes.UNKNOWN_HTTP_METHOD.error(names=listed(bad), known=", ".join(HTTP_METHODS))
    if "POST" not in value:
        raise codes.METHODS_WITHOUT_POST.error()
""",
    ),
    Edit(
        "tests/unit/components/mesh/service/test_settings.py",
        "",
        """

def test_methods_without_post_are_rejected() -> None:
    \"\"\"MCP specification, "Streamable HTTP": clients send every message by POST.\"\"\"
    assert message(methods=["GET"]) == "has no POST, by which clients send messages; add POST"
""",
    ),
)
CHART: Final = (
    Edit("components/observability/charts.py", '"cert-manager", "v1.21.1"', '"cert-manager", "v1.21.2"'),
    Edit(
        "tests/unit/components/observability/test_releases.py", '"cert-manager", "v1.21.1"', '"cert-manager", "v1.21.2"'
    ),
)

RECIPES: Final = {
    "a service option": Recipe(
        5, SERVICE_OPTION, ("tests/unit/components/mesh/service tests/unit/local/translate/test_stack.py", DOCUMENTED)
    ),
    "a metric": Recipe(4, METRIC, (METRIC_TESTS,)),
    "a metric with a panel": Recipe(6, (*METRIC, *panel("METRIC_LOOP_BLOCKS")), (METRIC_TESTS, PANEL_TESTS)),
    "a panel": Recipe(2, panel("METRIC_LOOP_BLOCKED"), (PANEL_TESTS,)),
    "an alert": Recipe(
        4,
        NEW_ALERT,
        (
            "tests/unit/components/alerts tests/unit/infra/reference/test_alerts.py",
            f"tests/promql/test_alerts.py -k {ALERT}",
        ),
    ),
    "an error": Recipe(4, ERROR, ("tests/unit/infra/reference/test_errors.py tests/unit/components/mesh/service",)),
    "a chart version": Recipe(2, CHART, ("tests/unit/components/observability",)),
}


def row_files(row: str) -> list[tuple[list[str], bool]]:
    """(patterns of one of which a file is, whether the row always needs it), for each file of a row of the map."""
    (cell,) = re.findall(
        rf"^\| {re.escape(row)} \| (.*) \|$", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.MULTILINE
    )
    items = [item for item in cell.split("; ") if "`" in item]
    return [([PLACEHOLDER.sub("*", pattern) for pattern in CODE.findall(item)], " if " not in item) for item in items]


def unnamed(files: set[str], row: str) -> tuple[set[str], list[list[str]]]:
    """Files that the row does not name, and files of the row that are not among `files`."""
    left, missing = set(files), []
    for patterns, is_needed in row_files(row):
        found = [
            file for file in sorted(left) if any(fnmatch(file, f"{p}*" if p.endswith("/") else p) for p in patterns)
        ]
        if found:
            left.discard(found[0])
        elif is_needed:
            missing.append(patterns)
    return left, missing


def tracked() -> Iterator[str]:
    """Files of the repository that a change can touch, and that the tests read."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S607 - git of the PATH
    yield from (file for file in listed.splitlines() if not file.startswith(NOT_COPIED) and (ROOT / file).exists())


def copy_repository(folder: Path) -> None:
    """A copy of the tracked files; links stay links."""
    for file in tracked():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / file, folder / file, follow_symlinks=False)


def apply(edits: tuple[Edit, ...], folder: Path) -> None:
    """Make the edits below `folder`."""
    for file, old, new in edits:
        path = folder / file
        text = path.read_text("utf-8") if path.exists() else ""
        path.write_text(text.replace(old, new, 1) if old else text + new, encoding="utf-8")


def changed(folder: Path) -> set[str]:
    """Files of a copy that differ from the repository's, without generated ones and caches."""
    folders = {file.partition("/")[0] for file in tracked()}
    paths = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    files = {path.as_posix() for path in paths if path.parts[0] in folders}
    return {
        file
        for file in files
        if "__pycache__" not in file
        and not any(fnmatch(file, pattern) for pattern in GENERATED)
        and not any(part.is_symlink() for part in (folder / file).parents)
        and not ((ROOT / file).exists() and (ROOT / file).read_bytes() == (folder / file).read_bytes())
    }


def run(folder: Path, *arguments: str) -> None:
    """Run Python in the copy; its output is the failure of the test."""
    path = f"{ROOT / '.engines' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=200,
    )
    if done.returncode:
        pytest.fail(done.stdout[-4000:], pytrace=False)


@pytest.mark.parametrize("row", RECIPES)
def test_a_change_touches_the_files_of_its_row_and_no_more(row: str) -> None:
    """Requirement PRJ-9: the row of the change map names every hand-written file, within the bound."""
    recipe = RECIPES[row]
    files = {edit.file for edit in recipe.edits}
    assert unnamed(files, row) == (set(), [])
    assert len(files) <= recipe.most_files


@pytest.mark.parametrize("row", RECIPES)
def test_an_edit_has_one_place(row: str) -> None:
    """Requirement PRJ-1: a recipe whose file was renamed or rewritten fails here, before the slow test."""
    for file, old, _ in RECIPES[row].edits:
        assert not old or (ROOT / file).read_text("utf-8").count(old) == 1, (file, old)


def test_a_file_that_a_row_does_not_name_is_found() -> None:
    """Requirement PRJ-1: the comparison with the change map can fail, on both sides."""
    assert unnamed({"infra/plan.py"}, "a chart version") == ({"infra/plan.py"}, [row_files("a chart version")[0][0]])


@pytest.mark.slow
@pytest.mark.engine("promtool")
@pytest.mark.parametrize("row", [row for row in RECIPES if row != "a metric"])  # part of "a metric with a panel"
def test_a_change_in_a_copy_passes_the_checks(row: str, tmp_path: Path) -> None:
    """Requirement PRJ-9: after `make golden`, linters and tests find nothing that the recipe leaves out."""
    recipe = RECIPES[row]
    copy_repository(tmp_path)
    apply(recipe.edits, tmp_path)
    run(tmp_path, "-m", "tests.golden.write")
    files = changed(tmp_path)
    assert files == {edit.file for edit in recipe.edits}
    modules = sorted(file for file in files if file.endswith(".py"))
    run(tmp_path, "-m", "ruff", "check", "--quiet", *modules)
    run(tmp_path, "-m", "ruff", "format", "--check", "--quiet", *modules)
    for tests in recipe.tests:
        run(tmp_path, "-m", "pytest", "-q", "-x", "-n0", "-m", "not property", *tests.split())

"""The workflows: permissions, pinned actions, the matrix of Pythons, and that nothing is deployed untested."""

import os
import re
import stat
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.stacks import ROOT

FOLDER: Final = ROOT / ".github" / "workflows"
PAGES: Final = sorted(FOLDER.glob("*.yml"))
PINNED: Final = re.compile(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
OWN: Final = "./.github/workflows/"
SECRET: Final = re.compile(r"secrets\.|environment")


def workflow(name: str) -> dict[str, Any]:
    """A workflow; YAML 1.1 reads its key `on` as true."""
    loaded: dict[Any, Any] = yaml.safe_load((FOLDER / name).read_text("utf-8"))
    return {("on" if key is True else key): value for key, value in loaded.items()}


def jobs() -> Iterator[Any]:
    """Every job of every workflow."""
    for page in PAGES:
        for name, job in workflow(page.name)["jobs"].items():
            yield pytest.param(job, id=f"{page.stem}-{name}")


@pytest.mark.parametrize("page", [page.name for page in PAGES])
def test_a_workflow_grants_nothing_and_its_jobs_least_privilege(page: str) -> None:
    """GitHub, "Security hardening": the token of a job has the least permissions."""
    loaded = workflow(page)
    assert loaded["permissions"] == {}
    for name, job in loaded["jobs"].items():
        wanted = {"contents": "read", **({"pull-requests": "write"} if name == "preview" else {})}
        assert job["permissions"] == wanted, name


def test_every_action_is_pinned_by_commit_with_its_version() -> None:
    """GitHub, "Security hardening": a full commit hash is the only immutable release of an action."""
    used = [line for page in PAGES for line in page.read_text("utf-8").splitlines() if "uses:" in line]
    assert used
    assert [line for line in used if not PINNED.search(line) and f"uses: {OWN}ci.yml" not in line] == []


@pytest.mark.parametrize("job", list(jobs()))
def test_every_job_has_a_timeout(job: dict[str, Any]) -> None:
    """GitHub, `timeout-minutes`: six hours by default. A job that calls a workflow has the timeouts of that one."""
    assert "uses" in job or 0 < job["timeout-minutes"] <= 180


@pytest.mark.parametrize("job", list(jobs()))
def test_no_step_keeps_the_token_of_the_checkout(job: dict[str, Any]) -> None:
    """actions/checkout: the token stays in .git/config unless `persist-credentials` is false."""
    checkouts = [step for step in job.get("steps", []) if step.get("uses", "").startswith("actions/checkout@")]
    assert [step for step in checkouts if step["with"].get("persist-credentials") is not False] == []


def test_lint_units_promql_and_engines_run_in_parallel() -> None:
    """Requirement PRJ-8: a pull request sees each kind of failure separately; every job calls the Makefile."""
    found = workflow("ci.yml")["jobs"]
    assert [name for name, job in found.items() if "needs" in job] == []
    calls = {name: job["steps"][-1]["run"] for name, job in found.items()}
    assert calls == {
        "lint": "make lint",
        "unit": "make unit",
        "promql": "make promql",
        "engines": "make engine-tests",
    }


def test_the_makefile_has_every_task_that_a_job_calls() -> None:
    """Requirement PRJ-8: a workflow's task runs on a developer's machine by the same name."""
    makefiles = "\n".join((ROOT / name).read_text("utf-8") for name in ("Makefile", "engines/engines.mk"))
    runs = [step["run"] for page in PAGES for job in workflow(page.name)["jobs"].values()
            for step in job.get("steps", []) if "run" in step]  # fmt: skip
    called = {task for run in runs for task in re.findall(r"\bmake ([a-z-]+)", run)}
    assert called >= {"setup", "lint", "unit", "promql", "engines", "engine-tests"}
    assert [task for task in sorted(called) if not re.search(rf"^{task}:", makefiles, re.MULTILINE)] == []


def test_units_run_on_every_supported_python() -> None:
    """Requirement PRJ-7: `requires-python` and the classifiers name only tested versions."""
    matrix = workflow("ci.yml")["jobs"]["unit"]["strategy"]["matrix"]["python"]
    assert matrix == ["3.11", "3.12", "3.13", "3.14"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["requires-python"] == f">={matrix[0]}"
    named = [line.rpartition(" ")[2] for line in project["classifiers"] if ":: Python :: 3." in line]
    assert set(named) <= set(matrix)


def test_every_pull_request_and_every_push_to_main_is_tested() -> None:
    """Requirement PRJ-8: the tests do not depend on the other jobs of a run."""
    deploy = workflow("deploy.yml")
    assert {"pull_request", "push"} <= set(deploy["on"])
    tests = deploy["jobs"]["tests"]
    assert tests["uses"] == f"{OWN}ci.yml"
    assert "if" not in tests
    assert "workflow_call" in workflow("ci.yml")["on"]


def test_no_job_with_secrets_starts_before_the_tests_have_passed() -> None:
    """Requirement PRJ-8: only tested code is deployed. GitHub, `needs`: a failed job skips its dependents."""
    deploy = workflow("deploy.yml")["jobs"]
    privileged = {name: job for name, job in deploy.items() if SECRET.search(str(job))}
    assert set(privileged) == {"preview", "up", "canary"}
    for name, job in privileged.items():
        assert "tests" in job["needs"], name
        assert "always()" not in str(job.get("if")), name


def test_a_pull_request_of_a_fork_gets_no_preview() -> None:
    """GitHub, "Security hardening": a preview runs the pull request's code."""
    condition = workflow("deploy.yml")["jobs"]["preview"]["if"]
    assert "github.event.pull_request.head.repo.full_name == github.repository" in condition


def test_the_kubeconfig_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    """POSIX, umask: other users and processes of the runner read neither the file nor its successor."""
    (tmp_path / "kubeconfig").write_text("of an earlier step", encoding="utf-8")
    (tmp_path / "kubeconfig").chmod(0o644)
    variables = {"RUNNER_TEMP": str(tmp_path), "GITHUB_ENV": str(tmp_path / "env"), "CONTENT": "apiVersion: v1\n%s"}
    subprocess.run([FOLDER / "kubeconfig.sh"], env=os.environ | variables, check=True, timeout=60)
    kept = tmp_path / "kubeconfig"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert kept.read_text("utf-8") == "apiVersion: v1\n%s"
    assert (tmp_path / "env").read_text("utf-8") == f"KUBECONFIG={kept}\n"


def test_every_job_with_a_cluster_writes_its_kubeconfig_by_this_script() -> None:
    """Requirement PRJ-2: the workflow runs the script that was tested; no other step reads the secret."""
    for name, job in workflow("deploy.yml")["jobs"].items():
        reading = [step for step in job.get("steps", []) if "secrets.KUBECONFIG" in str(step)]
        assert "KUBECONFIG" not in job.get("env", {}), name
        assert [step["run"] for step in reading] in ([], [".github/workflows/kubeconfig.sh"]), name
        assert bool(reading) is (name in {"preview", "up", "canary"})

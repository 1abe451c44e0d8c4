"""The Dockerfile: its user, its build context and the contents of its layer."""

import re
import subprocess

from tests.stacks import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()
FINAL = DOCKERFILE.rpartition("\nFROM ")[2]


def test_the_image_runs_as_a_numeric_non_root_user() -> None:
    """Kubernetes Pod API, `runAsNonRoot`: the kubelet can verify only a numeric user."""
    user, group = re.findall(r"^USER (\d+):(\d+)$", FINAL, re.MULTILINE)[-1]
    assert int(user) > 0
    assert int(group) > 0


def test_the_final_stage_has_no_pip_and_copies_one_folder() -> None:
    """Requirement PRJ-4: no pip in the final layer; what is installed comes from the build stage alone."""
    assert re.findall(r"^(?:RUN|COPY|ADD) .*$", FINAL, re.MULTILINE) == [
        "RUN python -m pip uninstall --yes --quiet --root-user-action=ignore setuptools wheel pip",
        "COPY --from=build /app /app",
    ]


def test_only_the_runtime_is_installed() -> None:
    """Requirement PRJ-4: the [runtime] extra; Pulumi and the engines stay outside."""
    assert "${what}[runtime]" in (ROOT / "image" / "layer.sh").read_text()


def test_the_build_context_contains_only_what_the_wheel_needs() -> None:
    """Requirement PRJ-4: no history, environment or secret of a checkout gets into a layer."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == "*"
    kept = {line[1:] for line in lines if line.startswith("!")}
    assert all((ROOT / path).exists() for path in kept)
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S607 - git of the PATH
    needed = {path.partition("/")[0] for path in tracked.splitlines() if path.startswith(("agents/", "meshed_mcp/"))}
    assert needed <= kept

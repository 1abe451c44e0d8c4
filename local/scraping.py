"""A Prometheus that scrapes the replicas of a running stack as their PodMonitors say. Objects in, answers out.

Replicas reach it by a file of targets, which is written again whenever they change; discovery in a cluster takes as
long. Not here: what is asked and what follows (scaling.py). Source: Prometheus, `file_sd_config`.
"""

import json
import os
import shutil
import socket
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.local.faults import LocalRunError
from meshed_mcp.local.processes import Processes, Program
from meshed_mcp.local.proxies import asked
from meshed_mcp.local.topology import Pod
from meshed_mcp.prometheus import Prometheus

PROGRAM: Final = "prometheus"
ENGINES: Final = Path(".engines") / "bin"
"""Where `make engines` puts programs."""

START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 10.0
POD_LABEL: Final = "__meta_kubernetes_pod_label_"
"""Source: Prometheus, `kubernetes_sd_config`, role pod."""


def prometheus_program() -> Path | None:
    """The Prometheus of this machine, if there is one."""
    found = shutil.which(PROGRAM, path=os.pathsep.join([str(ENGINES), os.environ.get("PATH", "")]))
    return None if found is None else Path(found).resolve()


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


def target(pod: Pod) -> dict[str, Any]:
    """A pod as discovery finds it: its place and names as labels, and the labels of the pod itself."""
    labels = {POD_LABEL + name.translate({ord(c): "_" for c in "./-"}): value for name, value in pod.labels.items()}
    names = {"namespace": pod.namespace, "pod": pod.name, "container": contract.CONTAINER_NAME}
    return {"targets": [f"{pod.address}:{contract.MANAGEMENT_PORT}"], "labels": names | labels}


def configuration(monitors: Sequence[Manifest], targets: Path) -> dict[str, Any]:
    """Prometheus's configuration: a job per endpoint of every PodMonitor, as the operator would write it."""
    return {"scrape_configs": [job for monitor in monitors for job in jobs(monitor, targets)]}


def jobs(monitor: Manifest, targets: Path) -> Iterator[dict[str, Any]]:
    """The jobs of one PodMonitor. Source: Prometheus operator, PodMonitor."""
    meta, spec = monitor["metadata"], monitor["spec"]
    namespace = {"source_labels": ["namespace"], "regex": meta["namespace"], "action": "keep"}
    chosen = [
        {"source_labels": [POD_LABEL + name], "regex": value, "action": "keep"}
        for name, value in spec["selector"]["matchLabels"].items()
    ]
    for number, endpoint in enumerate(spec["podMetricsEndpoints"]):
        named = [
            {"source_labels": each["sourceLabels"], "target_label": each["targetLabel"]}
            for each in endpoint.get("relabelings", [])
        ]
        yield {
            "job_name": f"{meta['namespace']}/{meta['name']}/{number}",
            "scrape_interval": endpoint["interval"],
            "scrape_timeout": endpoint.get("scrapeTimeout", endpoint["interval"]),
            "metrics_path": endpoint.get("path", contract.METRICS_PATH),
            "file_sd_configs": [{"files": [str(targets)]}],
            "relabel_configs": [namespace, *chosen, *named],
        }


@contextmanager
def scraping(objects: Sequence[Manifest], state: Path) -> Iterator[Scraping]:
    """A fresh Prometheus for the block; what it keeps lies below `state`. Raises LocalRunError where it does not start.

    Call it from the thread that started the stack.
    """
    binary = prometheus_program()
    if binary is None:
        advice = "install it (Debian: apt-get install prometheus), get it with make engines, or leave --scale out"
        raise LocalRunError(f"{PROGRAM} is not on the PATH; {advice}")
    folder = (state / PROGRAM).absolute()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    monitors = [item for item in objects if item["kind"] == "PodMonitor"]
    targets, config = folder / "targets.json", folder / "prometheus.yaml"
    targets.write_text("[]", encoding="utf-8")
    config.write_text(json.dumps(configuration(monitors, targets)), encoding="utf-8")
    address = f"127.0.0.1:{free_port()}"
    log = (state / "logs" / f"{PROGRAM}.log").absolute()
    with Processes(STOP_SECONDS) as processes, closing(Prometheus(f"http://{address}")) as asking:
        processes.start(Program(PROGRAM, command(binary, config, folder / "data", address), dict(os.environ), log))
        processes.wait_until(lambda _: asked(f"http://{address}/-/ready") is not None, START_SECONDS, lambda _: None)
        yield Scraping(asking, targets)


def command(binary: Path, config: Path, data: Path, address: str) -> tuple[str, ...]:
    """How it is started: on loopback, with the page that deletes series, for benches."""
    return (
        str(binary),
        f"--config.file={config}",
        f"--storage.tsdb.path={data}",
        f"--web.listen-address={address}",
        "--web.enable-admin-api",
        "--log.level=warn",
    )


def free_port() -> int:
    """A loopback port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

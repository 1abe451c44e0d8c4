"""The rendered rules and an Alertmanager with the rendered routes for a running stack; nobody is told outside.

Objects and the chart's value in, files and a process out. A run on one machine must not wake anybody: receivers keep
their names and lose their addresses. Not here: Prometheus (prometheus.py), what is shown of alerts (monitoring.py).
"""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.local.process.engines import engine, free_port
from meshed_mcp.local.process.processes import Processes, Program
from meshed_mcp.local.process.proxies import asked

ALERTMANAGER: Final = "alertmanager"
START_SECONDS: Final = 60.0
TEMPLATES: Final = Path("/usr/share/prometheus/alertmanager")
"""Source: Debian, package prometheus-alertmanager."""

NOT_RUN: Final = frozenset({"GrafanaDown", "KEDAOperatorMissing", "MCPFastScalerDown"})
"""Alerts on programs that do not run here: each would fire in every run."""

SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def rule_groups(objects: Sequence[Manifest], longest_hold: float | None) -> Manifest:
    """A file of rules with every PrometheusRule; alerts wait at most `longest_hold` seconds where it is given."""
    groups = [without_absent(group) for group in rendered_groups(objects)]
    if longest_hold is not None:
        groups = [group | {"rules": [held(rule, longest_hold) for rule in group["rules"]]} for group in groups]
    return {"groups": groups}


def rendered_groups(objects: Sequence[Manifest]) -> list[Manifest]:
    """The groups of every PrometheusRule."""
    return [group for item in objects if item["kind"] == "PrometheusRule" for group in item["spec"]["groups"]]


def without_absent(group: Manifest) -> Manifest:
    """The group without the alerts on programs that a run does not have."""
    return group | {"rules": [rule for rule in group["rules"] if rule.get("alert") not in NOT_RUN]}


def held(rule: Manifest, longest: float) -> Manifest:
    """The rule, its wait cut to `longest` seconds."""
    hold = rule.get("for", "0s")
    return rule | {"for": f"{longest:g}s"} if int(hold[:-1]) * SECONDS[hold[-1]] > longest else rule


def rendered_routes(releases: Sequence[Manifest]) -> Manifest | None:
    """Alertmanager's configuration in the recorded releases, receivers without addresses; None where there is none."""
    for release in releases:
        config: Manifest | None = release.get("values", {}).get(ALERTMANAGER, {}).get("config")
        if config is not None:
            return config | {"receivers": [{"name": each["name"]} for each in config["receivers"]]}
    return None


@contextmanager
def alertmanager(config: Manifest | None, state: Path) -> Iterator[str | None]:
    """The address (host:port) of a fresh Alertmanager for the block; None without routes or without the program."""
    binary = engine(ALERTMANAGER)
    if config is None or binary is None:
        yield None
        return
    folder = (state / ALERTMANAGER).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "alertmanager.yaml"
    file.write_text(json.dumps(config), encoding="utf-8")
    address = f"127.0.0.1:{free_port()}"
    command = (
        *with_templates(binary),
        f"--config.file={file}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",  # alone
        "--log.level=warn",
    )
    log = (state / "logs" / f"{ALERTMANAGER}.log").absolute()
    with Processes(START_SECONDS) as processes:
        processes.start(Program(ALERTMANAGER, command, dict(os.environ), log))
        processes.wait_until(lambda _: asked(f"http://{address}/-/ready") is not None, START_SECONDS, lambda _: None)
        yield address


def with_templates(binary: Path) -> list[str]:
    """How to start Debian's Alertmanager: it reads its templates from /usr/share, where an unpacked one has none.

    Then it gets a /usr/share of its own, in a mount namespace that ends with it.
    """
    unpacked = binary.resolve().parent.parent / "share" / "prometheus"
    if TEMPLATES.exists() or not unpacked.is_dir():
        return [str(binary)]
    script = f'mount -t tmpfs none /usr/share && cp -r "{unpacked}" /usr/share/ && exec "$0" "$@"'
    return ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, str(binary)]

"""Rendered alerting rules, and an Alertmanager with rendered routes whose receivers have no addresses."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.local.process.engines import engine, free_port, serving

ALERTMANAGER: Final = "alertmanager"
STOP_SECONDS: Final = 60.0
TEMPLATES: Final = Path("/usr/share/prometheus/alertmanager")
"""Source: Debian, package prometheus-alertmanager."""

NOT_RUN: Final = frozenset({"GrafanaDown", "KEDAOperatorMissing", "MCPFastScalerDown"})
"""Alerts on programs that do not run locally."""

SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def rule_groups(objects: Sequence[Manifest], max_hold_seconds: float | None) -> Manifest:
    """Prometheus rule file with every PrometheusRule, and `for` of the alerts reduced to `max_hold_seconds`.

    The operator writes a file per PrometheusRule; in one file, the names of groups are unique with that of the object.
    """
    groups = [
        group | {"name": f"{item['metadata']['name']}/{group['name']}"}
        for item in objects
        if item["kind"] == "PrometheusRule"
        for group in item["spec"]["groups"]
    ]
    return {"groups": [group | {"rules": list(_held(group["rules"], max_hold_seconds))} for group in groups]}


def _held(rules: Sequence[Manifest], longest: float | None) -> Iterator[Manifest]:
    for rule in rules:
        if rule.get("alert") not in NOT_RUN:
            hold = rule.get("for", "0s")
            reduced = longest is not None and int(hold[:-1]) * SECONDS[hold[-1]] > longest
            yield rule | {"for": f"{longest:g}s"} if reduced else rule


def rendered_routes(releases: Sequence[Manifest]) -> Manifest | None:
    """Alertmanager configuration of the releases; no notification leaves the machine. None without one."""
    for release in releases:
        config: Manifest | None = release.get("values", {}).get(ALERTMANAGER, {}).get("config")
        if config is not None:
            return config | {"receivers": [{"name": each["name"]} for each in config["receivers"]]}
    return None


@contextmanager
def alertmanager(config: Manifest | None, state: Path) -> Iterator[str | None]:
    """Address (host:port) of a new Alertmanager for the block; None without routes or without the program."""
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
        *alertmanager_command(binary),
        f"--config.file={file}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",  # no peers
        "--log.level=warn",
    )
    with serving(ALERTMANAGER, command, address, state, STOP_SECONDS):
        yield address


def alertmanager_command(binary: Path) -> list[str]:
    """Command of Debian's Alertmanager, with its templates in a /usr/share of its own where it is only unpacked."""
    unpacked = binary.resolve().parent.parent / "share" / "prometheus"
    if TEMPLATES.exists() or not unpacked.is_dir():
        return [str(binary)]
    script = f'mount -t tmpfs none /usr/share && cp -r "{unpacked}" /usr/share/ && exec "$0" "$@"'
    return ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, str(binary)]

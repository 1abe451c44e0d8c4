"""The Envoys of a run: their files, their processes, and new configuration for those that run.

Whole configurations by proxy name in; each proxy's folder and process follow them. A running Envoy notices a file that
is moved into place, so nothing is restarted and no connection ends. Not here: what is in a configuration (envoy/).
"""

import json
import time
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from meshed_mcp.error_codes import code
from meshed_mcp.error_codes.local import CONFIGURATION_LATE, TOO_FEW_WATCHES
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.process.container import Places
from meshed_mcp.local.process.processes import POLL_SECONDS, Processes, Program
from meshed_mcp.local.translate.envoy.api import Message
from meshed_mcp.local.translate.envoy.discovery import (
    CLUSTERS,
    LISTENERS,
    Discovery,
    clusters_response,
    discovery,
    listeners_response,
    watchers,
)
from meshed_mcp.local.translate.topology import ADMIN_PORT

UPDATE_SECONDS: Final = 60.0
"""Longest wait until running Envoys have taken a new configuration; usually they have at once."""

QUESTION_SECONDS: Final = 2.0
"""Time-out of one question to an Envoy or a replica."""

VERSIONS: Final = "/stats?filter=version_text"
"""Envoy's own word on which responses it runs. Source: Envoy, "xDS subscription statistics", `version_text`."""

WATCHES: Final = Path("/proc/sys/fs/inotify/max_user_instances")
"""Watches that a user may have. Source: inotify(7)."""

WATCHES_SHARE: Final = 0.75
"""Part of them that a run may take: editors and other programs of the user have some."""

OK: Final = 200
"""Source: RFC 9110, section 15.3.1."""

PROCESS: Final = "Envoy of "
"""Beginning of an Envoy's name among the processes."""


@dataclass(frozen=True)
class _Given:
    """What an Envoy has been told, and where it is asked."""

    admin: str
    files: Discovery


@dataclass
class Proxies:
    """Envoys by name, and what each has been told."""

    envoy: Path
    places: Places
    processes: Processes
    changes: bool = True
    """False = they are told everything at their start and watch no files: Linux gives a user 128 watches in all."""

    _given: dict[str, _Given] = field(default_factory=dict)

    def start(self, name: str, configuration: Message) -> None:
        """Start one Envoy; `ready` tells when it has its configuration."""
        folder = self._folder(name)
        found = discovery(configuration, folder)
        for file, content in _contents(found, folder).items() if self.changes else ():
            _write(file, content)
        _write(folder / "bootstrap.json", found.bootstrap if self.changes else configuration)
        self._given[name] = _Given(configuration["admin"]["address"]["socket_address"]["address"], found)
        options = ["--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"]
        self.processes.start(
            Program(
                name=PROCESS + name,
                command=(str(self.envoy), "-c", str(folder / "bootstrap.json"), *options),
                env={},
                log=self.places.log(f"{name}.envoy").absolute(),
            )
        )

    def ensure_watches(self, configurations: Mapping[str, Message]) -> None:
        """Raise LocalRunError where the system has too few watches for these Envoys, which would abort."""
        if not (self.changes and WATCHES.exists()):
            return
        most = int(WATCHES.read_text())
        needed = sum(watchers(discovery(each, self._folder(name))) for name, each in configurations.items())
        if needed > most * WATCHES_SHARE:
            raise LocalRunError(
                TOO_FEW_WATCHES.message(
                    envoys=len(configurations), needed=needed, watches=WATCHES, most=most, least=4 * needed
                )
            )

    def ready(self, process: str) -> bool:
        """Whether the Envoy with that process name answers that it is ready."""
        return asked(f"http://{self._given[process.removeprefix(PROCESS)].admin}:{ADMIN_PORT}/ready") is not None

    def stop(self, name: str, seconds: float) -> None:
        """End one Envoy: SIGTERM, a bounded wait, SIGKILL."""
        self.processes.ask_to_end(PROCESS + name)
        self.processes.await_end(PROCESS + name, seconds)
        del self._given[name]

    def forget(self, name: str) -> None:
        """Kill one Envoy, as when its machine dies."""
        self.processes.kill(PROCESS + name)
        del self._given[name]

    def update(self, configurations: Mapping[str, Message]) -> None:
        """Give running Envoys what changed: what is new first, then who uses it; what nobody uses goes last.

        Returns once all of them run it. Raises LocalRunError for those that do not within UPDATE_SECONDS.
        """
        found = {name: discovery(each, self._folder(name)) for name, each in configurations.items()}
        changed = {name: each for name, each in found.items() if each != self._given[name].files}
        self._give({name: _with_old_clusters(each, self._given[name].files) for name, each in changed.items()})
        self._give(changed)
        for name, each in changed.items():
            self._given[name] = _Given(self._given[name].admin, each)

    def publish(self, configurations: Mapping[str, Message]) -> None:
        """Give running Envoys new endpoints only, and wait for nobody: as a control plane pushes them."""
        for name, each in configurations.items():
            found = discovery(each, self._folder(name))
            for file, content in found.endpoints.items():
                if content != self._given[name].files.endpoints.get(file):
                    _write(file, content)
            given = self._given[name]
            self._given[name] = _Given(given.admin, replace(given.files, endpoints=found.endpoints))

    def settle(self) -> None:
        """Wait until all Envoys run the endpoints that were published. Raises LocalRunError as `update` does."""
        self._wait({name: _versions(given.files.endpoints.values()) for name, given in self._given.items()})

    def _give(self, wanted: Mapping[str, Discovery]) -> None:
        """Write the clusters and their endpoints, wait, write routes and listeners, wait."""
        for name, each in wanted.items():
            folder = self._folder(name)
            for file, content in [*each.endpoints.items(), (folder / CLUSTERS, clusters_response(each.clusters))]:
                _write(file, content)
        self._wait({name: _versions([clusters_response(each.clusters)]) for name, each in wanted.items()})
        for name, each in wanted.items():
            for file, content in _contents(each, self._folder(name)).items():
                _write(file, content)
        self._wait(
            {name: _versions(_contents(each, self._folder(name)).values()) for name, each in wanted.items()},
        )

    def _wait(self, wanted: Mapping[str, set[str]]) -> None:
        deadline = time.monotonic() + UPDATE_SECONDS
        waiting = set(wanted)
        while waiting:
            waiting = {name for name in waiting if not wanted[name] <= self._accepted(name)}
            if waiting and time.monotonic() > deadline:
                raise LocalRunError(*(self._late(name) for name in sorted(waiting)))
            if waiting:
                time.sleep(POLL_SECONDS)

    def _accepted(self, name: str) -> set[str]:
        text = asked(f"http://{self._given[name].admin}:{ADMIN_PORT}{VERSIONS}") or ""
        return {line.partition(": ")[2].strip('"') for line in text.splitlines()}

    def _late(self, name: str) -> code.Message:
        log = self.places.log(f"{name}.envoy")
        return CONFIGURATION_LATE.message(process=f"{PROCESS}{name}", seconds=UPDATE_SECONDS, log=log)

    def _folder(self, name: str) -> Path:
        return (self.places.state / "envoy" / name).absolute()


def asked(url: str) -> str | None:
    """What a URL of this machine answers with 200 now, else None; no proxy of the environment is asked."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=QUESTION_SECONDS) as response:
            return response.read().decode(errors="replace") if response.status == OK else None
    except OSError:
        return None


def _with_old_clusters(new: Discovery, old: Discovery) -> Discovery:
    """The new configuration, and the clusters that old routes still name."""
    names = {each["name"] for each in new.clusters}
    kept = [each for each in old.clusters if each["name"] not in names]
    return replace(new, clusters=[*new.clusters, *kept])


def _contents(files: Discovery, folder: Path) -> dict[Path, Message]:
    return {
        **files.endpoints,
        folder / CLUSTERS: clusters_response(files.clusters),
        **files.routes,
        folder / LISTENERS: listeners_response(files.listeners),
    }


def _versions(responses: Iterable[Message]) -> set[str]:
    return {each["version_info"] for each in responses}


def _write(file: Path, content: Message) -> None:
    """Move the content into place, so that nobody reads half of it; an unchanged file stays."""
    text = json.dumps(content, indent=1)
    if file.is_file() and file.read_text(encoding="utf-8") == text:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f"{file.name}.new")
    new.write_text(text, encoding="utf-8")
    new.replace(file)

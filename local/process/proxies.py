"""Envoy processes of a run and the configuration files they watch, so that an update closes no connection."""

import http.client
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
from meshed_mcp.local.process.container import RunFolders
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
"""Timeout of a configuration update of running Envoys."""

REQUEST_SECONDS: Final = 2.0
"""Timeout of one request to an Envoy or a replica."""

VERSIONS: Final = "/stats?filter=version_text"
"""Versions of the loaded responses. Source: Envoy, "xDS subscription statistics", `version_text`."""

WATCHES: Final = Path("/proc/sys/fs/inotify/max_user_instances")
"""Watches per user. Source: inotify(7)."""

WATCHES_SHARE: Final = 0.75
"""Share of the watches for a run; editors and other programs use some."""

OK: Final = 200
"""Source: RFC 9110, section 15.3.1."""

PROCESS: Final = "Envoy of "
"""Prefix of an Envoy's process name."""


@dataclass
class Proxies:
    """The Envoys of a run by name."""

    envoy: Path
    folders: RunFolders
    processes: Processes
    changes: bool = True
    """False = static configuration without watched files: Linux allows 128 watches per user by default."""

    _admin: dict[str, str] = field(default_factory=dict)
    _files: dict[str, Discovery] = field(default_factory=dict)

    def start(self, name: str, configuration: Message) -> None:
        """Start one Envoy; `ready` returns True when it has its configuration."""
        folder = self._folder(name)
        files = discovery(configuration, folder)
        for file, content in _contents(files, folder).items() if self.changes else ():
            _write(file, content)
        _write(folder / "bootstrap.json", files.bootstrap if self.changes else configuration)
        self._admin[name] = configuration["admin"]["address"]["socket_address"]["address"]
        self._files[name] = files
        options = ["--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"]
        command = (str(self.envoy), "-c", str(folder / "bootstrap.json"), *options)
        self.processes.start(Program(PROCESS + name, command, {}, self.folders.log(f"{name}.envoy").absolute()))

    def ensure_watches(self, configurations: Mapping[str, Message]) -> None:
        """Raise LocalRunError if the system has too few watches for these Envoys, which would abort."""
        if not (self.changes and WATCHES.exists()):
            return
        most = int(WATCHES.read_text())
        needed = sum(watchers(discovery(each, self._folder(name))) for name, each in configurations.items())
        if needed > most * WATCHES_SHARE:
            raise LocalRunError(
                TOO_FEW_WATCHES.message(
                    watches=WATCHES, envoys=len(configurations), needed=needed, most=most, least=4 * needed
                )
            )

    def ready(self, process: str) -> bool:
        """Whether the Envoy with that process name is ready."""
        return self._admin_text(process.removeprefix(PROCESS), "/ready") is not None

    def stop(self, name: str, seconds: float) -> None:
        """Stop one Envoy: SIGTERM, a bounded wait, SIGKILL."""
        self.processes.terminate(PROCESS + name)
        self.processes.wait_ended(PROCESS + name, seconds)
        del self._admin[name], self._files[name]

    def kill(self, name: str) -> None:
        """Kill one Envoy."""
        self.processes.kill(PROCESS + name)
        del self._admin[name], self._files[name]

    def update(self, configurations: Mapping[str, Message]) -> None:
        """Update running Envoys: new clusters first, then routes and listeners, then the removal of old clusters.

        Returns when all of them run it. Raises LocalRunError for those that do not within UPDATE_SECONDS.
        """
        wanted = {name: discovery(each, self._folder(name)) for name, each in configurations.items()}
        changed = {name: each for name, each in wanted.items() if each != self._files[name]}
        self._push({name: _with_old_clusters(each, self._files[name]) for name, each in changed.items()})
        self._push(changed)
        self._files |= changed

    def update_endpoints(self, configurations: Mapping[str, Message]) -> None:
        """Update the endpoints of running Envoys without waiting."""
        for name, each in configurations.items():
            endpoints = discovery(each, self._folder(name)).endpoints
            for file, content in endpoints.items():
                if content != self._files[name].endpoints.get(file):
                    _write(file, content)
            self._files[name] = replace(self._files[name], endpoints=endpoints)

    def wait_endpoints(self) -> None:
        """Wait until all Envoys have their endpoints. Raises LocalRunError as `update` does."""
        self._wait({name: _versions(files.endpoints.values()) for name, files in self._files.items()})

    def _push(self, wanted: Mapping[str, Discovery]) -> None:
        for name, each in wanted.items():
            clusters = (self._folder(name) / CLUSTERS, clusters_response(each.clusters))
            for file, content in [*each.endpoints.items(), clusters]:
                _write(file, content)
        self._wait({name: _versions([clusters_response(each.clusters)]) for name, each in wanted.items()})
        contents = {name: _contents(each, self._folder(name)) for name, each in wanted.items()}
        for files in contents.values():
            for file, content in files.items():
                _write(file, content)
        self._wait({name: _versions(each.values()) for name, each in contents.items()})

    def _wait(self, wanted: Mapping[str, set[str]]) -> None:
        deadline = time.monotonic() + UPDATE_SECONDS
        waiting = set(wanted)
        while waiting := {name for name in waiting if not wanted[name] <= self._accepted(name)}:
            if time.monotonic() > deadline:
                raise LocalRunError(*(self._late(name) for name in sorted(waiting)))
            time.sleep(POLL_SECONDS)

    def _accepted(self, name: str) -> set[str]:
        text = self._admin_text(name, VERSIONS) or ""
        return {line.partition(": ")[2].strip('"') for line in text.splitlines()}

    def _admin_text(self, name: str, path: str) -> str | None:
        return get_text(f"http://{self._admin[name]}:{ADMIN_PORT}{path}")

    def _late(self, name: str) -> code.Message:
        log = self.folders.log(f"{name}.envoy")
        return CONFIGURATION_LATE.message(process=f"{PROCESS}{name}", seconds=UPDATE_SECONDS, log=log)

    def _folder(self, name: str) -> Path:
        return (self.folders.state / "envoy" / name).absolute()


def get_text(url: str, seconds: float = REQUEST_SECONDS) -> str | None:
    """Body of a response with status 200, else None. Proxies of the environment are ignored."""
    try:
        with _opener().open(url, timeout=seconds) as response:
            return response.read().decode(errors="replace") if response.status == OK else None
    except OSError:
        return None


def responds(url: str) -> bool:
    """Whether an HTTP probe passes: a status from 200 to 399. Source: Kubernetes, "Configure Probes"."""
    try:
        with _opener().open(url, timeout=REQUEST_SECONDS):
            return True
    except (OSError, http.client.HTTPException):
        return False


def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _with_old_clusters(new: Discovery, old: Discovery) -> Discovery:
    """The new configuration with the clusters that old routes still use."""
    names = {each["name"] for each in new.clusters}
    return replace(new, clusters=[*new.clusters, *(each for each in old.clusters if each["name"] not in names)])


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
    """Replace a file atomically, unless it is unchanged."""
    text = json.dumps(content, indent=1)
    if file.is_file() and file.read_text(encoding="utf-8") == text:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f"{file.name}.new")
    new.write_text(text, encoding="utf-8")
    new.replace(file)

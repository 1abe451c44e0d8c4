"""Watched files of the Envoys of a run, and the limit of the system."""

from pathlib import Path
from typing import Any

import pytest

from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.process import proxies
from meshed_mcp.local.process.container import RunFolders
from meshed_mcp.local.process.processes import Processes
from meshed_mcp.local.process.proxies import Proxies
from meshed_mcp.local.translate.envoy.discovery import discovery, watchers


def configuration(clusters: int) -> dict[str, Any]:
    """An Envoy with this number of Services."""
    known = [
        {"name": f"outbound|8000||mcp-{number}", "type": "STATIC", "load_assignment": {"endpoints": []}}
        for number in range(clusters)
    ]
    return {"admin": {}, "static_resources": {"clusters": known, "listeners": []}}


def envoys(folder: Path, *, changes: bool) -> Proxies:
    """The Envoys of a run that has not started."""
    return Proxies(folder / "envoy", RunFolders(folder, folder), Processes(1), changes)


def test_each_service_of_an_envoy_is_one_watched_file(tmp_path: Path) -> None:
    """Envoy, "xDS protocol": each filesystem subscription has a watch of its own; clusters and listeners are two."""
    assert watchers(discovery(configuration(7), tmp_path)) == 9


def test_too_few_inotify_watches_are_reported_before_envoy_aborts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """inotify(7): an Envoy without a watch aborts with an assertion that does not name the cause."""
    limit = tmp_path / "max_user_instances"
    limit.write_text("128\n")
    monkeypatch.setattr(proxies, "WATCHES", limit)
    many = {f"mcp-{number}": configuration(10) for number in range(10)}
    with pytest.raises(LocalRunError) as error:
        envoys(tmp_path, changes=True).ensure_watches(many)
    assert error.value.messages == (
        (
            f"10 Envoys that can be changed watch 120 files, and {limit} allows 128 in all; "
            "set sysctl fs.inotify.max_user_instances=480, or remove --scale"
        ),
    )
    envoys(tmp_path, changes=False).ensure_watches(many)
    limit.write_text("1024\n")
    envoys(tmp_path, changes=True).ensure_watches(many)

"""Fixtures of the engine tests: one API server for all tests, with every CRD established.

The programs come from `make engines`; finding them is in ../conftest.py.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from meshed_mcp.local.command import run
from meshed_mcp.local.process.stack_runner import Running, running
from tests.engines import api_server as engine
from tests.engines import crds


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Group the tests for pytest-xdist: the API server, the local runs, and every other module.

    So each engine starts once, and two local runs never share the cores. A mark in a module wins.
    """
    served = {item.path for item in items if "api_server" in getattr(item, "fixturenames", ())}
    for item in items:
        if {"engines", "behaviors"} & set(item.path.parts) and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group("api-server" if item.path in served else group(item)))


def group(item: pytest.Item) -> str:
    """Name of the group of a test that needs no API server."""
    module = item.getparent(pytest.Module)
    used = vars(module.obj).values() if module else ()
    return "local-run" if any(each is start for each in used for start in (run, running, Running)) else item.path.stem


@pytest.fixture(scope="session")
def api_server(
    find_engine: Callable[[str], Path], crd_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[engine.ApiServer]:
    """A kube-apiserver with all CRDs; tests share it and use their own object names."""
    with engine.started(find_engine, tmp_path_factory.mktemp("api-server")) as server:
        crds.install(server.client, crd_dir)
        yield server

"""Engines of this room: one API server for all its tests, with every CRD established.

The programs come from `make engines`; finding them is in ../conftest.py.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engines import api_server as engine
from tests.engines import crds


@pytest.fixture(scope="session")
def api_server(
    find_engine: Callable[[str], Path], crd_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[engine.ApiServer]:
    """A kube-apiserver with all CRDs; its objects outlive a test, so tests name their own."""
    with engine.started(find_engine, tmp_path_factory.mktemp("api-server")) as server:
        crds.install(server.client, crd_dir)
        yield server

"""Metrics of a real istiod: the names and labels in alerts and dashboards."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from meshed_mcp.components.promql import control_plane
from tests.engines import istiod_mesh
from tests.engines.api_server import ApiServer
from tests.engines.istiod import Istiod, started
from tests.engines.xds_proxy import refusal

POD = {
    "metadata": {"name": "refusing", "namespace": "mcp-refusing", "labels": {"app": "refusing"}},
    "spec": {"serviceAccountName": "refusing"},
    "status": {"podIP": "10.77.9.9", "podIPs": [{"ip": "10.77.9.9"}]},
}


@pytest.fixture(scope="module")
def istiod(
    find_engine: Callable[[str], Path], api_server: ApiServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Istiod]:
    """An istiod that one proxy has asked and contradicted."""
    program, folder = find_engine("pilot-discovery"), tmp_path_factory.mktemp("istiod-metrics")
    with started(program, api_server, istiod_mesh.mesh_config(), folder) as ready:
        refusal(ready.xds, POD)
        yield ready


def test_rejections_and_proxies_have_the_metric_names_of_the_alerts(istiod: Istiod) -> None:
    """Istio, pkg/xds/monitoring.go: an alert on a name that no istiod exposes never fires.

    The count of rejections appears with the first one.
    """
    shown = dict(line.rsplit(" ", 1) for line in istiod.metrics().splitlines() if not line.startswith("#"))
    assert shown[f'{control_plane.REJECTED}{{type="cds"}}'] == "1"
    assert any(name.startswith(f'{control_plane.CONNECTED_PROXIES}{{version="') for name in shown)

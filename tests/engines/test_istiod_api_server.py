"""The way of a service with a token to the API server of Kubernetes, in the proxy configuration of a real istiod."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from meshed_mcp.components.mesh.cluster import manifests as cluster
from meshed_mcp.components.mesh.service import manifests as service
from tests.engines import istiod_mesh, local_stack
from tests.engines import proxy_views as views
from tests.engines.api_server import ApiServer
from tests.engines.proxied_pods import configurations

API_SERVER: Final = "outbound|443||kubernetes.default.svc.cluster.local"
READS: Final = {"token": True, "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]}


@pytest.fixture(scope="module")
def proxies(
    find_engine: Callable[[str], Path], api_server: ApiServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    """The configuration of a proxy with a token and of one without, both with a Sidecar."""
    scoped: dict[str, Any] = {"sidecar_egress_hosts": []}
    objects = [
        *cluster.mesh_manifests(istiod_mesh.MESH),
        *service.service_manifests("reader", local_stack.arguments(service_account=READS, **scoped)),
        *service.service_manifests("other", local_stack.arguments(**scoped)),
        istiod_mesh.gateway_service(),
    ]
    program, folder = find_engine("pilot-discovery"), tmp_path_factory.mktemp("istiod")
    with configurations(program, api_server, folder, objects) as found:
        yield found


def test_the_sidecar_passes_the_tls_of_the_api_server_through(proxies: dict[str, Any]) -> None:
    """Requirement POD-5: a cluster without a transport socket, so that the server's own TLS reaches the API server."""
    found = views.clusters(proxies["reader"])[API_SERVER]
    assert "transportSocket" not in found
    listeners = [
        listener for listener in views.listeners(proxies["reader"]).values() if API_SERVER in set(views.texts(listener))
    ]
    assert len(listeners) == 1
    assert listeners[0]["address"]["socketAddress"]["portValue"] == 443
    assert list(views.managers(listeners[0])) == []


def test_a_sidecar_without_a_token_does_not_know_the_api_server(proxies: dict[str, Any]) -> None:
    """Requirement NET-1: egress is closed but for declared destinations."""
    assert API_SERVER not in views.clusters(proxies["other"])

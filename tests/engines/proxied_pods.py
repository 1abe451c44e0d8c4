"""Proxy configurations from a real istiod for objects and pods on a real API server."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from meshed_mcp.components.core.manifest import Manifest
from tests.engines import istiod_mesh
from tests.engines.api_server import ApiServer
from tests.engines.istiod import started


@contextlib.contextmanager
def configurations(
    program: Path, api: ApiServer, folder: Path, objects: Sequence[Manifest]
) -> Iterator[dict[str, Any]]:
    """Configurations by pod, one per Deployment and one of the gateway; deletes the objects afterwards."""
    pods = istiod_mesh.pods(list(objects))
    try:
        for item in sorted([*objects, *pods.values()], key=lambda item: item["kind"] != "Namespace"):
            assert api.client.apply(item) is None
        for pod in pods.values():
            assert api.client.merge(f"{api.client.path(pod)}/status", {"status": pod["status"]})
        with started(program, api, istiod_mesh.mesh_config(), folder) as istiod:
            yield {
                name: istiod.gateway(pod) if name == "gateway" else istiod.sidecar(pod) for name, pod in pods.items()
            }
    finally:
        for item in [*objects, *pods.values()]:
            if item["kind"] != "Namespace":
                api.client.delete(item)

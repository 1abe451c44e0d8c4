"""Writable folders of a service's pod: the root file systems of its containers are read-only."""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.service.server_source import ServerKind, SourceSettings

DATA_VOLUME: Final = "data"
DATA_SIZE: Final = "1Gi"
"""The kubelet evicts a pod that exceeds it."""

TEMPORARY_VOLUME: Final = "tmp"
TEMPORARY_PATH: Final = "/tmp"  # noqa: S108 - the mount point inside the container, not a file name
TEMPORARY_SIZE: Final = "256Mi"
"""As DATA_SIZE, for large request bodies and SQLite."""

UPSTREAM_PREFIX: Final = "upstream-"
"""Prefix of the folders of a server behind the bridge, which cannot read those of the bridge."""

LAUNCHER_VOLUME: Final = "launcher"
LAUNCHER_PATH: Final = "/meshed-mcp"
LAUNCHER_SIZE: Final = "32Mi"
"""As DATA_SIZE, for one static binary."""

PACKAGE_VOLUME: Final = "package"
PACKAGE_PATH: Final = "/meshed-mcp/package"
PACKAGE_SIZE: Final = "2Gi"
"""As DATA_SIZE, for an installed package with its dependencies and the cache of its installation."""

_SIZES: Final = {DATA_VOLUME: DATA_SIZE, TEMPORARY_VOLUME: TEMPORARY_SIZE}
_PATHS: Final = {DATA_VOLUME: contract.DATA_PATH, TEMPORARY_VOLUME: TEMPORARY_PATH}


def volumes(source: SourceSettings) -> list[Manifest]:
    """The volumes of a pod, deleted with it."""
    sizes = dict(_SIZES)
    if source.has_upstream:
        sizes |= {f"{UPSTREAM_PREFIX}{name}": size for name, size in _SIZES.items()}
    if source.kind is ServerKind.STDIO_IMAGE:
        sizes[LAUNCHER_VOLUME] = LAUNCHER_SIZE
    if source.kind is ServerKind.STDIO_PACKAGE:
        sizes[PACKAGE_VOLUME] = PACKAGE_SIZE
    return [{"name": name, "emptyDir": {"sizeLimit": size}} for name, size in sizes.items()]


def writable_folders(prefix: str = "") -> list[Manifest]:
    """Mounts of the two folders of a container."""
    return [{"name": f"{prefix}{name}", "mountPath": path} for name, path in _PATHS.items()]

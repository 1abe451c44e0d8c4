"""Mounted files with the credentials of a service: their paths, variables, volume and mount.

One projected volume holds the keys of all Secrets and ConfigMaps, and is mounted as a folder: the kubelet updates a
mounted folder when a Secret changes, but no mount with `subPath`. Source: Kubernetes, "Secrets", "Mounted Secrets are
updated automatically".
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.service.container_args import SecretKey

VOLUME: Final = "meshed-mcp-files"

FILE_MODE: Final = 0o444
"""Readable for the image's user, whichever it is: without `fs_group` the files belong to root. Source: Kubernetes,
ProjectedVolumeSource `defaultMode`."""


def mounted_path(source: SecretKey) -> str:
    """Path of the file in the container: `/etc/meshed-mcp/files/secret/<name>/<key>`."""
    return f"{contract.MOUNTED_FILES_PATH}/{_path(source)}"


def file_variables(secrets: Mapping[str, SecretKey]) -> dict[str, str]:
    """`<VARIABLE>_FILE` -> path of the file, for each variable with its source."""
    return {f"{variable}{contract.FILE_SUFFIX}": mounted_path(source) for variable, source in secrets.items()}


def secret_volumes(sources: Iterable[SecretKey]) -> list[Manifest]:
    """The volume with these keys; none without keys."""
    items: dict[str, list[Manifest]] = {}
    for source in dict.fromkeys(sources):
        items.setdefault(source.secret, []).append({"key": source.key, "path": _path(source)})
    if not items:
        return []
    projected = [{"secret": {"name": name, "items": keys}} for name, keys in items.items()]
    return [{"name": VOLUME, "projected": {"defaultMode": FILE_MODE, "sources": projected}}]


def with_secret_mount(container: Manifest, sources: Iterable[SecretKey]) -> Manifest:
    """The container with the volume; unchanged without keys."""
    if not list(sources):
        return container
    mount: dict[str, Any] = {"name": VOLUME, "mountPath": contract.MOUNTED_FILES_PATH, "readOnly": True}
    return {**container, "volumeMounts": [*container.get("volumeMounts", ()), mount]}


def _path(source: SecretKey) -> str:
    return f"secret/{source.secret}/{source.key}"

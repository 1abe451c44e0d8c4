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
from meshed_mcp.components.mesh.service.login_args import (
    CERTIFICATE_KEY,
    PRIVATE_KEY_KEY,
    CertificateAuthority,
    LoginSecret,
)

VOLUME: Final = "meshed-mcp-files"

FILE_MODE: Final = 0o444
"""Readable for the image's user, whichever it is: without `fs_group` the files belong to root. Source: Kubernetes,
ProjectedVolumeSource `defaultMode`."""

FileSource = SecretKey | CertificateAuthority
"""One key of a Secret or a ConfigMap."""


def mounted_path(source: FileSource) -> str:
    """Path of the file in the container, such as `/etc/meshed-mcp/files/secret/<name>/<key>`."""
    return f"{contract.MOUNTED_FILES_PATH}/{_path(source)}"


def file_variables(sources: Mapping[str, FileSource]) -> dict[str, str]:
    """`<VARIABLE>_FILE` -> path of the file, for each variable with its source."""
    return {f"{variable}{contract.FILE_SUFFIX}": mounted_path(source) for variable, source in sources.items()}


def login_sources(login: LoginSecret, url: str, ca: str, certificate: str, private_key: str) -> dict[str, FileSource]:
    """Sources of a login by the given names of its variables."""
    found: dict[str, FileSource] = {url: login}
    if login.tls.ca is not None:
        found[ca] = login.tls.ca
    if (name := login.tls.client_secret) is not None:
        found[certificate] = SecretKey(secret=name, key=CERTIFICATE_KEY)
        found[private_key] = SecretKey(secret=name, key=PRIVATE_KEY_KEY)
    return found


def secret_volumes(sources: Iterable[FileSource]) -> list[Manifest]:
    """The volume with these keys, each once; none without keys."""
    items: dict[tuple[str, str], dict[str, Manifest]] = {}
    for source in sources:
        path = _path(source)
        items.setdefault(_object(source), {})[path] = {"key": source.key, "path": path}
    if not items:
        return []
    projected = [{kind: {"name": name, "items": list(keys.values())}} for (kind, name), keys in items.items()]
    return [{"name": VOLUME, "projected": {"defaultMode": FILE_MODE, "sources": projected}}]


def with_secret_mount(container: Manifest, sources: Iterable[FileSource]) -> Manifest:
    """The container with the volume; unchanged without keys."""
    if not list(sources):
        return container
    mount: dict[str, Any] = {"name": VOLUME, "mountPath": contract.MOUNTED_FILES_PATH, "readOnly": True}
    return {**container, "volumeMounts": [*container.get("volumeMounts", ()), mount]}


def _object(source: FileSource) -> tuple[str, str]:
    """Field of the projected volume, and name of the object."""
    if isinstance(source, CertificateAuthority) and source.config_map is not None:
        return "configMap", source.config_map
    return "secret", str(source.secret)


def _path(source: FileSource) -> str:
    kind, name = _object(source)
    return f"{'config-map' if kind == 'configMap' else kind}/{name}/{source.key}"

"""Mounted keys of Secrets and ConfigMaps in a pod on this machine: links to the files that hold them here.

A link shows a changed file at once, so a rotated secret can be tried here too.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from meshed_mcp import contract
from meshed_mcp.local.translate.objects.workload import Container, MountedKey, PodSpec


def mounted_keys(pod: PodSpec, container: Container) -> Iterator[tuple[str, str, MountedKey]]:
    """(path in the container, volume, key) of every mounted key."""
    volumes = {volume.name: volume for volume in pod.volumes}
    for mount in container.volume_mounts:
        for key in volumes[mount.name].keys if mount.name in volumes else ():
            yield f"{mount.mount_path.rstrip('/')}/{key.path}", mount.name, key


def key_of_variable(pod: PodSpec, container: Container, path: str) -> tuple[str, MountedKey] | None:
    """Volume and key of the file at a path in the container; None for another path."""
    return next(((volume, key) for mounted, volume, key in mounted_keys(pod, container) if mounted == path), None)


def value_here(variable: str, environment: Mapping[str, str]) -> tuple[str, str] | None:
    """Variable and value of this machine in place of a file: `REDIS_URL` for `REDIS_URL_FILE`; None without one."""
    plain = variable.removesuffix(contract.FILE_SUFFIX)
    return (plain, environment[plain]) if plain != variable and plain in environment else None


def link_keys(keys: tuple[MountedKey, ...], folder: Path, secrets: Path) -> None:
    """Fill the folder of a volume with links to `secrets/<name>/<key>`."""
    for key in keys:
        link = folder / key.path
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to((secrets / key.name / key.key).absolute())

"""Validators of pod options: volumes and their mounts, groups, init containers."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from meshed_mcp import contract
from meshed_mcp.error_codes import pod as codes
from meshed_mcp.error_codes.code import Message, raise_all

PLATFORM_VOLUMES: Final = frozenset(
    {"ca-bundle", "config", "data", "launcher", "package", "rules", "tmp", "upstream-data", "upstream-tmp"}
)
"""Names of the volumes that workloads of the platform have."""

PLATFORM_PREFIX: Final = "meshed-mcp"
"""Prefix of names of further volumes and containers of the platform."""

PLATFORM_PATHS: Final = (contract.DATA_PATH, "/tmp", "/meshed-mcp", "/etc/meshed-mcp/ca", contract.MOUNTED_FILES_PATH)  # noqa: S108 - mount points inside the container
"""Paths of those volumes in the container of a server."""

READ_ONLY_SOURCES: Final = frozenset({"configMap", "downwardAPI", "image", "projected", "secret"})
"""Types of volumes that no process can write to. Source: Kubernetes, "Volumes"."""

SERVER_CONTAINERS: Final = ("server", "upstream")
"""Containers of a service: the server or the bridge, and the image behind the bridge."""

PLATFORM_CONTAINERS: Final = frozenset(
    {"installer", "istio-init", "istio-proxy", "istio-validation", "launcher", *SERVER_CONTAINERS}
)
"""Names of containers of the platform and of the sidecar injector."""


def is_platform_volume(name: str) -> bool:
    """Whether the platform has a volume of this name."""
    return name in PLATFORM_VOLUMES or name.startswith(PLATFORM_PREFIX)


def path_of(mount: Mapping[str, Any]) -> str:
    """Path of a mount without a trailing slash."""
    return str(mount["mountPath"]).rstrip("/") or "/"


def distinct_volumes(volumes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Volumes with a type, whose names are unique and not of the platform."""
    names = [str(volume["name"]) for volume in volumes]
    raise_all(
        codes.VOLUME_NAME_TAKEN.message(name=name)
        for name in dict.fromkeys(names)
        if is_platform_volume(name) or names.count(name) > 1
    )
    raise_all(
        codes.VOLUME_WITHOUT_ONE_TYPE.message(path=f"[{number}]", name=volume["name"], count=len(volume) - 1)
        for number, volume in enumerate(volumes)
        if len(volume) != 2  # noqa: PLR2004 - the name and one type
    )
    return volumes


def distinct_paths(mounts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Mounts at absolute paths, each path once and none of the platform's."""
    paths = [path_of(mount) for mount in mounts]
    raise_all(
        codes.MOUNT_PATH_NOT_ABSOLUTE.message(path=f"[{number}]", shown=mounts[number]["mountPath"])
        for number, path in enumerate(paths)
        if not path.startswith("/") or path == "/" or ":" in path or ".." in path.split("/")
    )
    raise_all(codes.PATH_MOUNTED_TWICE.message(path=path) for path in dict.fromkeys(paths) if paths.count(path) > 1)
    raise_all(codes.MOUNT_PATH_TAKEN.message(path=path) for path in paths if path in PLATFORM_PATHS)
    return mounts


def init_containers(containers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Init containers whose names are unique and not of the platform."""
    names = [str(container["name"]) for container in containers]
    raise_all(
        codes.CONTAINER_NAME_TAKEN.message(name=name)
        for name in dict.fromkeys(names)
        if name in PLATFORM_CONTAINERS or name.startswith(PLATFORM_PREFIX) or names.count(name) > 1
    )
    return containers


REFERENCES: Final[Mapping[str, str]] = {
    "configMap": "name",
    "configMapRef": "name",
    "persistentVolumeClaim": "claimName",
    "secretRef": "name",
}
"""Field that names another object -> field with the name, which the schema leaves open."""


def named_references(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Volumes or sources of variables that name their objects. A Secret's field depends on its place."""
    raise_all(
        codes.POD_FIELD_MISSING.message(path=f"[{number}].{field}.{name}", name=name)
        for number, item in enumerate(items)
        for field, name in {**REFERENCES, "secret": "secretName"}.items()
        if isinstance(item.get(field), Mapping) and not item[field].get(name)
    )
    return items


def mounts_of(containers: Iterable[Mapping[str, Any]]) -> list[Any]:
    """Mounts of containers."""
    return [mount for container in containers for mount in container.get("volumeMounts") or ()]


def mount_issues(
    volumes: Sequence[Mapping[str, Any]],
    overlay: Mapping[str, Any],
    mounts_by_field: Mapping[str, Sequence[Mapping[str, Any]]],
) -> Iterator[Message]:
    """Volumes that no container mounts, and mounts whose volume does not exist; mounts by the field that has them."""
    mounted = {mount.get("name") for mounts in mounts_by_field.values() for mount in mounts}
    for number, volume in enumerate(volumes):
        if volume["name"] not in mounted:
            yield codes.VOLUME_WITHOUT_MOUNT.message(number=number, name=volume["name"])
    declared = {volume["name"] for volume in (*volumes, *(overlay.get("volumes") or ()))}
    for field, mounts in mounts_by_field.items():
        for mount in mounts:
            name = str(mount.get("name"))
            if name not in declared and (field == SERVER_MOUNTS or not is_platform_volume(name)):
                yield codes.MOUNT_WITHOUT_VOLUME.message(field=field, name=name)


SERVER_MOUNTS: Final = "volume_mounts"
"""Field with the mounts of the server."""


def group_issues(fs_group: int | None, volumes: Collection[Mapping[str, Any]]) -> Iterator[Message]:
    """A group without a volume that it could own."""
    if fs_group is not None and not any(set(volume) - READ_ONLY_SOURCES - {"name"} for volume in volumes):
        yield codes.GROUP_WITHOUT_WRITABLE_VOLUME.message(group=fs_group)

"""Changes of rendered objects for a platform: OpenShift assigns user and group ids itself."""

from typing import Any, Final

from meshed_mcp.components.core.manifest import Manifest, manifest, metadata
from meshed_mcp.components.core.platform import ClusterPlatform, assigns_user_ids

ID_FIELDS: Final = frozenset({"runAsUser", "runAsGroup", "fsGroup", "fsGroupChangePolicy"})
"""Fields of security contexts that `restricted-v2` sets. Source: OpenShift, "Managing security context constraints"."""

NONROOT: Final = "system:openshift:scc:nonroot-v2"
"""ClusterRole of the constraints that allow any user id but 0, for charts whose pods set one. Source: OpenShift,
"Role-based access to security context constraints"."""


def for_platform(items: list[Manifest], platform: ClusterPlatform | None) -> list[Manifest]:
    """The objects, without user and group ids where the platform assigns them."""
    return [_without_ids(item) for item in items] if assigns_user_ids(platform) else items


def _without_ids(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: {name: _without_ids(each) for name, each in item.items() if name not in ID_FIELDS}
            if key == "securityContext" and isinstance(item, dict)
            else _without_ids(item)
            for key, item in value.items()
        }
    return [_without_ids(each) for each in value] if isinstance(value, list) else value


def user_id_binding(namespace: str, platform: ClusterPlatform | None) -> list[Manifest]:
    """RoleBinding that lets the charts' pods of a namespace keep their user ids; none where nothing assigns ids."""
    if not assigns_user_ids(platform):
        return []
    group = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": f"system:serviceaccounts:{namespace}"}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": NONROOT}
    meta = metadata("nonroot-user-ids", namespace)
    return [manifest("rbac.authorization.k8s.io/v1", "RoleBinding", meta, subjects=[group], roleRef=role)]

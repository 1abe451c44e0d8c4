"""Pod options applied to a pod template, and the objects of its ServiceAccount."""

from collections.abc import Mapping
from typing import Any, Final

from meshed_mcp.components.core.manifest import RESTRICTED_CONTAINER, Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.core.object_metadata import with_metadata, with_pull_secrets
from meshed_mcp.components.pod.account_args import ServiceAccountSettings
from meshed_mcp.components.pod.affinity import combined_affinity
from meshed_mcp.components.pod.args import PlacementSettings, PodSettings
from meshed_mcp.components.pod.overlay import with_overlay

RBAC: Final = "rbac.authorization.k8s.io"

UPSTREAM: Final = "upstream"
"""Container with the image of a service whose first container is the bridge."""

WRITABLE_ROOT_ANNOTATION: Final = "meshed-mcp/writable-root-reason"
"""Annotation of a pod whose root file system is writable, with the reason of the stack."""

INIT_SECURITY: Final = {**RESTRICTED_CONTAINER, "runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
"""Security context of an init container that sets none."""


def adapt_workload(item: Manifest, settings: PodSettings) -> Manifest:
    """A Deployment, StatefulSet or DaemonSet with the options, its metadata included."""
    meta = with_metadata(item["metadata"], settings.labels, settings.annotations)
    template = adapt_pod(item["spec"]["template"], settings)
    return {**item, "metadata": meta, "spec": {**item["spec"], "template": template}}


def adapt_pod(template: Manifest, settings: PodSettings) -> Manifest:
    """A pod template with the options; the overlay comes last."""
    pod = template["spec"]
    reason = {} if settings.read_only_root.enabled else {WRITABLE_ROOT_ANNOTATION: str(settings.read_only_root.reason)}
    meta = with_metadata(template["metadata"], settings.labels, settings.annotations | reason)
    pod = _with_pod_fields({**pod, "containers": _adapted_containers(pod["containers"], settings)}, settings)
    return {**template, "metadata": meta, "spec": with_overlay(pod, settings.pod)}


def placement_only(settings: PlacementSettings) -> PodSettings:
    """The options that suit a pod with other containers, such as a maintenance job."""
    return PodSettings.model_validate({field: getattr(settings, field) for field in PlacementSettings.model_fields})


def server_container_index(containers: list[Manifest]) -> int:
    """Index of the container that runs the user's server: `upstream` if present, otherwise the first."""
    names = [each["name"] for each in containers]
    return names.index(UPSTREAM) if UPSTREAM in names else 0


def _adapted_containers(containers: list[Manifest], settings: PodSettings) -> list[Manifest]:
    policy = {} if settings.image_pull_policy is None else {"imagePullPolicy": settings.image_pull_policy.value}
    chosen = server_container_index(containers)
    return [
        {**(_adapted_server(each, settings) if number == chosen else each), **policy}
        for number, each in enumerate(containers)
    ]


def _adapted_server(container: Manifest, settings: PodSettings) -> Manifest:
    security = {} if settings.run_as_user is None else {"runAsUser": settings.run_as_user}
    if not settings.read_only_root.enabled:
        security["readOnlyRootFilesystem"] = False
    changes: Manifest = {}
    if security:
        changes["securityContext"] = {**container.get("securityContext", {}), **security}
    if settings.volume_mounts:
        changes["volumeMounts"] = [*container.get("volumeMounts", ()), *settings.volume_mounts]
    if settings.env_from:
        changes["envFrom"] = [*container.get("envFrom", ()), *settings.env_from]
    return {**container, **changes}


def _with_pod_fields(pod: Manifest, settings: PodSettings) -> Manifest:
    found = with_pull_secrets(pod, settings.image_pull_secrets)
    lists = {
        "volumes": settings.volumes,
        "tolerations": settings.tolerations,
        "hostAliases": settings.host_aliases,
        "initContainers": [_init_container(each, settings) for each in settings.init_containers],
    }
    found |= {field: [*pod.get(field, ()), *items] for field, items in lists.items() if items}
    if settings.node_selector:
        found["nodeSelector"] = {**pod.get("nodeSelector", {}), **settings.node_selector}
    if settings.affinity:
        found["affinity"] = combined_affinity(pod.get("affinity", {}), settings.affinity)
    if settings.fs_group is not None:
        found["securityContext"] = {**pod.get("securityContext", {}), **_group(settings.fs_group)}
    return found | _plain_fields(settings)


def _group(fs_group: int) -> Manifest:
    """The volume's group; without OnRootMismatch each start takes minutes on large volumes."""
    return {"fsGroup": fs_group, "fsGroupChangePolicy": "OnRootMismatch"}


def _plain_fields(settings: PodSettings) -> Manifest:
    fields: Mapping[str, Any] = {
        "runtimeClassName": settings.runtime_class,
        "hostUsers": settings.host_users,
        "automountServiceAccountToken": True if settings.service_account.token else None,
        "serviceAccountName": settings.service_account.name,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _init_container(container: Manifest, settings: PodSettings) -> Manifest:
    policy = {} if settings.image_pull_policy is None else {"imagePullPolicy": settings.image_pull_policy.value}
    return {**policy, **container, "securityContext": {**INIT_SECURITY, **container.get("securityContext", {})}}


def account_name(name: str, settings: ServiceAccountSettings) -> str:
    """Name of the ServiceAccount of the workload `name`."""
    return settings.name or name


def service_account(name: str, namespace: str, settings: ServiceAccountSettings) -> list[Manifest]:
    """The ServiceAccount unless it exists already, and what its token may do."""
    found = [] if settings.name is not None else [_account(name, namespace, settings.annotations)]
    subject = {"kind": "ServiceAccount", "name": account_name(name, settings), "namespace": namespace}
    if settings.rules:
        found += _granted("Role", name, namespace, settings.rules, subject)
    if settings.cluster_rules:
        found += _granted("ClusterRole", f"{namespace}-{name}", None, settings.cluster_rules, subject, name)
    return found


def _account(name: str, namespace: str, annotations: Mapping[str, str]) -> Manifest:
    more = {"annotations": dict(annotations)} if annotations else {}
    return manifest("v1", "ServiceAccount", metadata(name, namespace, **more), automountServiceAccountToken=False)


def _granted(
    kind: str,
    name: str,
    namespace: str | None,
    rules: list[dict[str, Any]],
    subject: Manifest,
    owner: str | None = None,
) -> list[Manifest]:
    """A Role or ClusterRole and its binding."""
    meta = metadata(name, namespace, standard_labels(owner or name))
    reference = {"apiGroup": RBAC, "kind": kind, "name": name}
    return [
        manifest(f"{RBAC}/v1", kind, meta, rules=list(rules)),
        manifest(f"{RBAC}/v1", f"{kind}Binding", meta, subjects=[subject], roleRef=reference),
    ]

"""The overlay of a pod (`pod:`): validation against the schema of Kubernetes and the fields of the platform."""

from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Any, Final, NamedTuple

from pydantic import AfterValidator

from meshed_mcp.components.pod import schema, validation
from meshed_mcp.error_codes import pod as codes
from meshed_mcp.error_codes.code import Message, raise_all

OWNED_POD_FIELDS: Final[Mapping[str, str]] = {
    "activeDeadlineSeconds": "remove it: a pod of a Deployment has no deadline",
    "affinity": "use affinity",
    "automountServiceAccountToken": "set service_account.token",
    "ephemeralContainers": "use kubectl debug",
    "hostAliases": "use host_aliases",
    "hostIPC": "remove it: Pod Security rejects it",
    "hostNetwork": "remove it: the sidecar needs a network of the pod's own",
    "hostPID": "remove it: Pod Security rejects it",
    "hostUsers": "use host_users",
    "imagePullSecrets": "use image_pull_secrets",
    "initContainers": "use init_containers",
    "nodeName": "use node_selector",
    "nodeSelector": "use node_selector",
    "restartPolicy": "remove it: a pod of a Deployment always restarts",
    "runtimeClassName": "use runtime_class",
    "serviceAccount": "use service_account",
    "serviceAccountName": "set service_account.name",
    "terminationGracePeriodSeconds": "set drain.grace_seconds",
    "tolerations": "use tolerations",
}
"""Fields of a PodSpec that the platform or another option sets -> what to set instead."""

OWNED_POD_SECURITY: Final[Mapping[str, str]] = {
    "fsGroup": "use fs_group",
    "runAsNonRoot": "remove it: pods run under the restricted Pod Security Standard",
    "runAsUser": "use run_as_user",
    "seccompProfile": "remove it: pods run under the restricted Pod Security Standard",
}
"""As OWNED_POD_FIELDS, of the pod's security context."""

OWNED_CONTAINER_FIELDS: Final[Mapping[str, str]] = {
    "args": "use args",
    "command": "use command",
    "envFrom": "use env_from",
    "image": "use image",
    "imagePullPolicy": "use image_pull_policy",
    "resources": "use resources",
    "restartPolicy": "remove it: only init containers have one",
    "stdin": "remove it: the server reads no terminal",
    "stdinOnce": "remove it: the server reads no terminal",
    "tty": "remove it: the server reads no terminal",
    "volumeMounts": "use volume_mounts",
}
"""As OWNED_POD_FIELDS, of a container of the platform."""

OWNED_CONTAINER_SECURITY: Final[Mapping[str, str]] = {
    "allowPrivilegeEscalation": "remove it: pods run under the restricted Pod Security Standard",
    "capabilities": "remove it: pods run under the restricted Pod Security Standard",
    "privileged": "remove it: pods run under the restricted Pod Security Standard",
    "readOnlyRootFilesystem": "use read_only_root",
    "runAsNonRoot": "remove it: pods run under the restricted Pod Security Standard",
    "runAsUser": "use run_as_user",
    "seccompProfile": "remove it: pods run under the restricted Pod Security Standard",
}
"""As OWNED_POD_FIELDS, of the security context of a container of the platform."""

PROBES: Final = ("livenessProbe", "readinessProbe", "startupProbe")
PROBE_ACTIONS: Final = ("exec", "grpc", "httpGet", "tcpSocket")
PROBE_ADVICE: Final = "remove it: the platform sets what its probes call; only their times may change"

SIDECAR: Final = "istio-proxy"
"""Container by which a pod customizes its sidecar. Source: Istio, "Customizing injection"."""


def checked(overlay: dict[str, Any]) -> dict[str, Any]:
    """An overlay of known fields that the platform leaves to the stack."""
    raise_all(schema.shape_issues(overlay, schema.definition("PodSpec"), partial=True))
    raise_all(key_issues(overlay, schema.definition("PodSpec")))
    raise_all(owned_issues(overlay))
    return overlay


Overlay = Annotated[dict[str, Any], AfterValidator(checked)]
"""A partial PodSpec."""


def key_issues(value: Any, of: schema.Schema, path: str = "") -> Iterator[Message]:
    """Items of merged lists without the field by which they are merged."""
    of = schema.resolved(of)
    if not isinstance(value, dict):
        return
    for field, item in value.items():
        inner = of.get("properties", {}).get(field, {})
        where = f"{path}.{field}".lstrip(".")
        key = inner.get(schema.MERGE_KEY)
        if not isinstance(item, list):
            yield from key_issues(item, inner, where)
            continue
        for number, each in enumerate(item):
            if key is not None and isinstance(each, dict) and each.get(key) is None:
                yield codes.POD_FIELD_MISSING.message(path=f"{where}[{number}].{key}", name=key)
            yield from key_issues(each, inner.get("items", {}), f"{where}[{number}]")


def owned_issues(overlay: Mapping[str, Any]) -> Iterator[Message]:
    """Fields of the overlay that the platform sets, whatever the workload."""
    yield from _owned(overlay, OWNED_POD_FIELDS, "")
    yield from _removed(overlay, ("containers", "securityContext", "volumes"), "")
    yield from _owned(overlay.get("securityContext") or {}, OWNED_POD_SECURITY, "securityContext.")
    for number, volume in enumerate(overlay.get("volumes") or ()):
        if validation.is_platform_volume(str(volume["name"])):
            advice = "use another name"
            yield codes.OVERLAY_OWNED.message(path=f"volumes[{number}].name", advice=advice)


class Taken(NamedTuple):
    """What the containers of a service have already; another workload leaves neither variables nor ports open."""

    variables: Collection[str]
    ports: Collection[int]


def container_issues(
    overlay: Mapping[str, Any], names: Collection[str], taken: Taken | None = None
) -> Iterator[Message]:
    """Fields that the platform sets in its containers `names`."""
    for number, container in enumerate(overlay.get("containers") or ()):
        if container["name"] in names:
            path = f"pod.containers[{number}]."
            yield from _container_issues(container, path)
            yield from _list_issues(container, path, taken)


def _container_issues(container: Mapping[str, Any], path: str) -> Iterator[Message]:
    yield from _owned(container, OWNED_CONTAINER_FIELDS, path)
    yield from _removed(container, ("env", "ports", "securityContext", *PROBES), path)
    security = container.get("securityContext") or {}
    yield from _owned(security, OWNED_CONTAINER_SECURITY, f"{path}securityContext.")
    actions = dict.fromkeys(PROBE_ACTIONS, PROBE_ADVICE)
    for probe in PROBES:
        yield from _owned(container.get(probe) or {}, actions, f"{path}{probe}.")


def _list_issues(container: Mapping[str, Any], path: str, taken: Taken | None) -> Iterator[Message]:
    variables, ports = (None, None) if taken is None else taken
    lists = (
        ("env", "name", variables, "use env or secret_env"),
        ("ports", "containerPort", ports, "remove it: the platform sets this port"),
    )
    for field, key, known, advice in lists:
        for number, each in enumerate(container.get(field) or ()):
            if known is None or each[key] in known:
                yield codes.OVERLAY_OWNED.message(path=f"{path}{field}[{number}].{key}", advice=advice)


def _removed(values: Mapping[str, Any], fields: Collection[str], path: str) -> Iterator[Message]:
    for field in fields:
        if field in values and values[field] is None:
            yield codes.OVERLAY_OWNED.message(path=f"{path}{field}", advice="remove the null")


def _owned(values: Mapping[str, Any], fields: Mapping[str, str], path: str) -> Iterator[Message]:
    for field in values:
        if field in fields:
            yield codes.OVERLAY_OWNED.message(path=f"{path}{field}", advice=fields[field])

"""Reads what resources of Kubernetes share: lists of them, metadata, variables of a container, the pod template."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from meshed_mcp.infra.importing.arguments import set_arguments, set_variable
from meshed_mcp.infra.importing.fields import Fields, scalar_text
from meshed_mcp.infra.importing.reasons import HOST_PATH, NO_COUNTERPART, Reason
from meshed_mcp.infra.importing.report import Server
from meshed_mcp.infra.importing.sizes import set_kubernetes_resources
from meshed_mcp.infra.importing.source import Location

OWNED: Final = ("app.kubernetes.io/", "istio.io/", "kubectl.kubernetes.io/", "pod-template-hash", "kubernetes.io/")
"""Parts of labels and annotations that belong to the platform or to a tool."""

OWNED_NAMES: Final = frozenset({"app", "version"})

OWNED_LABEL: Final = Reason("the platform sets this label or annotation", "use another key")


def resources_of(document: Any, location: Location) -> Iterator[tuple[Any, Location]]:
    """The items of a `List`, as `kubectl get -o yaml` prints it, or the document itself."""
    if isinstance(document, Mapping) and str(document.get("kind", "")).endswith("List"):
        items = document.get("items")
        for index, item in enumerate(items if isinstance(items, list) else []):
            yield item, (*location, "items", index)
    else:
        yield document, location


def is_resource(document: Any, group: str, *kinds: str) -> bool:
    """Whether a document is a resource of a group and one of the kinds."""
    if not isinstance(document, Mapping):
        return False
    return str(document.get("apiVersion", "")).startswith(f"{group}/") and document.get("kind") in kinds


def draft(resource: Fields) -> Server:
    """A server with the name of a resource."""
    metadata = resource.inner("metadata")
    server = resource.report.server(metadata.text("name") or "server", resource.location)
    namespace = metadata.text("namespace")
    if namespace:
        resource.report.namespaces.setdefault(namespace, metadata.at("namespace"))
    return server


def set_metadata(server: Server, metadata: Fields) -> None:
    """Set labels and annotations of the pods."""
    for key in ("labels", "annotations"):
        inner = metadata.inner(key)
        for name, value in inner.values.items():
            if name in OWNED_NAMES or any(part in name for part in OWNED):
                server.report.leave(inner.at(name), OWNED_LABEL)
            else:
                server.settings.setdefault(key, {})[name] = scalar_text(value)


def set_variables(server: Server, variables: list[Fields], container: dict[str, Any]) -> None:
    """Set the variables of a container; references to other than Secrets go into `container`, of the overlay."""
    for each in variables:
        name, value = each.text("name") or "", each.raw("value")
        source = each.inner("valueFrom")
        secret = source.inner("secretKeyRef")
        if secret.values:
            refer(server, name, secret.text("name"), secret.text("key"), each.location)
        elif source.values:
            container.setdefault("env", []).append(dict(each.values))
        else:
            set_variable(server, name, scalar_text("" if value is None else value), each.location)


def refer(server: Server, name: str, secret: str | None, key: str | None, location: Location) -> None:
    """Refer to a Secret that exists."""
    if secret and key and server.accepts(name, location):
        server.settings.setdefault("secret_env", {})[name] = {"secret": secret, "key": key}


SPEC_KEYS: Final = {
    "nodeSelector": "node_selector",
    "tolerations": "tolerations",
    "affinity": "affinity",
    "volumes": "volumes",
    "initContainers": "init_containers",
    "hostAliases": "host_aliases",
    "runtimeClassName": "runtime_class",
    "hostUsers": "host_users",
}
"""Field of a PodSpec -> key of a service with the same value."""


def set_pod(server: Server, spec: Fields, container_name: str) -> None:
    """Set what a PodSpec says; fields without a key go into the overlay `pod`."""
    for name, key in SPEC_KEYS.items():
        value = spec.raw(name)
        if value not in (None, [], {}):
            server.settings[key] = value
    set_pull_secrets(server, [each.text("name") for each in spec.mappings("imagePullSecrets")])
    set_service_account(server, spec.text("serviceAccountName", "serviceAccount"))
    set_user(server, spec.inner("securityContext"))
    for name, reason in NOT_CARRIED.items():
        if spec.raw(name) is not None:
            server.report.leave(spec.at(name), reason)
    containers: list[Any] = []
    for each in spec.mappings("containers"):
        own = each.text("name") == container_name
        found = container_overlay(server, each) if own else dict(each.values)
        containers += [found] if len(found) > 1 else []
    rest = {key: value for key, value in spec.values.items() if key not in spec.read and value is not None}
    settle_volumes(server, spec.location)
    overlay = {**server.settings.get("pod", {}), **rest, **({"containers": containers} if containers else {})}
    if overlay:
        server.settings["pod"] = overlay


NOT_CARRIED: Final = {
    "terminationGracePeriodSeconds": Reason("the time of a stop follows from the longest call", "set drain"),
    **dict.fromkeys(
        ("restartPolicy", "activeDeadlineSeconds", "nodeName", "hostNetwork", "hostPID", "hostIPC"),
        Reason("the pods of a Deployment in a mesh do not have it", "remove it"),
    ),
    "automountServiceAccountToken": Reason("a pod has no token of the Kubernetes API", "set service_account.token"),
    "ephemeralContainers": Reason("a stack has none", "use kubectl debug"),
}
"""Fields of a PodSpec that the platform sets."""

RESTRICTED: Final = Reason("the restricted Pod Security Standard sets it for every pod", "remove it")


def set_user(server: Server, context: Fields) -> None:
    """Set user, group and file system of a security context; the platform sets the other fields."""
    user, group = context.number("runAsUser"), context.number("fsGroup")
    if user:
        server.settings["run_as_user"] = user
    if group:
        server.settings["fs_group"] = group
    if context.raw("readOnlyRootFilesystem") is False:
        server.settings["read_only_root"] = {"enabled": False, "reason": "The imported resource says so"}
    context.raw("runAsNonRoot", "allowPrivilegeEscalation", "capabilities", "seccompProfile")
    context.leave_rest({}, RESTRICTED)


def settle_volumes(server: Server, location: Location) -> None:
    """Drop volumes of the node, and volumes without a mount or mounts without a volume; note each."""
    volumes, mounts = (
        [each for each in items if isinstance(each, Mapping)] if isinstance(items, list) else []
        for items in (server.settings.pop("volumes", []), server.settings.pop("volume_mounts", []))
    )
    kept = [each for each in volumes if "hostPath" not in each]
    names = {each.get("name") for each in mounts}
    if len(kept) < len(volumes):
        server.report.leave(location, HOST_PATH)
    if any(each.get("name") not in names for each in kept):
        server.report.leave(location, UNMOUNTED)
    kept = [each for each in kept if each.get("name") in names]
    known = {each.get("name") for each in kept}
    writable = any(set(each) - READ_ONLY - {"name"} for each in kept)
    if not writable and server.settings.pop("fs_group", None):
        server.report.leave(location, NO_GROUP)
    extend(server, "volumes", kept)
    extend(server, "volume_mounts", [each for each in mounts if each.get("name") in known])


READ_ONLY: Final = frozenset({"configMap", "downwardAPI", "image", "projected", "secret"})
"""Types of volumes that no process can write to. Source: Kubernetes, "Volumes"."""

NO_GROUP: Final = Reason("fsGroup owns the files of writable volumes, and there is none", "remove it")
UNMOUNTED: Final = Reason("the server mounts not all of the volumes", "add the other volumes with what mounts them")


def container_overlay(server: Server, container: Fields) -> dict[str, Any]:
    """Set what the server's container says; returns the rest as an item of the overlay."""
    overlay: dict[str, Any] = {"name": "upstream" if server.settings.get("transport") == "stdio" else "server"}
    set_variables(server, container.mappings("env"), overlay)
    extend(server, "env_from", container.raw("envFrom"))
    extend(server, "volume_mounts", container.raw("volumeMounts"))
    set_kubernetes_resources(server, container.inner("resources"))
    command, policy = container.texts("command"), container.text("imagePullPolicy")
    if command:
        server.settings["command"] = [each.text for each in command]
        server.report.forget(f"{server.name}.command")
    if policy:
        server.settings["image_pull_policy"] = policy
    set_arguments(server, container.texts("args"))
    set_user(server, container.inner("securityContext"))
    container.raw("image", "ports", "stdin", "stdinOnce", "tty")
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        if container.raw(probe):
            server.report.leave(container.at(probe), PROBES)
    return overlay | {key: value for key, value in container.values.items() if key not in container.read}


PROBES: Final = Reason("the platform probes the endpoint", "set probes for an external server")


def extend(server: Server, key: str, items: Any) -> None:
    """Append items to a list of the service."""
    if isinstance(items, list) and items:
        server.settings[key] = [*server.settings.get(key, []), *items]


def set_pull_secrets(server: Server, names: list[str | None]) -> None:
    """Set the names of pull secrets."""
    extend(server, "image_pull_secrets", [name for name in names if name])


def set_service_account(server: Server, name: str | None) -> None:
    """Set an existing service account, without annotations, which are its own."""
    if name:
        server.settings["service_account"] = {"name": name}


def leave_status(resource: Fields) -> None:
    """Read the fields of a resource that a stack does not need, and note others."""
    resource.raw("apiVersion", "kind", "metadata", "spec", "status")
    resource.leave_rest({}, NO_COUNTERPART)

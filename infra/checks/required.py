"""Objects that must exist before a stack is deployed: Secrets, ConfigMaps, ServiceAccounts, classes, volume claims.

A pure function of the recorded objects and Helm releases. References marked `optional` are left out, and so are objects
that the stack creates, that a controller makes for an object of it, or that every cluster has.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from meshed_mcp.components.core.manifest import Manifest, identity

CLUSTER_WIDE: Final = ""
"""Namespace of cluster-wide objects."""

BUILT_IN: Final = frozenset(
    {
        ("PriorityClass", "system-cluster-critical"),
        ("PriorityClass", "system-node-critical"),
        ("ServiceAccount", "default"),
    }
)
"""(kind, name) in every cluster or namespace. Source: Kubernetes, "Pod Priority and Preemption", "Service Accounts"."""

CREATED_BY_CLUSTER: Final = {("ConfigMap", "kube-root-ca.crt"), ("ConfigMap", "istio-ca-root-cert")}
"""ConfigMaps in every namespace. Source: Kubernetes, "Configuring a certificate authority"; Istio, "Plugin CA"."""

WORKLOADS: Final = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "PodTemplate")


class RequiredObject(NamedTuple):
    """An object that must exist, with the keys that its users read."""

    kind: str
    namespace: str
    """Empty for cluster-wide kinds."""

    name: str
    keys: tuple[str, ...]
    """Keys of a Secret or ConfigMap, sorted; empty if users read all of it or the kind has none."""

    used_by: tuple[str, ...]
    """Titles of the users, sorted: `Deployment mcp-system/mcp-rag`, `release kube-prometheus-stack`."""


class Use(NamedTuple):
    """One reference to an object; its name may be an output or missing."""

    kind: str
    namespace: str
    name: Any
    key: str = ""


def required_objects(objects: Iterable[Manifest], releases: Iterable[Manifest]) -> list[RequiredObject]:
    """Every object that `objects` and `releases` name and the stack does not create; sorted, each once."""
    items = list(objects)
    created = {identity(item)[1:] for item in items} | set(issued_secrets(items))
    found: dict[tuple[str, str, str], tuple[set[str], set[str]]] = {}
    uses = [(title(item), use) for item in items for use in object_uses(item)]
    uses += [(f"release {item.get('name', '')}", use) for item in releases for use in release_uses(item)]
    for user, use in uses:
        target = (use.kind, use.namespace, use.name)
        if (
            not use.name
            or target in created
            or (use.kind, use.name) in BUILT_IN | CREATED_BY_CLUSTER
            or not isinstance(use.name, str)
        ):
            continue
        keys, users = found.setdefault(target, (set(), set()))
        keys |= {use.key} - {""}
        users.add(user)
    return [
        RequiredObject(*target, tuple(sorted(keys)), tuple(sorted(users)))
        for target, (keys, users) in sorted(found.items())
    ]


def title(item: Manifest) -> str:
    """`Deployment mcp-system/mcp-rag`."""
    _, kind, namespace, name = identity(item)
    return f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"


def issued_secrets(items: Iterable[Manifest]) -> Iterator[tuple[str, str, str]]:
    """Secrets that controllers write for objects of the stack: cert-manager, External Secrets, the CSI driver."""
    for item in items:
        namespace, spec = item["metadata"].get("namespace", CLUSTER_WIDE), item.get("spec") or {}
        match item["kind"]:
            case "Certificate":
                yield "Secret", namespace, spec["secretName"]
            case "ExternalSecret":
                yield "Secret", namespace, (spec.get("target") or {}).get("name") or item["metadata"]["name"]
            case "SecretProviderClass":
                yield from (("Secret", namespace, each["secretName"]) for each in spec.get("secretObjects", ()))


def object_uses(item: Manifest) -> Iterator[Use]:
    """References of one object."""
    kind, namespace, spec = item["kind"], item["metadata"].get("namespace", CLUSTER_WIDE), item.get("spec") or {}
    if kind in WORKLOADS:
        yield from pod_uses(pod_spec(item), namespace)
        for claim in spec.get("volumeClaimTemplates", ()):
            yield from claim_uses(claim)
    match kind:
        case "ServiceAccount":
            yield from named_uses("Secret", namespace, item.get("imagePullSecrets", ()))
        case "RoleBinding" | "ClusterRoleBinding":
            owned = [each for each in item.get("subjects", ()) if each.get("kind") == "ServiceAccount"]
            yield from named_uses(
                "ServiceAccount", namespace, [each for each in owned if each.get("namespace") == namespace]
            )
        case "Gateway":
            yield from gateway_uses(spec, namespace)
        case "WasmPlugin":
            yield from named_uses("Secret", namespace, [spec.get("imagePullSecret")])
        case "PersistentVolumeClaim":
            yield from claim_uses(item)


def pod_spec(item: Manifest) -> Manifest:
    """PodSpec of a workload."""
    if item["kind"] == "PodTemplate":
        return dict(item["template"]["spec"])
    spec = item["spec"]["jobTemplate"]["spec"] if item["kind"] == "CronJob" else item["spec"]
    return dict(spec["template"]["spec"])


def pod_uses(pod: Manifest, namespace: str) -> Iterator[Use]:
    """References of a pod: account, classes, pull secrets, environment, volumes."""
    if account := pod.get("serviceAccountName"):
        yield Use("ServiceAccount", namespace, account)
    for field, kind in (("runtimeClassName", "RuntimeClass"), ("priorityClassName", "PriorityClass")):
        if pod.get(field):
            yield Use(kind, CLUSTER_WIDE, pod[field])
    yield from named_uses("Secret", namespace, pod.get("imagePullSecrets", ()))
    for container in (*pod.get("initContainers", ()), *pod.get("containers", ())):
        yield from environment_uses(container, namespace)
    for volume in pod.get("volumes", ()):
        yield from volume_uses(volume, namespace)


def environment_uses(container: Manifest, namespace: str) -> Iterator[Use]:
    """References in the environment of a container."""
    for variable in container.get("env", ()):
        source = variable.get("valueFrom") or {}
        for field, kind in (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")):
            if (each := source.get(field)) and not each.get("optional"):
                yield Use(kind, namespace, each.get("name"), each.get("key", ""))
    for group in container.get("envFrom", ()):
        for field, kind in (("secretRef", "Secret"), ("configMapRef", "ConfigMap")):
            if (each := group.get(field)) and not each.get("optional"):
                yield from named_uses(kind, namespace, [each])


def volume_uses(volume: Manifest, namespace: str) -> Iterator[Use]:
    """References of a volume, those of a projected one included."""
    if claim := volume.get("persistentVolumeClaim"):
        yield Use("PersistentVolumeClaim", namespace, claim.get("claimName"))
    if claim := (volume.get("ephemeral") or {}).get("volumeClaimTemplate"):
        yield from claim_uses(claim)
    csi = volume.get("csi") or {}
    if csi.get("nodePublishSecretRef"):
        yield Use("Secret", namespace, csi["nodePublishSecretRef"].get("name"))
    for source in (volume, *(volume.get("projected") or {}).get("sources", ())):
        for field, kind in (("secret", "Secret"), ("configMap", "ConfigMap")):
            each = source.get(field)
            if each and not each.get("optional"):
                name = each.get("name") or each.get("secretName")
                keys = [key.get("key", "") for key in each.get("items", ())] or [""]
                yield from (Use(kind, namespace, name, key) for key in keys)


def claim_uses(claim: Manifest) -> Iterator[Use]:
    """StorageClass of a claim."""
    if name := (claim.get("spec") or {}).get("storageClassName"):
        yield Use("StorageClass", CLUSTER_WIDE, name)


def gateway_uses(spec: Manifest, namespace: str) -> Iterator[Use]:
    """Certificates of an Istio Gateway (`servers`) or a Gateway of the Gateway API (`listeners`)."""
    for server in spec.get("servers", ()):
        tls = server.get("tls") or {}
        names = [tls.get("credentialName"), *tls.get("credentialNames", ())]
        yield from (Use("Secret", namespace, name, key) for name in names if name for key in TLS_KEYS)
    for listener in spec.get("listeners", ()):
        for each in (listener.get("tls") or {}).get("certificateRefs", ()):
            where = each.get("namespace", namespace)
            yield from (Use("Secret", where, each["name"], key) for key in TLS_KEYS)


TLS_KEYS: Final = ("tls.crt", "tls.key")
"""Keys of a certificate's Secret. Source: Kubernetes, "Secrets", type `kubernetes.io/tls`."""


def named_uses(kind: str, namespace: str, references: Any) -> Iterator[Use]:
    """References in a list of names, or of mappings with `name`."""
    for each in references or ():
        name = each.get("name") if isinstance(each, dict) else each
        if name:
            yield Use(kind, namespace, name)


def release_uses(release: Manifest) -> Iterator[Use]:
    """References in the values of a Helm release."""
    values, namespace = release.get("values") or {}, release.get("namespace", CLUSTER_WIDE)
    yield from value_uses(values, namespace)
    match values:
        case {"auth": {"strategy": "openid"}, "deployment": {"instance_name": name}}:
            yield Use("Secret", namespace, name, KIALI_OPENID_KEY)


MOUNTED: Final = re.compile(r"/etc/(?:alertmanager|prometheus)/secrets/([^/]+)/([^/]+)")
"""Path of a mounted Secret key. Source: Prometheus operator, AlertmanagerSpec and PrometheusSpec, `secrets`."""

KIALI_SECRET: Final = re.compile(r"secret:([^:]+):(.+)")
"""Reference to a Secret in Kiali's configuration. Source: Kiali CR reference, `login_token.signing_key`."""

KIALI_OPENID_KEY: Final = "oidc-secret"
"""Key of the client secret in the Secret named after the instance. Source: Kiali, "OpenID Connect strategy"."""

VALUE_FIELDS: Final = {
    "storageClassName": ("StorageClass", False),
    "storageClass": ("StorageClass", False),
    "priorityClassName": ("PriorityClass", False),
    "runtimeClassName": ("RuntimeClass", False),
    "existingClaim": ("PersistentVolumeClaim", True),
    "imagePullSecrets": ("Secret", True),
    "image_pull_secrets": ("Secret", True),
    "pullSecrets": ("Secret", True),
}
"""Field of chart values -> kind of what it names (one name or a list), and whether it is in a namespace."""


def value_uses(values: Any, namespace: str) -> Iterator[Use]:
    """References in chart values: keys of Secrets, logins, classes, claims, pull secrets, volumes, mounted files."""
    match values:
        case {"secretKeyRef": {"name": name, "key": key}} | {"credentials": {"name": name, "key": key}}:
            yield Use("Secret", namespace, name, key)
        case {"existingSecret": name, "userKey": user, "passwordKey": password} if name:
            yield from (Use("Secret", namespace, name, key) for key in (user, password))
        case {"serviceAccount": {"create": False, "name": name}} if name:
            yield Use("ServiceAccount", namespace, name)
            yield from nested_uses({key: each for key, each in values.items() if key != "serviceAccount"}, namespace)
        case dict():
            yield from nested_uses(values, namespace)
        case list():
            for each in values:
                yield from value_uses(each, namespace)
        case str() if found := MOUNTED.fullmatch(values) or KIALI_SECRET.fullmatch(values):
            yield Use("Secret", namespace, found[1], found[2])


def nested_uses(values: Manifest, namespace: str) -> Iterator[Use]:
    """References in the fields of a mapping."""
    for field, value in values.items():
        if field in VALUE_FIELDS:
            kind, namespaced = VALUE_FIELDS[field]
            yield from named_uses(
                kind, namespace if namespaced else CLUSTER_WIDE, [value] if isinstance(value, str) else value
            )
        elif field in {"volumes", "extraVolumes"} and isinstance(value, list):
            for volume in value:
                yield from volume_uses(volume, namespace)
        else:
            yield from value_uses(value, namespace)


def required_lines(found: Iterable[RequiredObject]) -> Iterator[str]:
    """One line per object: `Secret mcp-system/db (key url): Deployment mcp-system/mcp-rag`."""
    for item in found:
        where = f"{item.namespace}/{item.name}" if item.namespace else item.name
        word = "key" if len(item.keys) == 1 else "keys"
        keys = f" ({word} {', '.join(item.keys)})" if item.keys else ""
        yield f"{item.kind} {where}{keys}: {', '.join(item.used_by)}"

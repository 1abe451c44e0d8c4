"""Version of the cluster, kinds that it serves, and objects that must exist before a deployment."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from meshed_mcp.error_codes import live as codes
from meshed_mcp.infra.checks.required import RequiredObject, required_objects
from meshed_mcp.infra.live.cluster import Reader
from meshed_mcp.infra.live.findings import Finding, error, note, ok, warning
from meshed_mcp.infra.recording import Recording

Version = tuple[int, int]

OLDEST_KUBERNETES: Final[Version] = (1, 33)
"""Oldest supported version: the first with sidecar containers as a stable feature. Source: docs/how-to/deploy.md."""

NEWEST_KUBERNETES: Final[Version] = (1, 36)
"""Version whose schemas the static check uses. Source: engines/kubernetes/go.mod."""

GROUPS_OF_CHARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "base": ("istio.io",),
    "gateway-api-crds": ("gateway.networking.k8s.io",),
    "kube-prometheus-stack": ("monitoring.coreos.com",),
    "prometheus-operator-crds": ("monitoring.coreos.com",),
    "keda": ("keda.sh",),
    "cert-manager": ("cert-manager.io",),
    "vertical-pod-autoscaler": ("autoscaling.k8s.io",),
}
"""Chart -> API groups, or their common suffix, of the CRDs that it installs. Source: the charts."""

PATHS: Final[Mapping[str, str]] = {
    "Secret": "/api/v1/namespaces/{namespace}/secrets/{name}",
    "ConfigMap": "/api/v1/namespaces/{namespace}/configmaps/{name}",
    "ServiceAccount": "/api/v1/namespaces/{namespace}/serviceaccounts/{name}",
    "PersistentVolumeClaim": "/api/v1/namespaces/{namespace}/persistentvolumeclaims/{name}",
    "Namespace": "/api/v1/namespaces/{name}",
    "StorageClass": "/apis/storage.k8s.io/v1/storageclasses/{name}",
    "RuntimeClass": "/apis/node.k8s.io/v1/runtimeclasses/{name}",
    "PriorityClass": "/apis/scheduling.k8s.io/v1/priorityclasses/{name}",
}
"""Kind -> path of an object. Source: Kubernetes API reference."""

BUILT_IN_NAMESPACES: Final = frozenset({"", "default", "kube-system"})
"""Namespaces of every cluster. Source: Kubernetes, "Namespaces"."""


def version_findings(cluster: Reader, _recording: Recording) -> Iterator[Finding]:
    """Kubernetes version within the supported range."""
    said = cluster.get("/version") or {}
    found = (int(said["major"]), int(re.sub(r"\D.*", "", said["minor"])))
    message = codes.KUBERNETES_VERSION.message(
        version=text(found), floor=text(OLDEST_KUBERNETES), ceiling=text(NEWEST_KUBERNETES)
    )
    if found < OLDEST_KUBERNETES:
        yield error(message)
    elif found > NEWEST_KUBERNETES:
        yield warning(message)
    else:
        yield ok(f"Kubernetes {text(found)}")


def text(version: Version) -> str:
    """`1.36`."""
    return ".".join(map(str, version))


def kind_findings(cluster: Reader, recording: Recording) -> Iterator[Finding]:
    """Kinds that the stack uses and whose CRDs it does not install."""
    counts = Counter((item["apiVersion"], item["kind"]) for item in recording.objects)
    served = {api_version: kinds(cluster, api_version) for api_version in sorted({key[0] for key in counts})}
    missing = {
        (api_version, kind): count
        for (api_version, kind), count in sorted(counts.items())
        if kind not in served[api_version] and not installed_by_stack(recording, api_version)
    }
    for (api_version, kind), count in missing.items():
        yield error(codes.KIND_NOT_SERVED.message(kind=kind, api_version=api_version, count=count))
    if not missing:
        yield ok(f"all {len(counts)} kinds of the stack are served, or it installs them")


def kinds(cluster: Reader, api_version: str) -> set[str]:
    """Kinds that the cluster serves in an API version."""
    listed = cluster.get(f"/{'apis' if '/' in api_version else 'api'}/{api_version}") or {}
    return {item["kind"] for item in listed.get("resources", ())}


def installs(recording: Recording, *charts: str) -> bool:
    """Whether the stack installs one of the charts."""
    return any(release["chart"].rpartition("/")[2] in charts for release in recording.releases)


def installed_by_stack(recording: Recording, api_version: str) -> bool:
    """Whether a chart or a CustomResourceDefinition of the stack brings the API group."""
    group = api_version.rpartition("/")[0]
    own = {item["spec"]["group"] for item in recording.objects if item["kind"] == "CustomResourceDefinition"}
    suffixes = [suffix for chart, groups in GROUPS_OF_CHARTS.items() if installs(recording, chart) for suffix in groups]
    return group in own or any(group == suffix or group.endswith(f".{suffix}") for suffix in suffixes)


def object_findings(cluster: Reader, recording: Recording) -> Iterator[Finding]:
    """Objects that the stack uses and does not create, with their keys."""
    wanted = [*required_objects(recording.objects, recording.releases), *required_namespaces(recording)]
    found = [finding for item in wanted for finding in object_finding(cluster, item)]
    yield from found
    if not found:
        yield ok(f"all {len(wanted)} objects that must exist do")


def required_namespaces(recording: Recording) -> list[RequiredObject]:
    """Namespaces of objects that the stack does not create."""
    created = {item["metadata"]["name"] for item in recording.objects if item["kind"] == "Namespace"}
    used: dict[str, str] = {}
    for item in recording.objects:
        used.setdefault(item["metadata"].get("namespace", ""), f"{item['kind']} {item['metadata']['name']}")
    return [
        RequiredObject("Namespace", "", name, (), (user,))
        for name, user in sorted(used.items())
        if name not in created | BUILT_IN_NAMESPACES
    ]


def object_finding(cluster: Reader, item: RequiredObject) -> Iterator[Finding]:
    """A missing object or key."""
    title, users = f"{item.namespace}/{item.name}" if item.namespace else item.name, ", ".join(item.used_by)
    if item.kind not in PATHS:
        way = f"kubectl get {item.kind.lower()} {item.name}"
        yield note(codes.NOT_KNOWN.message(what=f"whether {item.kind} {title} exists", way=way))
        return
    found = cluster.get(PATHS[item.kind].format(namespace=item.namespace, name=item.name))
    if found is None:
        yield error(codes.OBJECT_MISSING.message(kind=item.kind, name=title, state="does not exist", users=users))
        return
    keys = {*(found.get("data") or {}), *(found.get("binaryData") or {})}
    for key in item.keys:
        if key and key not in keys:
            state = f"has no key {key}"
            yield error(codes.OBJECT_MISSING.message(kind=item.kind, name=title, state=state, users=users))

"""Reference checks: every object that another one names must be rendered; `required.py` lists what may exist."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from meshed_mcp import contract
from meshed_mcp.components.core.errors import ConfigIssue, suggestion
from meshed_mcp.components.core.manifest import Manifest, identity
from meshed_mcp.components.core.scraping import GRAFANA_SERVICE
from meshed_mcp.components.mesh.ambient.waypoint import WAYPOINT_CLASS
from meshed_mcp.components.mesh.cluster.args import EGRESS_NAMESPACE
from meshed_mcp.components.mesh.egress.sidecar import EGRESS_SERVICE
from meshed_mcp.error_codes import check as codes
from meshed_mcp.error_codes.code import Message
from meshed_mcp.infra.checks.existing import NOTHING, Existing

Finding = tuple[Manifest, str, Message]
"""(object, field, message)."""

WORKLOADS: Final = ("Deployment", "StatefulSet", "DaemonSet")
BUILT_IN_NAMESPACES: Final = frozenset({"default", "kube-system"})

INJECTED: Final = "sidecar.istio.io/inject"
"""Label of pods that get a sidecar, which has a named port for its metrics. Source: Istio, "Resource Labels"."""

EGRESS_GATEWAY: Final = (EGRESS_NAMESPACE, EGRESS_SERVICE)
"""Namespace and name of a Service that a chart creates and rendered objects reference."""


class Index:
    """Index of a stack's objects by kind, namespace and name."""

    def __init__(self, objects: Iterable[Manifest], existing: Existing = NOTHING) -> None:
        self.objects = list(objects)
        self.existing = existing
        self.by_key = {identity(item)[1:]: item for item in self.objects}

    def of_kind(self, *kinds: str) -> list[Manifest]:
        """All objects of the kinds."""
        return of_kind(self.objects, *kinds)

    def find(self, kind: str, namespace: str, name: str) -> Manifest | None:
        """One object, or None."""
        return self.by_key.get((kind, namespace, name))

    def absent(self, kind: str, namespace: str, name: str) -> Message | None:
        """Issue of a dangling reference, with the closest name; None if the object is rendered."""
        if self.find(kind, namespace, name) is not None:
            return None
        names = sorted(key[2] for key in self.by_key if key[:2] == (kind, namespace))
        return codes.OBJECT_NOT_IN_STACK.message(
            kind=kind, namespace=namespace, name=name, suggested=suggestion(name, names)
        )

    def selected(self, namespace: str, labels: dict[str, str]) -> list[Manifest]:
        """Workloads of a namespace whose pods have the labels."""
        return [
            item
            for item in self.of_kind(*WORKLOADS)
            if item["metadata"].get("namespace") == namespace and labels.items() <= pod_labels(item).items()
        ]


def reference_issues(
    objects: Iterable[Manifest], existing: Existing = NOTHING
) -> tuple[list[ConfigIssue], list[Message]]:
    """Issues, and sorted notes on namespaces that must exist before the deployment."""
    index = Index(objects, existing)
    issues = [
        ConfigIssue(object_title(item), field, message)
        for item in index.objects
        for field, message in (*namespace_issues(index, item), *issues_of_kind(index, item))
        if message is not None
    ]
    return issues, sorted(set(namespace_notes(index)))


def issues_of_kind(index: Index, item: Manifest) -> Iterator[tuple[str, Message | None]]:
    """References by kind of object; the message is None for a valid one."""
    match item["kind"]:
        case "Service" | "PodDisruptionBudget" | "PodMonitor":
            yield from selector_issues(index, item)
        case "VirtualService":
            yield from route_issues(index, item)
        case "DestinationRule":
            yield from subset_issues(index, item)
        case "AuthorizationPolicy":
            yield from principal_issues(index, item)
        case "ScaledObject" | "HorizontalPodAutoscaler":
            target, namespace = item["spec"]["scaleTargetRef"], item["metadata"]["namespace"]
            yield "spec.scaleTargetRef.name", index.absent(target.get("kind", "Deployment"), namespace, target["name"])


def namespace_notes(index: Index) -> Iterator[Message]:
    """Namespaces that must exist: of existing parts, and all of a program that creates none."""
    used = {item["metadata"].get("namespace", "") for item in index.objects} - BUILT_IN_NAMESPACES - {""}
    for namespace in used & index.existing.namespaces if index.of_kind("Namespace") else used:
        yield codes.NAMESPACE_MUST_EXIST.message(namespace=namespace)


def namespace_issues(index: Index, item: Manifest) -> Iterator[tuple[str, Message | None]]:
    """A program that creates namespaces must create or find built in those of its objects."""
    namespace = item["metadata"].get("namespace", "")
    names = [found["metadata"]["name"] for found in index.of_kind("Namespace")]
    if namespace and names and namespace not in {*BUILT_IN_NAMESPACES, *index.existing.namespaces, *names}:
        suggested = suggestion(namespace, names)
        yield "metadata.namespace", codes.NAMESPACE_NOT_IN_STACK.message(namespace=namespace, suggested=suggested)


def selector_issues(index: Index, item: Manifest) -> Iterator[tuple[str, Message | None]]:
    """A selector must match a workload; named ports of Services and PodMonitors must exist in its pods."""
    spec, namespace = item["spec"], item["metadata"]["namespace"]
    if spec.get("namespaceSelector", {}).get("any"):
        return  # it may match pods of charts
    selector = spec.get("selector") or {}
    labels = selector.get("matchLabels", selector if item["kind"] == "Service" else {})
    if not labels:
        return
    found = index.selected(namespace, labels)
    if not found:
        yield "spec.selector", codes.NO_PODS_SELECTED.message(namespace=namespace, labels=labels)
        return
    containers = [each for workload in found for each in workload["spec"]["template"]["spec"]["containers"]]
    ports = {port["name"] for container in containers for port in container.get("ports", ()) if "name" in port}
    if any(pod_labels(workload).get(INJECTED) == "true" for workload in found):
        ports.add(contract.PROXY_METRICS_PORT_NAME)
    wanted = [("targetPort", port.get("targetPort")) for port in spec.get("ports", ())]
    wanted += [("port", endpoint.get("port")) for endpoint in spec.get("podMetricsEndpoints", ())]
    for field, name in wanted:
        if isinstance(name, str) and name not in ports:
            yield field, codes.PORT_NOT_IN_PODS.message(name=name, suggested=suggestion(name, sorted(ports)))


def route_issues(index: Index, item: Manifest) -> Iterator[tuple[str, Message | None]]:
    """Gateways, destination hosts and subsets of a VirtualService."""
    namespace = item["metadata"]["namespace"]
    for gateway in item["spec"].get("gateways", ()):
        if gateway != "mesh" and gateway not in index.existing.gateways:
            owner, _, name = gateway.rpartition("/")
            yield "spec.gateways", index.absent("Gateway", owner or namespace, name)
    for number, route in enumerate(item["spec"].get("http", ())):
        for target in route.get("route", ()):
            field, destination = f"spec.http[{number}].route", target["destination"]
            yield field, service_issue(index, destination["host"], namespace)
            yield field, subset_issue(index, destination)
    for number, route in enumerate(item["spec"].get("tls", ())):
        for target in route.get("route", ()):
            yield f"spec.tls[{number}].route", subset_issue(index, target["destination"])


def service_issue(index: Index, host: str, namespace: str) -> Message | None:
    """Issue of a host (`name`, `name.namespace` or the full DNS name) that is not a rendered Service."""
    name, _, rest = host.partition(".")
    owner = rest.split(".")[0] or namespace
    gateways = {each["metadata"]["namespace"] for each in index.of_kind("Gateway")}
    if (owner, name) == EGRESS_GATEWAY and owner in gateways:
        return None
    if name == GRAFANA_SERVICE and index.find("NetworkPolicy", owner, name) is not None:
        return None  # the chart renders the Service, this program its NetworkPolicy
    return index.absent("Service", owner, name)


def subset_issue(index: Index, destination: dict[str, Any]) -> Message | None:
    """Issue of a subset that no DestinationRule defines; Envoy responds 503 (Istio, IST0101)."""
    subset, host = destination.get("subset"), destination["host"]
    if subset is None:
        return None
    rules = [rule for rule in index.of_kind("DestinationRule") if rule["spec"]["host"] == host]
    names = [found["name"] for rule in rules for found in rule["spec"].get("subsets", ())]
    if subset in names:
        return None
    return codes.SUBSET_NOT_DEFINED.message(subset=subset, host=host, suggested=suggestion(subset, names))


def subset_issues(index: Index, item: Manifest) -> Iterator[tuple[str, Message | None]]:
    """Host and subset labels of a DestinationRule."""
    namespace = item["metadata"]["namespace"]
    yield "spec.host", service_issue(index, item["spec"]["host"], namespace)
    for subset in item["spec"].get("subsets", ()):
        service = index.find("Service", namespace, item["spec"]["host"].split(".")[0])
        chosen = subset.get("labels", {})  # a subset without labels has all pods of the host
        labels = {**(service["spec"]["selector"] if service else {}), **chosen}
        if chosen and not index.selected(namespace, labels):
            yield (
                "spec.subsets",
                codes.SUBSET_WITHOUT_PODS.message(subset=subset["name"], namespace=namespace, labels=labels),
            )


def principal_issues(index: Index, item: Manifest) -> Iterator[tuple[str, Message | None]]:
    """Principals in namespaces with rendered service accounts must be one of them."""
    for number, rule in enumerate(item["spec"].get("rules", ())):
        for source in rule.get("from", ()):
            for principal in source.get("source", {}).get("principals", ()):
                _, _, identity_path = principal.partition("/ns/")
                namespace, _, account = identity_path.partition("/sa/")
                owned = any(key[:2] == ("ServiceAccount", namespace) for key in index.by_key)
                if owned and not runs_pods(index, namespace, account) and not is_waypoint(index, namespace, account):
                    yield f"spec.rules[{number}].from", index.absent("ServiceAccount", namespace, account)


def runs_pods(index: Index, namespace: str, account: str) -> bool:
    """Whether a rendered workload runs under the account, which may exist already."""
    specs = [item["spec"]["template"]["spec"] for item in index.of_kind(*WORKLOADS) if in_namespace(item, namespace)]
    return account in {spec.get("serviceAccountName") for spec in specs}


def in_namespace(item: Manifest, namespace: str) -> bool:
    """Whether an object is in a namespace."""
    return bool(item["metadata"].get("namespace") == namespace)


def is_waypoint(index: Index, namespace: str, account: str) -> bool:
    """Whether istiod creates the account for a waypoint Gateway. Source: Istio, "Waypoint proxies"."""
    gateway = index.find("Gateway", namespace, account)
    return gateway is not None and gateway["spec"].get("gatewayClassName") == WAYPOINT_CLASS


def running_containers(pod: Manifest) -> list[Manifest]:
    """Containers that run as long as the pod: native sidecars included. Source: Kubernetes, "Sidecar Containers"."""
    return [*pod["containers"], *(each for each in pod.get("initContainers", ()) if "restartPolicy" in each)]


def pod_labels(workload: Manifest) -> dict[str, str]:
    """Pod labels of a workload."""
    labels: dict[str, str] = workload["spec"]["template"]["metadata"].get("labels", {})
    return labels


def object_title(item: Manifest) -> str:
    """`Deployment mcp-system/mcp-rag`."""
    _, kind, namespace, name = identity(item)
    return f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"


def of_kind(objects: Iterable[Manifest], *kinds: str) -> list[Manifest]:
    """Objects of the kinds."""
    return [item for item in objects if item["kind"] in kinds]

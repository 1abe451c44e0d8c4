"""Parser of the rendered objects of a stack: each object is run, rejected, or listed as not run. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.core.scraping import GRAFANA_SERVICE
from meshed_mcp.error_codes.code import Message
from meshed_mcp.error_codes.local import FIELDS_WITHOUT_EFFECT, KIND_NOT_RUN, ONE_REPLICA
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.translate.objects.destination_rule import DestinationRule
from meshed_mcp.local.translate.objects.envoy_filter import EnvoyFilter
from meshed_mcp.local.translate.objects.fields import Placed, read, title, unread
from meshed_mcp.local.translate.objects.gateway import Gateway, ServiceEntry
from meshed_mcp.local.translate.objects.policies import (
    AuthorizationPolicy,
    PeerAuthentication,
    RequestAuthentication,
    Telemetry,
)
from meshed_mcp.local.translate.objects.virtual_service import VirtualService
from meshed_mcp.local.translate.objects.workload import INSTALLER, LAUNCHER, Deployment, Service, ServiceAccount

RUN: Final[dict[str, tuple[str, str, type[Placed]]]] = {
    "Deployment": ("apps/v1", "deployments", Deployment),
    "Service": ("v1", "services", Service),
    "ServiceAccount": ("v1", "service_accounts", ServiceAccount),
    "VirtualService": ("networking.istio.io/", "virtual_services", VirtualService),
    "DestinationRule": ("networking.istio.io/", "destination_rules", DestinationRule),
    "Gateway": ("networking.istio.io/", "gateways", Gateway),
    "ServiceEntry": ("networking.istio.io/", "service_entries", ServiceEntry),
    "EnvoyFilter": ("networking.istio.io/", "envoy_filters", EnvoyFilter),
    "AuthorizationPolicy": ("security.istio.io/", "authorization_policies", AuthorizationPolicy),
    "PeerAuthentication": ("security.istio.io/", "peer_authentications", PeerAuthentication),
    "RequestAuthentication": ("security.istio.io/", "request_authentications", RequestAuthentication),
    "Telemetry": ("telemetry.istio.io/", "telemetries", Telemetry),
}
"""Kinds that run: prefix of the API version, field of Stack, model."""

WORKLOADS: Final = frozenset({"Deployment", "StatefulSet", "DaemonSet"})
"""Kinds with pods. One without a container of our runtime belongs to other software and does not run."""

RUN_CONTAINERS: Final = {
    "containers": {contract.CONTAINER_NAME},
    "initContainers": {contract.UPSTREAM_CONTAINER_NAME, INSTALLER, LAUNCHER},
}
"""Containers that run, or of which the bridge does the work."""

NOT_RUN_KINDS: Final = frozenset({
    "CapacityBuffer", "Certificate", "ClusterIssuer", "ClusterRole", "ClusterRoleBinding", "ConfigMap",
    "CustomResourceDefinition", "HorizontalPodAutoscaler", "Issuer", "LimitRange", "MutatingWebhookConfiguration",
    "Namespace", "NetworkPolicy", "NodePool", "PodDisruptionBudget", "PodMonitor", "PodTemplate", "PriorityClass",
    "PrometheusRule", "ResourceQuota", "Role", "RoleBinding", "ScaledObject", "Secret", "ServiceMonitor", "Sidecar",
    "TriggerAuthentication", "VerticalPodAutoscaler",
})  # fmt: skip
"""Kinds that neither route nor authorize a request: listed, not run. Kinds that are in neither set are rejected.

Sidecar is one of them so that every caller can try every service: the destination must reject unauthorized callers.
"""


@dataclass(frozen=True)
class Stack:
    """Every object that runs; `not_run` names the others."""

    deployments: tuple[Deployment, ...]
    services: tuple[Service, ...]
    service_accounts: tuple[ServiceAccount, ...]
    virtual_services: tuple[VirtualService, ...]
    destination_rules: tuple[DestinationRule, ...]
    gateways: tuple[Gateway, ...]
    service_entries: tuple[ServiceEntry, ...]
    envoy_filters: tuple[EnvoyFilter, ...]
    authorization_policies: tuple[AuthorizationPolicy, ...]
    peer_authentications: tuple[PeerAuthentication, ...]
    request_authentications: tuple[RequestAuthentication, ...]
    telemetries: tuple[Telemetry, ...]
    not_run: tuple[str, ...]
    warnings: tuple[Message, ...] = ()
    """Fields without effect on one machine, by kind; servers that run with one replica."""


def read_stack(items: Sequence[Manifest]) -> Stack:
    """Read the rendered objects. Raises LocalRunError with one line per kind, field or value that cannot be run."""
    foreign = {id(item) for item in items if _foreign(item, items)}
    issues = list[Message]()
    typed: dict[str, list[Placed]] = {field: [] for _, field, _ in RUN.values()}
    not_run: list[str] = []
    for item in items:
        if id(item) in foreign or item["kind"] in NOT_RUN_KINDS:
            not_run.append(title(item))
            continue
        api, field, model = RUN.get(item["kind"], (None, "", Placed))
        if api is None or not item["apiVersion"].startswith(api):  # for example the Gateway of the Gateway API
            issues.append(KIND_NOT_RUN.message(item=title(item), kind=item["kind"], version=item["apiVersion"]))
            continue
        try:
            typed[field].append(read(model, item))
        except LocalRunError as error:
            issues.extend(error.messages)
    if issues:
        raise LocalRunError(*issues)
    warnings = [_warning(chain(*typed.values()))]
    deployments = [each for each in typed.pop("deployments") if isinstance(each, Deployment)]
    warnings += [_one_replica_warning(each) for each in deployments]
    found: dict[str, Any] = {field: tuple(objects) for field, objects in typed.items()}
    return Stack(
        **found,
        deployments=tuple(map(_on_one_machine, deployments)),
        not_run=tuple(not_run),
        warnings=tuple(each for each in warnings if each is not None),
    )


def _on_one_machine(deployment: Deployment) -> Deployment:
    """One replica of a server that listens on one loopback port."""
    if deployment.loopback_server is None or deployment.spec.replicas <= 1:
        return deployment
    return deployment.model_copy(update={"spec": deployment.spec.model_copy(update={"replicas": 1})})


def _one_replica_warning(deployment: Deployment) -> Message | None:
    wanted = deployment.spec.replicas
    if _on_one_machine(deployment) is deployment:
        return None
    return ONE_REPLICA.message(namespace=deployment.namespace, name=deployment.name, replicas=wanted)


def _warning(objects: Iterable[Placed]) -> Message | None:
    """One line with the paths of the fields that have no effect, once per kind; None without any."""
    paths: dict[str, set[str]] = {}
    for each in objects:
        paths.setdefault(each.kind, set()).update(unread(each))
        if isinstance(each, Deployment):
            paths[each.kind].update(_containers_not_run(each))
    fields = [f"{kind} {', '.join(sorted(found))}" for kind, found in paths.items() if found]
    return FIELDS_WITHOUT_EFFECT.message(fields="; ".join(fields)) if fields else None


def _containers_not_run(deployment: Deployment) -> Iterator[str]:
    """Paths of the containers beside the server, its bridge and what they need."""
    pod = deployment.spec.template.spec
    for field, containers in (("containers", pod.containers), ("initContainers", pod.init_containers)):
        for each in containers:
            if each.name not in RUN_CONTAINERS[field]:
                yield f"spec.template.spec.{field}[{each.name}]"


def _foreign(item: Manifest, items: Sequence[Manifest]) -> bool:
    """Whether an object belongs to other software, for example Jaeger."""
    match item["kind"]:
        case kind if kind in WORKLOADS:
            return contract.CONTAINER_NAME not in {each.get("name") for each in _pod(item).get("containers", [])}
        case "Service" | "ServiceAccount":
            users = [other for other in items if other["kind"] in WORKLOADS and _uses(item, other)]
            return bool(users) and all(_foreign(user, items) for user in users)
        case "Gateway" | "VirtualService":  # Grafana does not run locally
            return bool(item["metadata"].get("labels", {}).get(contract.LABEL_NAME) == GRAFANA_SERVICE)
        case _:
            return False


def _pod(workload: Manifest) -> dict[str, Any]:
    pod: dict[str, Any] = workload.get("spec", {}).get("template", {}).get("spec", {})
    return pod


def _uses(item: Manifest, workload: Manifest) -> bool:
    if item["metadata"].get("namespace") != workload["metadata"].get("namespace"):
        return False
    if item["kind"] == "ServiceAccount":
        return bool(_pod(workload).get("serviceAccountName") == item["metadata"]["name"])
    labels = workload.get("spec", {}).get("template", {}).get("metadata", {}).get("labels", {})
    return bool(item.get("spec", {}).get("selector", {}).items() <= labels.items())

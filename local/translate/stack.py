"""The rendered objects of a stack, sorted by what happens to them here: run, refused, or listed as not run.

Dicts in, typed `Stack` out. Raises LocalRunError with every fault of every object in one go.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.core.scraping import GRAFANA_SERVICE
from meshed_mcp.error_codes.code import Message
from meshed_mcp.error_codes.local import KIND_NOT_RUN
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.translate.objects.authentication import RequestAuthentication
from meshed_mcp.local.translate.objects.authorization_policy import AuthorizationPolicy, PeerAuthentication
from meshed_mcp.local.translate.objects.destination_rule import DestinationRule
from meshed_mcp.local.translate.objects.envoy_filter import EnvoyFilter
from meshed_mcp.local.translate.objects.fields import Fields, read, title
from meshed_mcp.local.translate.objects.gateway import Gateway
from meshed_mcp.local.translate.objects.service_entry import ServiceEntry
from meshed_mcp.local.translate.objects.telemetry import Telemetry
from meshed_mcp.local.translate.objects.virtual_service import VirtualService
from meshed_mcp.local.translate.objects.workload import Deployment, Service, ServiceAccount

K = TypeVar("K", bound=Fields)

RUN: Final[dict[str, type[Fields]]] = {
    "Deployment": Deployment,
    "Service": Service,
    "ServiceAccount": ServiceAccount,
    "VirtualService": VirtualService,
    "DestinationRule": DestinationRule,
    "Gateway": Gateway,
    "ServiceEntry": ServiceEntry,
    "EnvoyFilter": EnvoyFilter,
    "AuthorizationPolicy": AuthorizationPolicy,
    "PeerAuthentication": PeerAuthentication,
    "RequestAuthentication": RequestAuthentication,
    "Telemetry": Telemetry,
}
"""Kinds that run here, with the model that reads them."""

GROUPS: Final = {
    "Deployment": "apps/v1",
    "Service": "v1",
    "ServiceAccount": "v1",
    "VirtualService": "networking.istio.io/",
    "DestinationRule": "networking.istio.io/",
    "Gateway": "networking.istio.io/",
    "ServiceEntry": "networking.istio.io/",
    "EnvoyFilter": "networking.istio.io/",
    "AuthorizationPolicy": "security.istio.io/",
    "PeerAuthentication": "security.istio.io/",
    "RequestAuthentication": "security.istio.io/",
    "Telemetry": "telemetry.istio.io/",
}
"""API group of each kind that runs here, with the version where another would mean another object."""

WORKLOADS: Final = frozenset({"Deployment", "StatefulSet", "DaemonSet"})
"""Kinds that make pods; one without the container of our runtime belongs to other software and is left out."""

NOT_RUN_KINDS: Final = frozenset(
    {
        "ConfigMap",
        "CustomResourceDefinition",
        "CapacityBuffer",
        "ClusterIssuer",
        "Certificate",
        "ClusterRole",
        "ClusterRoleBinding",
        "HorizontalPodAutoscaler",
        "Issuer",
        "LimitRange",
        "MutatingWebhookConfiguration",
        "Namespace",
        "NetworkPolicy",
        "NodePool",
        "PodDisruptionBudget",
        "PodMonitor",
        "PodTemplate",
        "PriorityClass",
        "PrometheusRule",
        "ResourceQuota",
        "Role",
        "RoleBinding",
        "ScaledObject",
        "Secret",
        "ServiceMonitor",
        "TriggerAuthentication",
        "VerticalPodAutoscaler",
    }
)
"""Kinds that say nothing about where a request goes or who may send it: listed and left out. Others are refused."""

LEFT_WIDE: Final = frozenset({"Sidecar"})
"""Kinds that keep a proxy from knowing services it never calls: listed and left out. Here every caller can try every
service, so that what is refused is refused by the one that is called."""


@dataclass(frozen=True)
class Stack:
    """Everything of a stack that runs here; `not_run` names the rest."""

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


def read_stack(items: Sequence[Manifest]) -> Stack:
    """Sort and read the objects. Raises LocalRunError: one line per unknown kind, field or value."""
    foreign = {id(item) for item in items if _foreign(item, items)}
    found = list[Message]()
    typed: list[Fields] = []
    not_run: list[str] = []
    for item in items:
        if id(item) in foreign or item["kind"] in NOT_RUN_KINDS | LEFT_WIDE:
            not_run.append(title(item))
            continue
        try:
            typed.append(read(_model(item), item))
        except LocalRunError as error:
            found.extend(error.messages)
    if found:
        raise LocalRunError(*found)
    return _stack(typed, not_run)


def _stack(typed: Sequence[Fields], not_run: Sequence[str]) -> Stack:
    def of(kind: type[K]) -> tuple[K, ...]:
        return tuple(item for item in typed if isinstance(item, kind))

    return Stack(
        deployments=of(Deployment),
        services=of(Service),
        service_accounts=of(ServiceAccount),
        virtual_services=of(VirtualService),
        destination_rules=of(DestinationRule),
        gateways=of(Gateway),
        service_entries=of(ServiceEntry),
        envoy_filters=of(EnvoyFilter),
        authorization_policies=of(AuthorizationPolicy),
        peer_authentications=of(PeerAuthentication),
        request_authentications=of(RequestAuthentication),
        telemetries=of(Telemetry),
        not_run=tuple(not_run),
    )


def _model(item: Manifest) -> type[Fields]:
    model = RUN.get(item["kind"])
    if model is None or not _group_fits(item):
        raise LocalRunError(KIND_NOT_RUN.message(item=title(item), kind=item["kind"], version=item["apiVersion"]))
    return model


def _group_fits(item: Manifest) -> bool:
    """Other groups use some of these names too, for example the Gateway API."""
    api_version: str = item["apiVersion"]
    return api_version.startswith(GROUPS[item["kind"]])


def _foreign(item: Manifest, items: Sequence[Manifest]) -> bool:
    """Whether an object belongs to software that is no service of ours, for example Jaeger."""
    match item["kind"]:
        case kind if kind in WORKLOADS:
            return contract.CONTAINER_NAME not in {
                container.get("name") for container in _pod(item).get("containers", [])
            }
        case "Service" | "ServiceAccount":
            mine = [other for other in items if other["kind"] in WORKLOADS and _same_namespace(item, other)]
            users = [other for other in mine if _uses(item, other)]
            return bool(users) and all(_foreign(user, items) for user in users)
        case "Gateway" | "VirtualService":  # the way to the pages of monitoring, which do not run here
            return bool(item["metadata"].get("labels", {}).get(contract.LABEL_NAME) == GRAFANA_SERVICE)
        case _:
            return False


def _pod(workload: Manifest) -> dict[str, Any]:
    pod: dict[str, Any] = workload.get("spec", {}).get("template", {}).get("spec", {})
    return pod


def _same_namespace(item: Manifest, other: Manifest) -> bool:
    return bool(item["metadata"].get("namespace") == other["metadata"].get("namespace"))


def _uses(item: Manifest, workload: Manifest) -> bool:
    if item["kind"] == "ServiceAccount":
        return bool(_pod(workload).get("serviceAccountName") == item["metadata"]["name"])
    labels = workload.get("spec", {}).get("template", {}).get("metadata", {}).get("labels", {})
    return bool(item.get("spec", {}).get("selector", {}).items() <= labels.items())

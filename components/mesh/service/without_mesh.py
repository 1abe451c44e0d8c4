"""Services in a cluster without a mesh: settings that need one, and the NetworkPolicy that admits callers.

A NetworkPolicy selects pods by labels and namespace. Nothing proves who a caller is, and traffic is not encrypted.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import NAMESPACE_LABEL, Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.mesh.routing.destination_rule_args import TrafficSettings
from meshed_mcp.components.mesh.routing.rollout_args import NoRollout
from meshed_mcp.components.mesh.service.validation import SESSION_METHODS
from meshed_mcp.error_codes import mesh as codes
from meshed_mcp.error_codes.code import Message

if TYPE_CHECKING:
    from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs

NEEDED_FOR: Final = {
    "access_log": "a proxy writes access logs",
    "expose": "the ingress gateway is part of a mesh",
    "extensions": "extensions run in proxies",
    "external_authorization": "proxies ask the authorizer",
    "faults": "proxies inject faults",
    "hosts": "the ingress gateway is part of a mesh",
    "methods": "proxies check the method",
    "pools": "proxies route single tools",
    "proxy": "there is no sidecar",
    "rate_limits": "proxies count requests",
    "rollout": "proxies split requests between versions",
    "traffic": "proxies balance the load",
}
"""Field of a service -> why it needs a mesh."""

UNSET: Final[tuple[Any, ...]] = (None, False, [], {}, NoRollout(), TrafficSettings(), list(SESSION_METHODS))
"""Values that ask for nothing."""


def meshless_issues(args: Any) -> Iterator[tuple[str, Message]]:
    """(field, message) of the settings of a service that need a mesh."""
    for field, why in NEEDED_FOR.items():
        value = getattr(args, field)
        asked = bool(value.model_fields_set) if field == "rate_limits" else value not in UNSET
        if asked:
            yield field, codes.NEEDS_MESH.message(why=why)
    if args.legacy is contract.Legacy.STICKY:
        yield "legacy", codes.STICKY_NEEDS_MESH.message()
    for tool, rule in args.tools.items():
        if rule.allow is not None:
            yield f"tools.{tool}.allow", codes.CALLERS_OF_TOOL_NEED_MESH.message()
        if rule.sets_traffic_only or rule.repeatable or rule.timeout_seconds is not None:
            yield f"tools.{tool}", codes.NEEDS_MESH.message(why="proxies retry and time out single tools")
    if args.auth is not None and not args.has_runtime:
        yield "auth", codes.NEEDS_MESH.message(why="the sidecar of an external server validates tokens")
    elif args.auth is not None and args.auth.claims_to_headers:
        yield "auth.claims_to_headers", codes.NEEDS_MESH.message(why="proxies copy claims into headers")


def caller_network_policy(name: str, args: "MeshedMCPServiceArgs") -> Manifest:
    """Ingress of a service: the port of its endpoint, from the pods of its callers.

    The policy of the namespace admits Prometheus.
    A caller is a pod with the label `app` of its name, in the namespace of the entry. Source: Kubernetes, "Network
    Policies".
    """
    callers = [caller_pods(caller, args.namespace) for caller in args.callers]
    served = {"from": callers, "ports": [{"protocol": "TCP", "port": args.endpoint_port}]}
    spec = {
        "podSelector": {"matchLabels": {contract.LABEL_APP: name}},
        "policyTypes": ["Ingress"],
        "ingress": [served] if callers else [],
    }
    meta = metadata(f"{name}-callers", args.namespace, standard_labels(name))
    return manifest("networking.k8s.io/v1", "NetworkPolicy", meta, spec)


def caller_pods(caller: str, namespace: str) -> Manifest:
    """Peer of an entry of `callers`: "name" in the namespace of the service, or "namespace/name"."""
    owner, _, name = caller.rpartition("/")
    return {
        "namespaceSelector": {"matchLabels": {NAMESPACE_LABEL: owner or namespace}},
        "podSelector": {"matchLabels": {contract.LABEL_APP: name}},
    }

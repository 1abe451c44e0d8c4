"""Kubernetes RBAC for operators: viewer, operator and admin Roles per meshed namespace, bound to `access` groups.

No role can grant permissions. Service accounts of MCP servers have no Kubernetes permissions.
Source: Kubernetes, "Using RBAC Authorization", user-facing roles.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from meshed_mcp.components.core.manifest import Manifest, manifest, metadata
from meshed_mcp.components.mesh.authorization.role_groups import Role, RoleGroups
from meshed_mcp.components.mesh.cluster.args import ServiceMeshArgs

RBAC: Final = "rbac.authorization.k8s.io"

READ: Final = ("get", "list", "watch")
CHANGE: Final = ("create", "update", "patch", "delete")

WORKLOADS: Final = {
    "": ("pods", "services", "endpoints", "events", "configmaps", "serviceaccounts", "persistentvolumeclaims"),
    "apps": ("deployments", "replicasets"),
    "autoscaling": ("horizontalpodautoscalers",),
    "policy": ("poddisruptionbudgets",),
    "discovery.k8s.io": ("endpointslices",),
    "events.k8s.io": ("events",),
}
"""Resources by API group. Secrets are for administrators only."""

ROUTES: Final = {"networking.istio.io": ("virtualservices", "destinationrules")}
MESH: Final = {
    "networking.istio.io": ("virtualservices", "destinationrules", "serviceentries", "sidecars", "envoyfilters"),
    "telemetry.istio.io": ("telemetries",),
    "keda.sh": ("scaledobjects",),
    "monitoring.coreos.com": ("podmonitors", "prometheusrules"),
}
POLICIES: Final = {
    "security.istio.io": ("authorizationpolicies", "requestauthentications", "peerauthentications"),
    "networking.k8s.io": ("networkpolicies",),
}


def role_manifests(args: ServiceMeshArgs) -> list[Manifest]:
    """Three Roles per meshed namespace, and a RoleBinding for each Role that has groups."""
    return [item for namespace in args.namespaces for item in _roles(namespace, args.access)]


def _roles(namespace: str, groups: RoleGroups) -> Iterator[Manifest]:
    rules = {Role.VIEWER: viewer(), Role.OPERATOR: operator(), Role.ADMIN: admin()}
    for role in Role:
        yield manifest(f"{RBAC}/v1", "Role", metadata(role, namespace), rules=rules[role])
        if groups.for_role(role):
            yield _binding(role, namespace, groups.for_role(role))


def viewer() -> list[Manifest]:
    """Read-only, without Secrets; logs hold no arguments and no tokens (agents/auth/audit.py)."""
    logs = _rules({"": ("pods/log",)}, ["get"])
    return [*_rules(WORKLOADS, READ), *_rules(MESH, READ), *_rules(POLICIES, READ), *logs]


def operator() -> list[Manifest]:
    """Viewer, plus restarts, scaling and traffic shifting; pod templates and policies stay read-only."""
    return [
        *viewer(),
        *_rules({"": ("pods",)}, ["delete"]),
        *_rules({"": ("pods/eviction", "pods/portforward")}, ["create"]),
        *_rules({"apps": ("deployments/scale",), "keda.sh": ("scaledobjects",)}, ["get", "update", "patch"]),
        *_rules(ROUTES, ["update", "patch"]),
    ]


def admin() -> list[Manifest]:
    """Operator, plus workloads, Secrets and policies; not Roles and RoleBindings."""
    return [
        *operator(),
        *_rules(WORKLOADS, CHANGE),
        *_rules(MESH, CHANGE),
        *_rules(POLICIES, CHANGE),
        *_rules({"": ("secrets",)}, [*READ, *CHANGE]),
        *_rules({"": ("pods/exec", "pods/attach")}, ["create"]),
    ]


def _rules(resources: Mapping[str, Sequence[str]], verbs: Sequence[str]) -> list[Manifest]:
    return [
        {"apiGroups": [group], "resources": list(names), "verbs": list(verbs)} for group, names in resources.items()
    ]


def _binding(role: Role, namespace: str, groups: list[str]) -> Manifest:
    subjects = [{"apiGroup": RBAC, "kind": "Group", "name": group} for group in groups]
    reference = {"apiGroup": RBAC, "kind": "Role", "name": role.value}
    return manifest(f"{RBAC}/v1", "RoleBinding", metadata(role, namespace), roleRef=reference, subjects=subjects)

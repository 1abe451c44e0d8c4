"""Workload of one MCP server: ServiceAccount, Deployments, Service, PodDisruptionBudget."""

from math import ceil
from typing import Any, Final, NamedTuple

from meshed_mcp import contract
from meshed_mcp.components.core.ip_families import family_policy
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.mesh.cluster.proxy_config import proxy_config, proxy_config_annotation
from meshed_mcp.components.mesh.cluster.revision_args import REVISION_LABEL
from meshed_mcp.components.mesh.egress.ca_bundle import ca_volumes, mount_bundle
from meshed_mcp.components.mesh.egress.workload_identity import identity_annotations, identity_labels
from meshed_mcp.components.mesh.routing.rollout_args import BlueGreen, Canary, Color
from meshed_mcp.components.mesh.routing.tool_args import POOL_PREFIX, Pool
from meshed_mcp.components.mesh.service import scheduling
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs
from meshed_mcp.components.mesh.service.environment import mounted_secrets
from meshed_mcp.components.mesh.service.pod_containers import pod_containers
from meshed_mcp.components.mesh.service.proxy_size import ProxySize, size_annotations
from meshed_mcp.components.mesh.service.secret_files import secret_volumes
from meshed_mcp.components.mesh.service.sidecar_metrics import export_annotations
from meshed_mcp.components.mesh.service.volumes import volumes
from meshed_mcp.components.pod.manifests import adapt_workload
from meshed_mcp.components.pod.manifests import service_account as account_manifests

SIDECAR_EXIT_SECONDS: Final = 10
"""Grace period of the pod beyond that of the server: the sidecar terminates after it and drains for 5 seconds. Source:
Istio, ProxyConfig `terminationDrainDuration`, default 5s; Kubernetes, "Sidecar Containers", termination order."""

MAX_SURGE: Final = "25%"
"""Source: Kubernetes, Deployment `maxSurge`, default."""

KEPT_REVISIONS: Final = 3
"""`revisionHistoryLimit`: ReplicaSets kept for a rollback."""

SIDECAR_ANNOTATIONS: Final = {
    "sidecar.istio.io/nativeSidecar": "true",
    "sidecar.istio.io/rewriteAppHTTPProbers": "false",
    "traffic.sidecar.istio.io/excludeInboundPorts": str(contract.MANAGEMENT_PORT),
    "prometheus.istio.io/merge-metrics": "false",
}
"""Annotations for the sidecar injector. A native sidecar outlives the server, so a draining server still reaches its
destinations. The management port bypasses the sidecar, for probes and scrapes in plain HTTP. Source: Istio, "Resource
Annotations"."""

EXTERNAL_ANNOTATIONS: Final = {
    "sidecar.istio.io/nativeSidecar": "true",
    "sidecar.istio.io/rewriteAppHTTPProbers": "true",
    "prometheus.istio.io/merge-metrics": "false",
}
"""As SIDECAR_ANNOTATIONS, for a server whose probes are at a port in the mesh. The kubelet has no certificate, and its
TCP probe would reach the sidecar alone, so the sidecar's agent probes the server. Source: Istio, "Health Checking of
Istio Services"."""

FORCE_REPLICAS: Final = {"pulumi.com/patchForce": "true"}
"""Annotation of a Deployment without an autoscaler: Pulumi takes ownership of `spec.replicas` from a removed one.
Otherwise the API server rejects the change as a conflict of field managers. Removing the autoscaler adds the
annotation, so Pulumi updates the Deployment even if the replica count is that of its creation. Source:
pulumi-kubernetes, "Managing resources with server-side apply"."""

PERSISTENT_SESSION_LABEL: Final = "istio.io/persistent-session"
"""Service label with which proxies keep terminating pods as endpoints for requests that select them. Its value names
the cookie of a filter that istiod leaves out by default. Source: istiod, PILOT_PERSISTENT_SESSION_LABEL."""


SPREAD_KEYS: Final = ("topology.kubernetes.io/zone", "kubernetes.io/hostname")


class Version(NamedTuple):
    """A version or pool of a service: version label, Deployment name, image, and replicas at creation."""

    label: str
    workload: str
    image: Any
    replicas: int
    pool: Pool | None = None


def versions(name: str, args: MeshedMCPServiceArgs) -> list[Version]:
    """All versions and pools; the stable Deployment keeps the service's name, and pools run the active image."""
    rollout = args.rollout
    found = [Version(contract.STABLE, name, args.image, args.replicas)]
    if rollout.second is not None:
        found.append(Version(rollout.second, f"{name}-{rollout.second}", rollout.image, second_replicas(args)))
    green = isinstance(rollout, BlueGreen) and rollout.active is Color.GREEN
    image = found[-1 if green else 0].image
    return found + [
        Version(f"{POOL_PREFIX}{pool}", f"{name}-{pool}", image, item.replicas, item)
        for pool, item in args.pools.items()
    ]


def autoscaled_workloads(name: str, args: MeshedMCPServiceArgs) -> list[str]:
    """Names of the Deployments whose replica count an autoscaler owns."""
    return [version.workload for version in versions(name, args) if version.label in args.autoscaled]


def second_replicas(args: MeshedMCPServiceArgs) -> int:
    """Replicas of the second version at creation: a canary's weight of `replicas`, otherwise the same number."""
    rollout = args.rollout
    share = rollout.weights.canary / 100 if isinstance(rollout, Canary) else 1
    return max(1, ceil(args.replicas * share))


def pool_args(args: MeshedMCPServiceArgs, pool: Pool | None) -> MeshedMCPServiceArgs:
    """The arguments with the overrides of a pool."""
    if pool is None:
        return args
    changes = {} if pool.call_seconds is None else {"call_seconds": pool.call_seconds}
    return args.model_copy(
        update={"resources": pool.resources or args.resources, "limits": args.limits.model_copy(update=changes)}
    )


def service_account(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """Mesh identity of the service; pods get a token, and permissions in Kubernetes, only if they ask for them."""
    return account_manifests(name, args.namespace, args.service_account)


def deployment(name: str, args: MeshedMCPServiceArgs, version: Version) -> Manifest:
    """Deployment of one version; a rolling update never reduces the number of ready pods."""
    chosen = {contract.LABEL_APP: name, contract.LABEL_VERSION: version.label}
    labels = standard_labels(name) | chosen
    size = {} if version.label in args.autoscaled else {"annotations": dict(FORCE_REPLICAS)}
    pod_labels = labels | {"sidecar.istio.io/inject": "true"} | identity_labels(args.identity_annotations)
    pod_meta = {"labels": pod_labels, "annotations": sidecar_annotations(args)}
    spec = {
        "replicas": version.replicas,
        "revisionHistoryLimit": KEPT_REVISIONS,
        "selector": {"matchLabels": chosen},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": MAX_SURGE}},
        "template": {"metadata": pod_meta, "spec": pod_spec(name, args, version)},
    }
    item = manifest("apps/v1", "Deployment", metadata(version.workload, args.namespace, labels, **size), spec)
    return adapt_workload(item, args)


def sidecar_annotations(args: MeshedMCPServiceArgs) -> dict[str, str]:
    """Annotations of a pod: sidecar, its size and revision, disruption."""
    revision = {} if args.revision is None else {REVISION_LABEL: args.revision}
    size = size_annotations(args.proxy or ProxySize.MEDIUM)
    in_existing_mesh = args.existing_mesh is not None
    metrics = export_annotations(proxy_config(dual_stack=args.dual_stack) if in_existing_mesh else {})
    common = SIDECAR_ANNOTATIONS if args.has_runtime else EXTERNAL_ANNOTATIONS | metrics
    identity = identity_annotations(args.identity_annotations, args.platform)
    own_config = args.has_runtime and in_existing_mesh
    config = proxy_config_annotation(dual_stack=args.dual_stack) if own_config else {}
    return common | size | revision | config | identity | scheduling.annotations(args.scheduling)


def pod_spec(name: str, args: MeshedMCPServiceArgs, version: Version) -> Manifest:
    """Pod under the policy Restricted of the Kubernetes "Pod Security Standards", spread over zones and nodes."""
    chosen = {contract.LABEL_APP: name, contract.LABEL_VERSION: version.label}
    return {
        "serviceAccountName": name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,  # a namespace of many services would fill every container's environment
        "terminationGracePeriodSeconds": args.drain.grace_seconds + SIDECAR_EXIT_SECONDS,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "topologySpreadConstraints": [_spread(key, chosen) for key in SPREAD_KEYS],
        **mount_bundle(pod_containers(name, pool_args(args, version.pool), version.image), args.ca_bundle),
        "volumes": [
            *volumes(args),
            *ca_volumes(args.ca_bundle),
            *secret_volumes(mounted_secrets(args).values()),
        ],
        **scheduling.pod_fields(args.scheduling),
    }


def _spread(topology_key: str, chosen: dict[str, str]) -> Manifest:
    return {
        "topologyKey": topology_key,
        "maxSkew": 1,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": dict(chosen)},
        "matchLabelKeys": ["pod-template-hash"],  # else the old pods of a rolling update unbalance the new ones
    }


def service(name: str, args: MeshedMCPServiceArgs) -> Manifest:
    """Service of all versions; routes split the requests between them."""
    sticky = {PERSISTENT_SESSION_LABEL: "mcp-session"} if args.legacy is contract.Legacy.STICKY else {}
    port = {"name": contract.MCP_PORT_NAME, "port": contract.MCP_PORT, "targetPort": contract.MCP_PORT_NAME}
    ports = [port | {"protocol": "TCP", "appProtocol": "http"}]
    families = family_policy(dual_stack=args.dual_stack)
    spec = {"type": "ClusterIP", "selector": {contract.LABEL_APP: name}, "ports": ports, **families}
    return manifest("v1", "Service", metadata(name, args.namespace, standard_labels(name) | sticky), spec)


def pod_disruption_budget(name: str, args: MeshedMCPServiceArgs) -> Manifest:
    """PodDisruptionBudget: evicts one pod at a time; an unready pod does not block the drain of a node."""
    selector = {"matchLabels": {contract.LABEL_APP: name}}
    spec = {"maxUnavailable": 1, "unhealthyPodEvictionPolicy": "AlwaysAllow", "selector": selector}
    return manifest("policy/v1", "PodDisruptionBudget", metadata(name, args.namespace), spec)

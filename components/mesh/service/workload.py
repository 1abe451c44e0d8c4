"""Kubernetes objects that run one MCP server: ServiceAccount, Deployments, Service, PodDisruptionBudget.

A service's name and arguments in, objects out. Not here: the container inside the pods (container.py), routes
(mesh/routing/virtual_service.py), who may call (mesh/authorization/policy.py), the replica count of an autoscaled
version after creation.
"""

from math import ceil
from typing import Any, Final, NamedTuple

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.mesh.cluster.revision_args import REVISION_LABEL
from meshed_mcp.components.mesh.routing.rollout_args import BlueGreen, Canary, Color
from meshed_mcp.components.mesh.routing.tool_args import POOL_PREFIX, Pool
from meshed_mcp.components.mesh.service import scheduling
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs
from meshed_mcp.components.mesh.service.container import server_container, volumes
from meshed_mcp.components.mesh.service.proxy_size import ProxySize, size_annotations

SIDECAR_EXIT_SECONDS: Final = 10
"""What the pod gets beyond the server's own grace: the sidecar ends after it and drains for 5 seconds.

Source: Istio, ProxyConfig `terminationDrainDuration`, default 5s; Kubernetes, "Sidecar Containers", termination order.
"""

MAX_SURGE: Final = "25%"
"""Source: Kubernetes, Deployment `maxSurge`, default."""

KEPT_REVISIONS: Final = 3
"""ReplicaSets kept for a rollback; the ten of the default only clutter."""

SIDECAR_ANNOTATIONS: Final = {
    "sidecar.istio.io/nativeSidecar": "true",
    "sidecar.istio.io/rewriteAppHTTPProbers": "false",
    "traffic.sidecar.istio.io/excludeInboundPorts": str(contract.MANAGEMENT_PORT),
    "prometheus.istio.io/merge-metrics": "false",
}
"""What the injected sidecar is told. A native sidecar starts before the server and ends after it, so a draining server
still reaches its callees. The management port bypasses the sidecar: the kubelet probes and Prometheus scrapes it in
plain HTTP, without an agent in between.

Source: Istio, "Resource Annotations".
"""


TAKES_SIZE_BACK: Final = {"pulumi.com/patchForce": "true"}
"""Annotation of a Deployment of fixed size: Pulumi takes `spec.replicas` back from an autoscaler that is gone.

Without it the API server rejects the change as a conflict of field managers. The annotation comes and goes with the
autoscaler, so Pulumi updates the Deployment even if the count is that of its creation.
Source: pulumi-kubernetes, "Managing resources with server-side apply".
"""


class Version(NamedTuple):
    """A version or a pool of a service: its label, the name of its Deployment, its image, its pods at creation."""

    label: str
    workload: str
    image: Any
    replicas: int
    pool: Pool | None = None


def versions(name: str, args: MeshedMCPServiceArgs) -> list[Version]:
    """What runs side by side; the stable version keeps the service's name, so no rollout renames it. Pools run what
    gets the calls without a header.
    """  # noqa: D205 - two sentences
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
    """Pods of the second version at creation: a canary's share of the service's, else as many."""
    rollout = args.rollout
    share = rollout.weights.canary / 100 if isinstance(rollout, Canary) else 1
    return max(1, ceil(args.replicas * share))


def pool_args(args: MeshedMCPServiceArgs, pool: Pool | None) -> MeshedMCPServiceArgs:
    """The arguments with what differs in a pool's pods."""
    if pool is None:
        return args
    changes = {} if pool.call_seconds is None else {"call_seconds": pool.call_seconds}
    return args.model_copy(
        update={"resources": pool.resources or args.resources, "limits": args.limits.model_copy(update=changes)}
    )


def service_account(name: str, args: MeshedMCPServiceArgs) -> Manifest:
    """The identity of the service in the mesh; its token opens nothing in Kubernetes, so no pod gets it."""
    return manifest("v1", "ServiceAccount", metadata(name, args.namespace), automountServiceAccountToken=False)


def deployment(name: str, args: MeshedMCPServiceArgs, version: Version) -> Manifest:
    """The pods of one version; a rolling update never goes below the number of ready pods."""
    chosen = {contract.LABEL_APP: name, contract.LABEL_VERSION: version.label}
    labels = standard_labels(name) | chosen
    size = {} if version.label in args.autoscaled else {"annotations": dict(TAKES_SIZE_BACK)}
    return manifest(
        "apps/v1",
        "Deployment",
        metadata(version.workload, args.namespace, labels, **size),
        {
            "replicas": version.replicas,
            "revisionHistoryLimit": KEPT_REVISIONS,
            "selector": {"matchLabels": chosen},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": MAX_SURGE}},
            "template": {
                "metadata": {
                    "labels": labels | {"sidecar.istio.io/inject": "true"},
                    "annotations": sidecar_annotations(args),
                },
                "spec": pod_spec(name, args, version),
            },
        },
    )


def sidecar_annotations(args: MeshedMCPServiceArgs) -> dict[str, str]:
    """What the injected sidecar is told, its size, and the revision that injects it where there are several."""
    revision = {} if args.revision is None else {REVISION_LABEL: args.revision}
    size = size_annotations(args.proxy or ProxySize.MEDIUM)
    return SIDECAR_ANNOTATIONS | size | revision | scheduling.annotations(args.scheduling)


def pod_spec(name: str, args: MeshedMCPServiceArgs, version: Version) -> Manifest:
    """A pod that fulfills the restricted Pod Security Standard and is spread over zones and nodes.

    Source: Kubernetes, "Pod Security Standards", policy Restricted.
    """
    chosen = {contract.LABEL_APP: name, contract.LABEL_VERSION: version.label}
    return {
        "serviceAccountName": name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,  # a namespace of many services would fill every container's environment
        "terminationGracePeriodSeconds": args.drain.grace_seconds + SIDECAR_EXIT_SECONDS,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "topologySpreadConstraints": [
            _spread("topology.kubernetes.io/zone", chosen),
            _spread("kubernetes.io/hostname", chosen),
        ],
        "containers": [server_container(name, pool_args(args, version.pool), version.image)],
        "volumes": volumes(),
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
    """One address for all versions; the routes divide the calls between them."""
    return manifest(
        "v1",
        "Service",
        metadata(name, args.namespace, {**standard_labels(name), **kept_sessions(args)}),
        {
            "type": "ClusterIP",
            "selector": {contract.LABEL_APP: name},
            "ports": [
                {
                    "name": contract.MCP_PORT_NAME,
                    "port": contract.MCP_PORT,
                    "targetPort": contract.MCP_PORT_NAME,
                    "protocol": "TCP",
                    "appProtocol": "http",
                }
            ],
        },
    )


KEEPS_DRAINING: Final = "istio.io/persistent-session"
"""Service label under which proxies keep pods that end, for requests that name them and no others. Its value would be a
cookie's name, for a filter that istiod leaves out unless it is asked to.

Source: istiod, PILOT_PERSISTENT_SESSION_LABEL.
"""


def kept_sessions(args: MeshedMCPServiceArgs) -> dict[str, str]:
    """The label, where sessions are in a pod's memory: while the pod ends, theirs still reach it."""
    return {KEEPS_DRAINING: "mcp-session"} if args.legacy is contract.Legacy.STICKY else {}


def pod_disruption_budget(name: str, args: MeshedMCPServiceArgs) -> Manifest:
    """Node drains take one pod at a time; a pod that never became ready does not block them."""
    return manifest(
        "policy/v1",
        "PodDisruptionBudget",
        metadata(name, args.namespace),
        {
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": {contract.LABEL_APP: name}},
        },
    )

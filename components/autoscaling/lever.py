"""The emergency lever: a rule every 5 s, a process that acts on it, its rights, its metrics and its alert.

Pure functions: arguments in, Kubernetes objects out. Not here: the PromQL (`core/lever_queries.py`), the process
(`agents/scaling/lever.py`), the triggers that let KEDA act at once (`scaled_object.py`).
"""

from typing import Any, Final

from meshed_mcp import contract
from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs, KedaInstall, LeverSettings, ScalingTarget
from meshed_mcp.components.autoscaling.forecast_rules import Rule, links
from meshed_mcp.components.core import lever_queries, queries
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels

LEVER: Final = "mcp-lever"
"""Name of everything the lever has."""

MODULE: Final = "meshed_mcp.agents.scaling.lever"
INTERVAL: Final = "5s"
"""How often the rule is evaluated: as often as gauges are scraped."""

RULES_PER_GROUP: Final = 100
"""Rules of a group run one after the other, groups side by side."""

SILENT_SECONDS: Final = 60
"""A dozen rounds without an answer: longer than a restart of Prometheus' own pod takes to begin."""

SIZE: Final = {"requests": {"cpu": "10m", "memory": "48Mi"}, "limits": {"memory": "128Mi"}}
"""A query every 5 s; its memory is Python's own."""

RBAC: Final = "rbac.authorization.k8s.io"
PORTS: Final = {"UDP": (53,), "TCP": (53, 80, 443, 6443, 9090)}
"""DNS, Prometheus and the API server, whose addresses no NetworkPolicy can know before the cluster exists."""


def pulled(args: AutoscalingPolicyArgs) -> dict[str, ScalingTarget]:
    """Targets whose minimum the lever raises: those that count calls; these have a minimum of 1 or more."""
    if args.keda.lever is None or args.keda.install is KedaInstall.NONE:
        return {}
    return {name: item for name, item in args.targets.items() if item.scales and item.in_flight_per_replica is not None}


def manifests(args: AutoscalingPolicyArgs) -> list[Manifest]:
    """Everything of the lever; nothing where the stack wants none, or no target counts calls."""
    if args.keda.lever is None or not pulled(args):
        return []
    return [
        rules(args, args.keda.lever),
        *rights(args),
        deployment(args, args.keda.lever),
        disruption_budget(args),
        pod_monitor(args),
        network_policy(args),
    ]


def rules(args: AutoscalingPolicyArgs, settings: LeverSettings) -> Manifest:
    """The rule that records how many replicas the load needs, and the alert on a lever that is down.

    The load is the plain sum: the hold keeps its peak, so that the held query would only cost more.
    """
    needs = [needed(name, target, args) for name, target in pulled(args).items()]
    groups: list[Rule] = [
        {"name": f"{LEVER}-{start // RULES_PER_GROUP}", "interval": INTERVAL, "rules": needs[start:][:RULES_PER_GROUP]}
        for start in range(0, len(needs), RULES_PER_GROUP)
    ]
    groups.append({"name": f"{LEVER}-alerts", "rules": [missing(args, settings)]})
    return manifest("monitoring.coreos.com/v1", "PrometheusRule", metadata(LEVER, args.namespace), {"groups": groups})


def needed(name: str, target: ScalingTarget, args: AutoscalingPolicyArgs) -> Rule:
    """Replicas that a target's load needs."""
    pods = queries.selector(args.namespace, target.service or name, version=target.version)
    each = target.in_flight_per_replica or 1
    return {
        "record": lever_queries.NEEDED,
        "labels": {"namespace": args.namespace, contract.LABEL_SCALED_OBJECT: name},
        "expr": lever_queries.needed(queries.in_flight(pods), each, target.min_replicas, target.max_replicas),
    }


def missing(args: AutoscalingPolicyArgs, settings: LeverSettings) -> Rule:
    """Alert on a lever that hears nothing, or does not run."""
    age = lever_queries.answered_age(args.namespace)
    return {
        "alert": "MCPLeverMissing",
        "expr": f'{age} > {SILENT_SECONDS} or absent({contract.METRIC_LEVER_ANSWERED}{{namespace="{args.namespace}"}})',
        "for": "2m",
        "labels": {"severity": "warning", "namespace": args.namespace},
        "annotations": {
            "summary": f"No scaling lever works in {args.namespace}",
            "description": "Services still grow, by the HPA at its next sync. A minimum that was raised stays, for "
            f"more than the {settings.hold_seconds} s of its hold, until a lever runs again.",
            **links("MCPLeverMissing", args),
        },
    }


def rights(args: AutoscalingPolicyArgs) -> list[Manifest]:
    """An account that may patch the ScaledObjects that it pulls, and nothing else."""
    rule = {"apiGroups": ["keda.sh"], "resources": ["scaledobjects"], "verbs": ["patch"]}
    subject = {"kind": "ServiceAccount", "name": LEVER, "namespace": args.namespace}
    role = {"apiGroup": RBAC, "kind": "Role", "name": LEVER}
    here = metadata(LEVER, args.namespace)
    names = sorted(pulled(args))
    return [
        manifest("v1", "ServiceAccount", here, automountServiceAccountToken=False),
        manifest(f"{RBAC}/v1", "Role", here, rules=[{**rule, "resourceNames": names}]),
        manifest(f"{RBAC}/v1", "RoleBinding", here, subjects=[subject], roleRef=role),
    ]


def deployment(args: AutoscalingPolicyArgs, settings: LeverSettings) -> Manifest:
    """The process, outside the mesh: it calls the API server and Prometheus, which are not in it either."""
    labels = standard_labels(LEVER) | {
        contract.LABEL_APP: LEVER,
        "sidecar.istio.io/inject": "false",
        "istio.io/dataplane-mode": "none",
    }
    spread = {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway"}
    pod: dict[str, Any] = {
        "serviceAccountName": LEVER,
        "automountServiceAccountToken": True,
        "enableServiceLinks": False,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
        "topologySpreadConstraints": [{**spread, "labelSelector": {"matchLabels": {contract.LABEL_APP: LEVER}}}],
        "containers": [container(args, settings)],
    }
    spec = {
        "replicas": settings.replicas,
        "selector": {"matchLabels": {contract.LABEL_APP: LEVER}},
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
    return manifest("apps/v1", "Deployment", metadata(LEVER, args.namespace), spec)


def container(args: AutoscalingPolicyArgs, settings: LeverSettings) -> Manifest:
    """The lever's container; its query, and with it bounds and hold, come from the stack."""
    environment = {
        contract.ENV_PROMETHEUS_URL: args.prometheus_url,
        contract.ENV_LEVER_QUERY: lever_queries.minimum(args.namespace, settings.hold_seconds),
    }
    return {
        "name": "lever",
        "image": settings.image,
        "command": ["python", "-m", MODULE],
        "env": [{"name": name, "value": value} for name, value in environment.items()],
        "ports": [{"name": contract.MANAGEMENT_PORT_NAME, "containerPort": contract.MANAGEMENT_PORT}],
        "livenessProbe": {
            "httpGet": {"path": contract.METRICS_PATH, "port": contract.MANAGEMENT_PORT_NAME},
            "periodSeconds": 10,
        },
        "resources": SIZE,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }


def disruption_budget(args: AutoscalingPolicyArgs) -> Manifest:
    """A drain takes one at a time."""
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": {contract.LABEL_APP: LEVER}}}
    return manifest("policy/v1", "PodDisruptionBudget", metadata(LEVER, args.namespace), spec)


def pod_monitor(args: AutoscalingPolicyArgs) -> Manifest:
    """How its metrics come to Prometheus."""
    spec = {
        "selector": {"matchLabels": {contract.LABEL_APP: LEVER}},
        "podMetricsEndpoints": [{"port": contract.MANAGEMENT_PORT_NAME, "interval": "15s"}],
    }
    return manifest("monitoring.coreos.com/v1", "PodMonitor", metadata(LEVER, args.namespace), spec)


def network_policy(args: AutoscalingPolicyArgs) -> Manifest:
    """Nobody reaches it but for its metrics; it reaches names, Prometheus and the API server."""
    open_ports = [{"protocol": kind, "port": port} for kind, ports in PORTS.items() for port in ports]
    spec = {
        "podSelector": {"matchLabels": {contract.LABEL_APP: LEVER}},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"ports": [{"protocol": "TCP", "port": contract.MANAGEMENT_PORT}]}],
        "egress": [{"ports": open_ports}],
    }
    return manifest("networking.k8s.io/v1", "NetworkPolicy", metadata(LEVER, args.namespace), spec)

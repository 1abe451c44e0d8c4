"""KEDA: chart, chart values and namespace."""

from typing import Final

from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs
from meshed_mcp.components.core.charts import Chart, OptionalInstall, ReleaseSpec
from meshed_mcp.components.core.manifest import Manifest, controller_namespace
from meshed_mcp.components.core.platform_objects import user_id_binding

KEDA: Final = Chart("keda", "2.20.2", "https://kedacore.github.io/charts")
"""Newest reviewed chart (31 July 2026). Minimum: 2.20.1 and 2.20.2 fix panics of the operator."""

OPERATOR: Final = "keda-operator"
METRICS_SERVER: Final = "keda-operator-metrics-apiserver"
"""Values of the pods' label `app`. Source: the chart's templates."""

KEPT: Final = {"helm.sh/resource-policy": "keep"}
"""The chart templates its CRDs: without the annotation `pulumi destroy` removes every ScaledObject of the cluster."""


def keda_releases(args: AutoscalingPolicyArgs) -> list[ReleaseSpec]:
    """KEDA's release; none unless the stack installs KEDA."""
    if args.keda.install is not OptionalInstall.COMPONENT:
        return []
    chart = KEDA.mirrored(args.chart_mirror)
    return [ReleaseSpec("keda", args.keda.namespace, chart, keda_values(args.keda.replicas))]


def namespaces(args: AutoscalingPolicyArgs) -> list[Manifest]:
    """KEDA's namespace; none unless the stack installs KEDA."""
    if args.keda.install is not OptionalInstall.COMPONENT:
        return []
    return [controller_namespace("keda", args.keda.namespace)]


def user_id_bindings(args: AutoscalingPolicyArgs) -> list[Manifest]:
    """The binding of the chart's user ids on platforms that assign others."""
    if args.keda.install is not OptionalInstall.COMPONENT:
        return []
    return user_id_binding(args.keda.namespace, args.cluster_platform)


def keda_values(replicas: int) -> Manifest:
    """Chart values: `replicas` operators and metrics servers, spread over nodes, with disruption budgets."""
    spread = {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway"}
    budget = {"maxUnavailable": 1}  # not minAvailable: with one replica it would block every drain
    return {
        "crds": {"additionalAnnotations": KEPT},
        "operator": {"replicaCount": replicas},
        "metricsServer": {"replicaCount": replicas},
        "podDisruptionBudget": {"operator": budget, "metricServer": budget},
        "topologySpreadConstraints": {
            "operator": [{**spread, "labelSelector": {"matchLabels": {"app": OPERATOR}}}],
            "metricsServer": [{**spread, "labelSelector": {"matchLabels": {"app": METRICS_SERVER}}}],
        },
        "image": {"pullPolicy": "IfNotPresent"},  # the chart's Always lets an absent image registry stop all scaling
    }

"""KEDA: the chart, its values and its namespace. Pure data; who scales by it is in `scaled_object.py`."""

from typing import Final

from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs, KedaInstall
from meshed_mcp.components.core.charts import Chart, ReleaseSpec
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels

KEDA: Final = Chart("keda", "2.20.2", "https://kedacore.github.io/charts")
"""Newest chart that was read (31 July 2026). Never older: 2.20.1 and 2.20.2 fix panics of the operator."""

OPERATOR: Final = "keda-operator"
METRICS_SERVER: Final = "keda-operator-metrics-apiserver"
"""Values of the pods' label `app`. Source: the chart's templates."""

KEPT: Final = {"helm.sh/resource-policy": "keep"}
"""The chart templates its CRDs: without this, `pulumi destroy` would remove every ScaledObject of the cluster."""


def releases(args: AutoscalingPolicyArgs) -> list[ReleaseSpec]:
    """KEDA's release, or none where the cluster has it already or goes without."""
    if args.keda.install is not KedaInstall.RELEASE:
        return []
    chart = KEDA.mirrored(args.chart_mirror)
    return [ReleaseSpec("keda", args.keda.namespace, chart, keda_values(args.keda.replicas))]


def namespaces(args: AutoscalingPolicyArgs) -> list[Manifest]:
    """KEDA's namespace, outside the mesh: the API server calls KEDA, and it has no mesh identity to call with."""
    if args.keda.install is not KedaInstall.RELEASE:
        return []
    labels = standard_labels("keda") | {
        "istio-injection": "disabled",
        "pod-security.kubernetes.io/enforce": "restricted",
    }
    return [manifest("v1", "Namespace", metadata(args.keda.namespace, labels=labels))]


def keda_values(replicas: int) -> Manifest:
    """The chart's values with `replicas` operators and metrics servers, spread over nodes and kept through drains."""
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

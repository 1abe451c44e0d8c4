"""Validation of `values`: chart values that have no effect or contradict a field of the mesh."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from meshed_mcp.error_codes import mesh as codes
from meshed_mcp.error_codes.code import Message

if TYPE_CHECKING:
    from meshed_mcp.components.mesh.cluster.args import ServiceMeshArgs

GATEWAYS: Final = ("ingress", "egress", "eastwestgateway")
RELEASES: Final = ("istio-base", "istiod", "istio-cni", "ztunnel", *(f"istio-{name}" for name in GATEWAYS))
"""Releases whose charts read `platform` and `profile`, at the root and in `global`. Source: Istio charts,
`zzz_profile.yaml`."""

DERIVED_VALUES: Final = {
    ("istiod", "revision"): "revision",
    ("istiod", "revisionTags"): "revision_tags",
    ("istiod", "cni", "enabled"): "traffic_capture",
    ("istiod", "autoscaleMin"): "control_plane.min_replicas",
    ("istiod", "autoscaleMax"): "control_plane.max_replicas",
    ("istiod", "global", "hub"): "hub",
    ("istiod", "global", "tag"): "istio_version",
    ("istio-base", "defaultRevision"): "data_plane",
    ("istio-cni", "global", "hub"): "hub",
    ("istio-cni", "global", "tag"): "istio_version",
    ("istio-ingress", "revision"): "data_plane",
    ("istio-ingress", "autoscaling", "minReplicas"): "gateway.min_replicas",
    ("istio-egress", "revision"): "data_plane",
    ("istio-egress", "autoscaling", "minReplicas"): "egress_gateway.min_replicas",
    ("istiod", "global", "priorityClassName"): "priority_class",
    **{(f"istio-{name}", "priorityClassName"): "priority_class" for name in GATEWAYS},
    **{(release, *path): "platform" for release in RELEASES for path in (("platform",), ("global", "platform"))},
    **{(release, *path): "mode" for release in RELEASES for path in (("profile",), ("global", "profile"))},
}
"""(release, path) of a value -> the field of the mesh that it derives from."""

DISRUPTION_BUDGETS: Final = {
    ("istiod", "pdb"): "control_plane",
    ("istio-ingress", "podDisruptionBudget"): "gateway",
    ("istio-egress", "podDisruptionBudget"): "egress_gateway",
}
"""(release, path) of a PodDisruptionBudget -> the field with its replicas; the charts render none for one replica."""


def value_issues(args: "ServiceMeshArgs") -> Iterator[Message]:
    """Chart values for releases that are not installed, and values that derive from a field."""
    if args.traffic_capture != "cni" and "istio-cni" in args.values:
        yield codes.VALUES_WITHOUT_CNI.message(traffic_capture=args.traffic_capture)
    if args.egress_gateway is None and "istio-egress" in args.values:
        yield codes.VALUES_WITHOUT_EGRESS_GATEWAY.message()
    for path, field in DERIVED_VALUES.items():
        if _is_given(args.values, path):
            yield codes.VALUE_FOLLOWS_FROM_FIELD.message(path=".".join(path), field=field)
    for path, part in DISRUPTION_BUDGETS.items():
        size = getattr(args, part)
        if _is_given(args.values, path) and size is not None and size.min_replicas == 1:
            yield codes.BUDGET_WITHOUT_REPLICAS.message(path=".".join(path), part=part)


def _is_given(values: Any, path: tuple[str, ...]) -> bool:
    for key in path:
        if not isinstance(values, Mapping) or key not in values:
            return False
        values = values[key]
    return True

"""Chart values that a stack adds by itself: which of them would have no effect, or contradict a field of the mesh.

Values by release in, sentences of faults out. Not here: the values that we give (istio_values.py).
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Protocol

FOLLOWING: Final = {
    ("istiod", "revision"): "revision",
    ("istiod", "revisionTags"): "revision_tags",
    ("istiod", "cni", "enabled"): "redirection",
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
}
"""Values, by release and path, that follow from a field of the mesh: a second source for them would contradict it."""

DISRUPTION_BUDGETS: Final = {
    ("istiod", "pdb"): "control_plane",
    ("istio-ingress", "podDisruptionBudget"): "gateway",
    ("istio-egress", "podDisruptionBudget"): "egress_gateway",
}
"""Values of a PodDisruptionBudget and the part whose replicas decide whether the chart renders one."""


class Parts(Protocol):
    """The fields of a mesh that say which releases there are."""

    @property
    def values(self) -> dict[str, Any]:
        """Chart values by release."""

    @property
    def redirection(self) -> str:
        """What leads traffic through sidecars."""

    @property
    def egress_gateway(self) -> Any:
        """Size of the egress gateway."""


def value_faults(args: Parts) -> Iterator[str]:
    """What the added values contradict, and what they would say to nobody."""
    if args.redirection != "cni" and "istio-cni" in args.values:
        yield f"values: redirection {args.redirection} installs no istio-cni; remove it, or write redirection: cni"
    if args.egress_gateway is None and "istio-egress" in args.values:
        yield "values: no istio-egress is installed; remove it, or add egress_gateway"
    for path, field in FOLLOWING.items():
        if _is_given(args.values, path):
            yield f"values: {'.'.join(path)} follows from {field}; write it there"
    for path, part in DISRUPTION_BUDGETS.items():
        size = getattr(args, part)
        if _is_given(args.values, path) and size is not None and size.min_replicas == 1:
            yield (
                f"values: {'.'.join(path)} has no effect, as a single replica gets no PodDisruptionBudget; "
                f"write {part}.min_replicas: 2 or more"
            )


def _is_given(values: Any, path: tuple[str, ...]) -> bool:
    for key in path:
        if not isinstance(values, Mapping) or key not in values:
            return False
        values = values[key]
    return True

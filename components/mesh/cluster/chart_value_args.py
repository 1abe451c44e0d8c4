"""Chart values that a stack adds by itself: which of them would have no effect, or contradict a field of the mesh.

Values by release in, sentences of issues out. Not here: the values that we give (istio_releases.py).
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Protocol

from meshed_mcp.error_codes.code import Message
from meshed_mcp.error_codes.mesh import (
    BUDGET_WITHOUT_REPLICAS,
    VALUE_FOLLOWS_FROM_FIELD,
    VALUES_WITHOUT_CNI,
    VALUES_WITHOUT_EGRESS_GATEWAY,
)

FOLLOWING: Final = {
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
    def traffic_capture(self) -> str:
        """What leads traffic through sidecars."""

    @property
    def egress_gateway(self) -> Any:
        """Size of the egress gateway."""


def value_issues(args: Parts) -> Iterator[Message]:
    """What the added values contradict, and what they would say to nobody."""
    if args.traffic_capture != "cni" and "istio-cni" in args.values:
        yield VALUES_WITHOUT_CNI.message(traffic_capture=args.traffic_capture)
    if args.egress_gateway is None and "istio-egress" in args.values:
        yield VALUES_WITHOUT_EGRESS_GATEWAY.message()
    for path, field in FOLLOWING.items():
        if _is_given(args.values, path):
            yield VALUE_FOLLOWS_FROM_FIELD.message(path=".".join(path), field=field)
    for path, part in DISRUPTION_BUDGETS.items():
        size = getattr(args, part)
        if _is_given(args.values, path) and size is not None and size.min_replicas == 1:
            yield BUDGET_WITHOUT_REPLICAS.message(path=".".join(path), part=part)


def _is_given(values: Any, path: tuple[str, ...]) -> bool:
    for key in path:
        if not isinstance(values, Mapping) or key not in values:
            return False
        values = values[key]
    return True

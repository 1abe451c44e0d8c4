"""Pod deletion cost controller: annotates each replica with the cost of its sessions.

Run it with `python -m meshed_mcp.agents.autoscaler.pod_deletion_cost`. Its query returns a cost per pod, and a
ReplicaSet removes the pod with the lowest cost first. Kubernetes advises against frequent updates, so a pod is patched
only when its cost changes, at most once a minute. Source: Kubernetes, "Pod deletion cost".
"""

import os
from collections.abc import Mapping
from typing import Final

import httpx

from meshed_mcp import contract
from meshed_mcp.agents.autoscaler.reconciler import LastPatch, Reconciler, Values
from meshed_mcp.agents.autoscaler.runner import bootstrap, run_loop, values_by_label

SETTING: Final = "deletion_cost"
RESOURCE: Final = "v1/pods"
MANAGER: Final = "meshed-mcp-deletion-cost"  # field manager of its patches
ANNOTATION: Final = "controller.kubernetes.io/pod-deletion-cost"
"""Source: Kubernetes, "Well-Known Labels, Annotations and Taints": a whole number, 0 if absent."""

PERIOD_SECONDS: Final = 15.0  # interval of queries
MIN_PATCH_INTERVAL_SECONDS: Final = 60.0  # minimum time between two patches of one pod
QUERY_TIMEOUT_SECONDS: Final = 10.0
GONE: Final = "gone"  # outcome of a patch of a deleted pod, which Prometheus still returns for some seconds


class PodDeletionCostController(Reconciler):
    """Patches the annotation. A pod that reuses a deleted pod's name, as in a StatefulSet, is a new pod."""

    value_name, object_kind = "deletion cost", "pod"
    answered_metric, patches_metric = contract.METRIC_DELETION_ANSWERED, contract.METRIC_DELETION_PATCHES

    def is_due(self, value: int, last: LastPatch, seconds: float) -> bool:
        """Return whether the value changed and the minimum interval has passed."""
        return value != last.value and seconds >= MIN_PATCH_INTERVAL_SECONDS

    def outcome_of(self, error: Exception) -> str:
        """Return GONE for a pod that was deleted meanwhile (404)."""
        is_gone = isinstance(error, httpx.HTTPStatusError) and error.response.status_code == httpx.codes.NOT_FOUND
        return GONE if is_gone else super().outcome_of(error)


def parse_costs(response: object) -> Values:
    """Return cost by pod from a query response. Raises ValueError for an invalid response."""
    return {pod: int(value) for pod, value in values_by_label(response, contract.LABEL_POD).items()}


def main(environment: Mapping[str, str] = os.environ) -> None:
    """Run until SIGTERM or SIGINT. Raises SystemExit with a message if a setting is missing."""
    runtime = bootstrap(environment, SETTING, contract.ENV_DELETION_QUERY, MANAGER, QUERY_TIMEOUT_SECONDS)

    def write(pod: str, cost: int) -> None:
        runtime.kubernetes.patch(RESOURCE, pod, {"metadata": {"annotations": {ANNOTATION: str(cost)}}})

    controller = PodDeletionCostController(lambda: parse_costs(runtime.query()), write, runtime.registry)
    run_loop(controller.reconcile, PERIOD_SECONDS)


if __name__ == "__main__":
    main()

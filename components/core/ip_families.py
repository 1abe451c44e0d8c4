"""IP families of Services in a dual-stack cluster."""

from typing import Any, Final

PREFER_DUAL_STACK: Final = "PreferDualStack"
"""Both families where the cluster has both. Source: Kubernetes, "IPv4/IPv6 dual-stack", `ipFamilyPolicy`."""


def family_policy(*, dual_stack: bool) -> dict[str, Any]:
    """The field of a Service, or of a chart's values for one; empty = the cluster's first family."""
    return {"ipFamilyPolicy": PREFER_DUAL_STACK} if dual_stack else {}

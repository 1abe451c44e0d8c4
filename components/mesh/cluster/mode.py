"""Data plane modes of the mesh: sidecar, ambient and none."""

from enum import StrEnum
from typing import Final


class MeshMode(StrEnum):
    """Data plane mode, or none."""

    SIDECAR = "sidecar"
    """A sidecar in every pod; supports every feature of this package."""

    AMBIENT = "ambient"
    """ztunnel on every node for identity and encryption, waypoints for HTTP; no sidecars."""

    NONE = "none"
    """No mesh: NetworkPolicies admit callers by their pods, and nothing proves who a caller is."""


AMBIENT_LABEL: Final = {"istio.io/dataplane-mode": "ambient"}
"""Source: Istio, "Add workloads to the mesh"."""

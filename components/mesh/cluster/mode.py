"""How traffic meets the mesh: a sidecar in every pod, or the proxies of nodes and namespaces (ambient).

Not here: the objects of ambient mode (mesh/ambient/service.py, mesh/ambient/waypoint.py), what it cannot do
(mesh/ambient/validation.py).
"""

from enum import StrEnum
from typing import Final


class MeshMode(StrEnum):
    """Where the proxies of the mesh are."""

    SIDECAR = "sidecar"
    """One in every pod; everything this package renders works."""

    AMBIENT = "ambient"
    """ztunnel on every node for identity and encryption, waypoints for what reads HTTP; no sidecars."""


AMBIENT_LABEL: Final = {"istio.io/dataplane-mode": "ambient"}
"""Source: Istio, "Add workloads to the mesh"."""

"""Data plane modes of the mesh: sidecar and ambient."""

from enum import StrEnum
from typing import Final


class MeshMode(StrEnum):
    """Data plane mode."""

    SIDECAR = "sidecar"
    """A sidecar in every pod; supports every feature of this package."""

    AMBIENT = "ambient"
    """ztunnel on every node for identity and encryption, waypoints for HTTP; no sidecars."""


AMBIENT_LABEL: Final = {"istio.io/dataplane-mode": "ambient"}
"""Source: Istio, "Add workloads to the mesh"."""

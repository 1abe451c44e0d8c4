"""Sizes of a sidecar: resource requests and limits by name."""

from enum import StrEnum
from typing import Final

from meshed_mcp.components.core.manifest import Manifest


class ProxySize(StrEnum):
    """Size of a sidecar."""

    SMALL = "small"
    """50m CPU and 64Mi, up to one core and 256Mi: development, a few calls a second."""

    MEDIUM = "medium"
    """100m CPU and 128Mi, up to two cores and 512Mi: some hundred calls a second."""

    LARGE = "large"
    """500m CPU and 256Mi, up to four cores and 1Gi: a thousand calls a second, or thousands of open streams."""


_RESOURCES: Final = {
    ProxySize.SMALL: ("50m", "1000m", "64Mi", "256Mi"),
    ProxySize.MEDIUM: ("100m", "2000m", "128Mi", "512Mi"),
    ProxySize.LARGE: ("500m", "4000m", "256Mi", "1Gi"),
}
"""Size -> CPU request and limit, memory request and limit. The CPU limit also sets the number of worker threads.
Source: Istio, "Performance and Scalability": 0.2 vCPU and 60 MB for 1,000 requests a second of 1 KB with two
threads."""


def size_annotations(size: ProxySize) -> dict[str, str]:
    """Annotations of a pod for the sidecar injector. Source: Istio, "Resource Annotations"."""
    cpu, cpu_limit, memory, memory_limit = _RESOURCES[size]
    return {
        "sidecar.istio.io/proxyCPU": cpu,
        "sidecar.istio.io/proxyCPULimit": cpu_limit,
        "sidecar.istio.io/proxyMemory": memory,
        "sidecar.istio.io/proxyMemoryLimit": memory_limit,
    }


def size_values(size: ProxySize) -> Manifest:
    """Chart value `global.proxy.resources`, for pods without annotations. Source: Istio chart `istiod`."""
    cpu, cpu_limit, memory, memory_limit = _RESOURCES[size]
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"cpu": cpu_limit, "memory": memory_limit}}

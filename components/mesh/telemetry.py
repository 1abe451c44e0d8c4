"""What the proxies report beside metrics: traces, by one decision for the whole mesh.

Arguments in, one object out. Not here: the provider it names and the access logs (istio_values.py), metrics of the
servers themselves (monitor.py).
"""

from typing import Final

from meshed_mcp.components.core.manifest import Manifest, manifest, metadata
from meshed_mcp.components.mesh.cluster_args import ROOT_NAMESPACE, Tracing

TRACING_PROVIDER: Final = "otlp"
"""Name of the extension provider in the mesh configuration."""


def mesh_tracing(tracing: Tracing) -> Manifest:
    """Spans of every proxy, for a share of the requests; the provider is named because the mesh has no default one.

    Source: Istio, Telemetry `tracing`; an object named `mesh-default` in the root namespace holds everywhere.
    """
    return manifest(
        "telemetry.istio.io/v1",
        "Telemetry",
        metadata("mesh-default", ROOT_NAMESPACE),
        {
            "tracing": [
                {
                    "providers": [{"name": TRACING_PROVIDER}],
                    "randomSamplingPercentage": tracing.sampling_percent,
                }
            ]
        },
    )

"""What the proxies report beside metrics: traces, by one decision at the door of the mesh.

Arguments in, objects out. Not here: the provider it names and the access logs (istio_values.py), metrics of the
servers themselves (monitor.py).
"""

from typing import Final

from meshed_mcp.components.core.manifest import Manifest, manifest, metadata
from meshed_mcp.components.mesh.cluster_args import INGRESS_NAMESPACE, ROOT_NAMESPACE, Tracing
from meshed_mcp.components.mesh.gateway import INGRESS_RELEASE, INGRESS_SELECTOR

TRACING_PROVIDER: Final = "otlp"
"""Name of the extension provider in the mesh configuration."""


EVERY_REQUEST: Final = 100.0
"""Inside the mesh a request brings the decision of the gateway or of the service that sent it; from Envoy 1.39 on a
proxy drops its spans of a kept trace by its own percentage too, so inside it is the whole."""


def mesh_tracing(tracing: Tracing) -> list[Manifest]:
    """Spans of every proxy; the share is decided at the gateway, the provider named as the mesh has no default one.

    Source: Istio, Telemetry `tracing`; an object named `mesh-default` in the root namespace holds everywhere, one with
    a selector wins over it.
    """
    return [
        _telemetry("mesh-default", ROOT_NAMESPACE, {}, EVERY_REQUEST),
        _telemetry(
            INGRESS_RELEASE,
            INGRESS_NAMESPACE,
            {"selector": {"matchLabels": dict(INGRESS_SELECTOR)}},
            tracing.sampling_percent,
        ),
    ]


def _telemetry(name: str, namespace: str, selector: Manifest, percent: float) -> Manifest:
    traced = {"providers": [{"name": TRACING_PROVIDER}], "randomSamplingPercentage": percent}
    spec = {**selector, "tracing": [traced]}
    return manifest("telemetry.istio.io/v1", "Telemetry", metadata(name, namespace), spec)

"""What the proxies report: traces, by one decision at the door of the mesh, access logs, and tags of metrics.

Arguments in, objects out. Not here: the provider it names and the access logs (istio_releases.py), metrics of the
servers themselves (mesh/service/pod_monitor.py).
"""

import json
from typing import Final

from meshed_mcp.components.core.manifest import Manifest, manifest, metadata
from meshed_mcp.components.mesh.cluster.access_log import access_logging
from meshed_mcp.components.mesh.cluster.args import INGRESS_NAMESPACE, ROOT_NAMESPACE, ServiceMeshArgs
from meshed_mcp.components.mesh.cluster.gateway import INGRESS_RELEASE, INGRESS_SELECTOR
from meshed_mcp.components.mesh.cluster.telemetry_args import METRICS_PROVIDER, TRACING_PROVIDER, OrganizationTag
from meshed_mcp.components.mesh.rate_limit.descriptors import JWT_METADATA, NO_ORGANIZATION

TAGGED_METRICS: Final = ("REQUEST_COUNT", "REQUEST_DURATION")
"""Source: Istio API, MetricSelector, `IstioMetric`; sizes by organization are not asked for."""

ORGANIZATION_LABEL: Final = "mcp_organization"

EVERY_REQUEST: Final = 100.0
"""Inside the mesh a request brings the decision of the gateway or of the service that sent it; from Envoy 1.39 on a
proxy drops its spans of a kept trace by its own percentage too, so inside it is the whole."""


def mesh_telemetry(args: ServiceMeshArgs) -> list[Manifest]:
    """What every proxy reports: spans, of which the gateway decides the share; access logs; tags of metrics.

    Source: Istio, Telemetry; an object named `mesh-default` in the root namespace holds everywhere, and of one with a
    selector those parts win that it has. The provider of spans is named as the mesh has no default one.
    """
    traced = {} if args.tracing is None else _traced(EVERY_REQUEST)
    found = [_telemetry("mesh-default", ROOT_NAMESPACE, traced | access_logging(args.access_log) | _tags(args))]
    if args.tracing is not None:
        selector = {"selector": {"matchLabels": dict(INGRESS_SELECTOR)}}
        found.append(_telemetry(INGRESS_RELEASE, INGRESS_NAMESPACE, selector | _traced(args.tracing.sampling_percent)))
    return found


def organization_expression(tag: OrganizationTag, claim_name: str) -> str:
    """The organization if it is one of those listed, by the token that the proxy has verified, else `_OTHER`."""
    place, payload = (json.dumps(part) for part in JWT_METADATA)
    claim = f"metadata.filter_metadata[{place}][{payload}][{json.dumps(claim_name)}]"
    known = f"{place} in metadata.filter_metadata && {claim} in {json.dumps(tag.values)}"
    return f"({known}) ? {claim} : {json.dumps(NO_ORGANIZATION)}"


def _tags(args: ServiceMeshArgs) -> Manifest:
    """The label on what the called side counts; a metrics provider is named as Telemetry otherwise has no effect."""
    if args.organization_tag is None:
        return {}
    tag = {ORGANIZATION_LABEL: {"value": organization_expression(args.organization_tag, args.organization_claim)}}
    overrides = [{"match": {"metric": metric, "mode": "SERVER"}, "tagOverrides": tag} for metric in TAGGED_METRICS]
    return {"metrics": [{"providers": [{"name": METRICS_PROVIDER}], "overrides": overrides}]}


def _traced(percent: float) -> Manifest:
    return {"tracing": [{"providers": [{"name": TRACING_PROVIDER}], "randomSamplingPercentage": percent}]}


def _telemetry(name: str, namespace: str, spec: Manifest) -> Manifest:
    return manifest("telemetry.istio.io/v1", "Telemetry", metadata(name, namespace), spec)

"""Telemetry objects of the mesh: head sampling at the ingress gateway, access logs, tags of metrics."""

from typing import Final

from meshed_mcp.components.core.manifest import Manifest, manifest, metadata
from meshed_mcp.components.mesh.authorization.organization import organization_expression
from meshed_mcp.components.mesh.cluster.access_log import access_logging
from meshed_mcp.components.mesh.cluster.args import ROOT_NAMESPACE, ServiceMeshArgs
from meshed_mcp.components.mesh.cluster.existing import installs_ingress, installs_mesh
from meshed_mcp.components.mesh.cluster.gateway import gateway_namespace
from meshed_mcp.components.mesh.cluster.gateway_args import INGRESS_RELEASE
from meshed_mcp.components.mesh.cluster.telemetry_args import METRICS_PROVIDER, TRACING_PROVIDER

TAGGED_METRICS: Final = ("REQUEST_COUNT", "REQUEST_DURATION")
"""Source: Istio API, MetricSelector, `IstioMetric`."""

ORGANIZATION_LABEL: Final = "mcp_organization"

EVERY_REQUEST: Final = 100.0
"""Sampling inside the mesh, where requests carry the gateway's decision; from Envoy 1.39 on a proxy also applies its
own percentage to sampled traces."""


def mesh_telemetry(args: ServiceMeshArgs) -> list[Manifest]:
    """Mesh-wide Telemetry, and one of the ingress gateway with the sampling percentage.

    Source: Istio, Telemetry: `mesh-default` in the root namespace applies mesh-wide; an object with a selector
    overrides the sections that it has. The mesh has no default tracing provider, so each names one.
    """
    if not installs_mesh(args):
        return namespace_telemetry(args)
    traced = {} if args.tracing is None else _traced(EVERY_REQUEST)
    found = [_telemetry("mesh-default", ROOT_NAMESPACE, traced | access_logging(args.access_log) | _tags(args))]
    if args.tracing is not None:
        selector = {"selector": {"matchLabels": dict(args.gateway.selector)}}
        place = gateway_namespace(args)
        traced = _traced(args.tracing.sampling_percent)
        found += [_telemetry(INGRESS_RELEASE, place, selector | traced)] if installs_ingress(args) else []
    return found


def namespace_telemetry(args: ServiceMeshArgs) -> list[Manifest]:
    """Telemetry of the stack's namespaces in an existing mesh, with the providers that the mesh has.

    The mesh keeps its sampling. Source: Istio, Telemetry: a namespace overrides the sections that it has.
    """
    tracing, log = args.tracing_provider, args.access_log_provider
    traced = {} if tracing is None else {"tracing": [{"providers": [{"name": tracing}]}]}
    spec = traced | ({} if log is None else access_logging(args.access_log, log)) | _tags(args)
    return [_telemetry("mesh-default", namespace, spec) for namespace in args.namespaces] if spec else []


def _tags(args: ServiceMeshArgs) -> Manifest:
    """Label on server-side metrics; without a named provider the override has no effect."""
    if args.organization_tag is None:
        return {}
    value = organization_expression(args.organization_claims, args.organization_tag.values)
    tag = {ORGANIZATION_LABEL: {"value": value}}
    overrides = [{"match": {"metric": metric, "mode": "SERVER"}, "tagOverrides": tag} for metric in TAGGED_METRICS]
    return {"metrics": [{"providers": [{"name": METRICS_PROVIDER}], "overrides": overrides}]}


def _traced(percent: float) -> Manifest:
    return {"tracing": [{"providers": [{"name": TRACING_PROVIDER}], "randomSamplingPercentage": percent}]}


def _telemetry(name: str, namespace: str, spec: Manifest) -> Manifest:
    return manifest("telemetry.istio.io/v1", "Telemetry", metadata(name, namespace), spec)

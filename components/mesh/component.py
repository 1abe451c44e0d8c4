"""Pulumi components ServiceMesh (one per cluster) and MeshedMCPService (one per MCP server)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pulumi

from meshed_mcp.components.core import register
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.cluster import manifests as cluster
from meshed_mcp.components.mesh.cluster.args import ROOT_NAMESPACE
from meshed_mcp.components.mesh.cluster.gateway import gateway_principal, gateway_reference
from meshed_mcp.components.mesh.cluster.istio_releases import istio_releases
from meshed_mcp.components.mesh.multicluster.manifests import READER_TOKEN, reader_kubeconfig
from meshed_mcp.components.mesh.service import manifests as service
from meshed_mcp.components.mesh.service.addresses import exposed_path, principal, service_url
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs, ServiceMeshArgs
from meshed_mcp.components.mesh.service.workload import autoscaled_workloads
from meshed_mcp.components.pod.manifests import account_name


class ServiceMesh(register.Component):
    """Istio in one cluster: control plane, gateways, strict mutual TLS, deny by default.

    `args` are ServiceMeshArgs or an equivalent mapping.
    """

    gateway_reference: pulumi.Output[str]
    """The ingress Gateway in the form of `VirtualService.gateways`: "namespace/name"."""

    gateway_host: pulumi.Output[str]
    """Host name of exposed services."""

    gateway_principal: pulumi.Output[str]
    """Mesh identity of the ingress gateway."""

    remote_kubeconfig: pulumi.Output[str | None]
    """Kubeconfig with read-only access to this cluster's API server, for control planes of other clusters; a secret.
    None unless `multi_cluster.api_server` is set."""

    def __init__(
        self,
        name: str,
        args: ServiceMeshArgs | Mapping[str, Any],
        opts: pulumi.ResourceOptions | None = None,
        transform: register.Transforms | None = None,
    ) -> None:
        checked = ServiceMeshArgs.model_validate(args)
        super().__init__("meshed-mcp:index:ServiceMesh", name, register.inputs(checked), opts)
        self.finish_with(checked.defaults, transform)
        child = pulumi.ResourceOptions(parent=self)
        prerequisites = register.objects(cluster.manifests_before_charts(checked), child)
        charts = register.releases_in_order(istio_releases(checked), register.after(child, prerequisites))
        manifests = cluster.manifests_after_charts(checked)
        objects = register.objects(manifests, register.after(child, charts))
        self.remote_kubeconfig = remote_kubeconfig(
            checked, dict(zip(map(register.resource_name, manifests), objects, strict=True))
        )
        self.gateway_reference = pulumi.Output.from_input(gateway_reference(checked))
        self.gateway_host = pulumi.Output.from_input(checked.domain)
        self.gateway_principal = pulumi.Output.from_input(gateway_principal(checked.trust_domain, checked.gateway))
        self.register_outputs(
            {
                "gateway_reference": self.gateway_reference,
                "gateway_host": self.gateway_host,
                "gateway_principal": self.gateway_principal,
                "remote_kubeconfig": self.remote_kubeconfig,
            }
        )


def remote_kubeconfig(
    args: ServiceMeshArgs, objects: Mapping[str, register.KubernetesObject]
) -> pulumi.Output[str | None]:
    """Kubeconfig with the reader's token, once Kubernetes has filled it in; `objects` by name."""
    membership = args.multi_cluster
    if membership is None or membership.api_server is None:
        return pulumi.Output.from_input(None)
    name, server = membership.cluster, membership.api_server
    token = objects[f"{ROOT_NAMESPACE}/{READER_TOKEN}"].data
    return pulumi.Output.secret(token.apply(lambda data: reader_kubeconfig(name, server, data)))


class MeshedMCPService(register.Component):
    """One MCP server in the mesh; the component has the server's name, at most 54 characters.

    `args` are MeshedMCPServiceArgs or an equivalent mapping. Updates ignore the replica count of versions in
    `autoscaled`, which their autoscaler owns.
    """

    url: pulumi.Output[str]
    """URL of the endpoint for clients in the mesh."""

    public_path: pulumi.Output[str | None]
    """Path of the endpoint at the ingress gateway; None unless exposed."""

    principal: pulumi.Output[str]
    """Mesh identity of the server, for `callers` of other servers."""

    def __init__(
        self,
        name: str,
        args: MeshedMCPServiceArgs | Mapping[str, Any],
        opts: pulumi.ResourceOptions | None = None,
        transform: register.Transforms | None = None,
    ) -> None:
        checked = MeshedMCPServiceArgs.model_validate(args)
        super().__init__("meshed-mcp:index:MeshedMCPService", name, register.inputs(checked), opts)
        self.finish_with(checked.defaults, transform)
        autoscaled = {("Deployment", workload): [REPLICAS] for workload in autoscaled_workloads(name, checked)}
        register_service_manifests(
            service.service_manifests(name, checked), pulumi.ResourceOptions(parent=self), autoscaled
        )
        self.url = pulumi.Output.from_input(service_url(name, checked))
        self.public_path = pulumi.Output.from_input(exposed_path(name, checked) if checked.expose else None)
        self.principal = pulumi.Output.from_input(
            principal(account_name(name, checked.service_account), checked.namespace, checked.trust_domain)
        )
        self.register_outputs({"url": self.url, "public_path": self.public_path, "principal": self.principal})


REPLICAS: Final = "spec.replicas"
"""Field of a Deployment that an autoscaler owns."""

ROUTES: Final = frozenset({"VirtualService", "DestinationRule", "HTTPRoute"})
"""Kinds that route to versions of a server."""


def register_service_manifests(
    items: Sequence[Manifest], opts: pulumi.ResourceOptions, ignored: register.Ignored
) -> None:
    """Register a server's objects, and its routes once the pods are ready.

    Source: Pulumi's Kubernetes provider, "await logic": a Deployment exists when its rollout is complete.
    """
    others = [item for item in items if item["kind"] not in ROUTES]
    objects = register.objects(others, opts, ignored)
    deployments = [each for item, each in zip(others, objects, strict=True) if item["kind"] == "Deployment"]
    register.objects([item for item in items if item["kind"] in ROUTES], register.after(opts, deployments))

"""ServiceMesh (once per cluster) and MeshedMCPService (per server): they register what the pure functions return.

Arguments in, resources out. Not here: what any object looks like (mesh/service/manifests.py,
mesh/cluster/manifests.py, mesh/cluster/istio_releases.py).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pulumi

from meshed_mcp.components.core import register
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.cluster import manifests as cluster
from meshed_mcp.components.mesh.cluster.args import ROOT_NAMESPACE
from meshed_mcp.components.mesh.cluster.gateway import gateway_principal, gateway_reference
from meshed_mcp.components.mesh.cluster.istio_releases import releases
from meshed_mcp.components.mesh.multicluster.manifests import READER_TOKEN, reader_kubeconfig
from meshed_mcp.components.mesh.service import manifests as service
from meshed_mcp.components.mesh.service.addresses import exposed_path, principal, service_url
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs, ServiceMeshArgs
from meshed_mcp.components.mesh.service.workload import autoscaled_workloads


class ServiceMesh(pulumi.ComponentResource):
    """Istio in one cluster: control plane, ingress gateway, mutual TLS everywhere, and nobody allowed by default.

    `args` are ServiceMeshArgs or the same as a mapping.
    """

    gateway_reference: pulumi.Output[str]
    """The Gateway as routes name it: "namespace/name"."""

    gateway_host: pulumi.Output[str]
    """Host name at which exposed services are reached."""

    gateway_principal: pulumi.Output[str]
    """Mesh identity of the gateway's pods."""

    remote_kubeconfig: pulumi.Output[str | None]
    """Read-only access to this cluster's API server for the control planes of others; None unless `api_server` says
    where it is. A secret."""

    def __init__(
        self,
        name: str,
        args: ServiceMeshArgs | Mapping[str, Any],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        checked = ServiceMeshArgs.model_validate(args)
        super().__init__("meshed-mcp:index:ServiceMesh", name, register.inputs(checked), opts)
        child = pulumi.ResourceOptions(parent=self)
        places = register.objects(cluster.foundations(checked), child)
        charts = register.releases_in_order(releases(checked), register.after(child, places))
        policies = cluster.policies(checked)
        told = register.objects(policies, register.after(child, charts))
        self.remote_kubeconfig = access_for_others(
            checked, dict(zip(map(register.resource_name, policies), told, strict=True))
        )
        self.gateway_reference = pulumi.Output.from_input(gateway_reference())
        self.gateway_host = pulumi.Output.from_input(checked.domain)
        self.gateway_principal = pulumi.Output.from_input(gateway_principal(checked.trust_domain))
        self.register_outputs(
            {
                "gateway_reference": self.gateway_reference,
                "gateway_host": self.gateway_host,
                "gateway_principal": self.gateway_principal,
                "remote_kubeconfig": self.remote_kubeconfig,
            }
        )


def access_for_others(
    args: ServiceMeshArgs, made: Mapping[str, register.KubernetesObject]
) -> pulumi.Output[str | None]:
    """The kubeconfig of the reader's token, once Kubernetes has filled it in; `made` by name."""
    membership = args.multi_cluster
    if membership is None or membership.api_server is None:
        return pulumi.Output.from_input(None)
    name, server = membership.cluster, membership.api_server
    token = made[f"{ROOT_NAMESPACE}/{READER_TOKEN}"].data
    return pulumi.Output.secret(token.apply(lambda data: reader_kubeconfig(name, server, data)))


class MeshedMCPService(pulumi.ComponentResource):
    """One MCP server in the mesh; the component's name is the server's name, at most 54 characters.

    `args` are MeshedMCPServiceArgs or the same as a mapping. Updates change the replica count, except of versions that
    are listed in `autoscaled`: their autoscaler owns it after creation.
    """

    url: pulumi.Output[str]
    """URL of the endpoint for clients in the mesh."""

    public_path: pulumi.Output[str | None]
    """Path of the endpoint at the ingress gateway; None unless exposed."""

    principal: pulumi.Output[str]
    """Mesh identity of the server, for the `callers` of others."""

    def __init__(
        self,
        name: str,
        args: MeshedMCPServiceArgs | Mapping[str, Any],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        checked = MeshedMCPServiceArgs.model_validate(args)
        super().__init__("meshed-mcp:index:MeshedMCPService", name, register.inputs(checked), opts)
        autoscaled = {("Deployment", workload): [REPLICAS] for workload in autoscaled_workloads(name, checked)}
        register_server(service.manifests(name, checked), pulumi.ResourceOptions(parent=self), autoscaled)
        self.url = pulumi.Output.from_input(service_url(name, checked))
        self.public_path = pulumi.Output.from_input(exposed_path(name, checked) if checked.expose else None)
        self.principal = pulumi.Output.from_input(principal(name, checked.namespace, checked.trust_domain))
        self.register_outputs({"url": self.url, "public_path": self.public_path, "principal": self.principal})


REPLICAS: Final = "spec.replicas"
"""What an autoscaler owns of a Deployment."""

ROUTES: Final = frozenset({"VirtualService", "DestinationRule", "HTTPRoute"})
"""Kinds that lead calls to versions of a server."""


def register_server(items: Sequence[Manifest], opts: pulumi.ResourceOptions, ignored: register.Ignored) -> None:
    """Register a server's objects; a route to a version waits until the version's pods are ready.

    Source: Pulumi's Kubernetes provider, "await logic": a Deployment is made when its roll-out is complete.
    """
    others = [item for item in items if item["kind"] not in ROUTES]
    made = register.objects(others, opts, ignored)
    pods = [one for item, one in zip(others, made, strict=True) if item["kind"] == "Deployment"]
    register.objects([item for item in items if item["kind"] in ROUTES], register.after(opts, pods))

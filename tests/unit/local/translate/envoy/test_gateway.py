"""Identity of the ingress gateway's pods in a local run, and the way out to external hosts."""

from typing import Any

import pytest

from meshed_mcp.components.mesh.cluster.gateway import ingress_gateway
from meshed_mcp.components.mesh.service import manifests as service
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.translate.envoy.gateway import egress_clusters, egress_virtual_hosts, gateway_identity
from meshed_mcp.local.translate.objects.gateway import Gateway
from meshed_mcp.local.translate.stack import read_stack
from meshed_mcp.local.translate.topology import Identity, topology
from tests.unit.components.mesh.mesh_rendering import mesh_args

EXISTING = {"install": "existing", "namespace": "gateways", "service_account": "shared", "selector": {"app": "shared"}}


def test_existing_gateway_has_the_identity_of_its_pods() -> None:
    """Requirement CMP-1: the local run calls services with the identity that they admit in the cluster."""
    item = ingress_gateway(mesh_args(install="existing", gateway=EXISTING))
    gateway = Gateway.model_validate(item)
    assert gateway_identity(gateway, "cluster.local") == Identity("cluster.local", "gateways", "shared")


def test_gateway_of_unknown_pods_is_rejected() -> None:
    """Requirement CFG-12: without the stack's annotation, only the chart's label says which pods they are."""
    item = ingress_gateway(mesh_args(install="existing", gateway=EXISTING))
    del item["metadata"]["annotations"]
    with pytest.raises(LocalRunError):
        gateway_identity(Gateway.model_validate(item), "cluster.local")


@pytest.mark.parametrize(
    ("url", "domains", "match"),
    [
        ("https://mcp.vendor.example.com/mcp", ["mcp.vendor.example.com:443"], {"connect_matcher": {}}),
        ("http://mcp.vendor.example.com:81/mcp", ["mcp.vendor.example.com:81"], {"prefix": "/"}),
        ("http://mcp.vendor.example.com/mcp", ["mcp.vendor.example.com:80", "mcp.vendor.example.com"], {"prefix": "/"}),
    ],
)
def test_the_sidecar_of_the_bridge_has_a_route_to_its_remote_server(
    url: str, domains: list[str], match: dict[str, Any]
) -> None:
    """Requirement LRN-3: TLS by CONNECT, plain HTTP of development as requests to the proxy."""
    args = MeshedMCPServiceArgs.model_validate({"url": url, "bridge_image": "b:1"})
    found = topology(read_stack(service.service_manifests("mcp-vendor", args)), 16)
    (host,) = egress_virtual_hosts(found, args.namespace)
    assert host["domains"] == domains
    assert host["routes"][0]["match"] == match
    assert [each["name"] for each in egress_clusters(found, args.namespace)] == [host["name"]]
    assert egress_virtual_hosts(found, "other") == []

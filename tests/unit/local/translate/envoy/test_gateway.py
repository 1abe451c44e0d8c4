"""Identity of the ingress gateway's pods in a local run."""

import pytest

from meshed_mcp.components.mesh.cluster.gateway import ingress_gateway
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.translate.envoy.gateway import gateway_identity
from meshed_mcp.local.translate.objects.gateway import Gateway
from meshed_mcp.local.translate.topology import Identity
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

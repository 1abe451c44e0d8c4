"""`dual_stack`: the IP families of Services, and what istiod and proxies need for two."""

import json
from typing import Any

import pytest

from meshed_mcp.components.mesh.cluster.args import ServiceMeshArgs
from meshed_mcp.components.mesh.cluster.gateway_pods import gateway_values
from meshed_mcp.components.mesh.cluster.istio_releases import gateways, istiod_values
from meshed_mcp.components.mesh.cluster.proxy_config import PROXY_CONFIG_ANNOTATION
from tests.unit.components.mesh.mesh_rendering import render

POLICY = {"ipFamilyPolicy": "PreferDualStack"}
VARIABLE = {"ISTIO_DUAL_STACK": "true"}
EXISTING = {"root_namespace": "istio-system", "outbound": "REGISTRY_ONLY", "access_log_provider": None}


def mesh(*, dual_stack: bool) -> ServiceMeshArgs:
    """Arguments of a mesh with both gateways."""
    size = {"min_replicas": 1, "max_replicas": 2, "cpu": "100m", "memory": "128Mi"}
    return ServiceMeshArgs.model_validate(
        {"domain": "mcp.example.com", "egress_gateway": size, "dual_stack": dual_stack}
    )


def services(**more: Any) -> list[dict[str, Any]]:
    """Specifications of the rendered Services."""
    return [item["spec"] for item in render(**more) if item["kind"] == "Service"]


def test_services_of_a_dual_stack_cluster_have_both_families() -> None:
    """Requirement IP6-7: Kubernetes, "IPv4/IPv6 dual-stack": the default `SingleStack` has the first family alone."""
    (service,) = services(dual_stack=True)
    assert service | POLICY == service
    for name, (_, pods) in gateways(mesh(dual_stack=True)).items():
        values = gateway_values(pods, mesh(dual_stack=True))
        assert values["service"] | POLICY == values["service"], name


def test_istiod_and_proxies_of_a_dual_stack_cluster_use_both_families() -> None:
    """Istio, "Dual Stack": the variable of istiod, the metadata of proxies, and the Service of istiod."""
    values = istiod_values(mesh(dual_stack=True))
    assert values | POLICY == values
    assert values["env"] | VARIABLE == values["env"]
    metadata = values["meshConfig"]["defaultConfig"]["proxyMetadata"]
    assert metadata == {"ISTIO_META_DNS_CAPTURE": "true", **VARIABLE}


def test_without_the_setting_the_cluster_decides() -> None:
    """Requirement IP6-7: an unset `ipFamilyPolicy` is the cluster's first family, which may be IPv6."""
    single = mesh(dual_stack=False)
    values = [istiod_values(single), *(gateway_values(pods, single) for _, pods in gateways(single).values())]
    texts = [json.dumps(each) for each in (*values, services())]
    assert all("DUAL_STACK" not in text and "ipFamil" not in text for text in texts)


@pytest.mark.parametrize("more", [{}, {"runtime": "external", "port": 8080}])
def test_pods_in_an_existing_dual_stack_mesh_configure_their_proxies(more: dict[str, Any]) -> None:
    """Istio, "Resource Annotations": the pod's ProxyConfig is merged over the existing MeshConfig's."""
    objects = render(dual_stack=True, existing_mesh=EXISTING, **more)
    (deployment,) = [item for item in objects if item["kind"] == "Deployment"]
    config = json.loads(deployment["spec"]["template"]["metadata"]["annotations"][PROXY_CONFIG_ANNOTATION])
    assert config["proxyMetadata"] | VARIABLE == config["proxyMetadata"]

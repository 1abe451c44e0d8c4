"""Services of an importer in a cluster without a mesh, or with a Prometheus of its own."""

import pytest
from pydantic import ValidationError

from meshed_mcp.components.mesh.service.without_mesh import caller_network_policy
from tests.unit.components.mesh.mesh_rendering import render, service_args


def test_policy_admits_the_pods_of_callers_to_the_mcp_port() -> None:
    """Kubernetes, "Network Policies": a peer with two selectors is a pod that both select."""
    policy = caller_network_policy("mcp-search", service_args(mode="none", callers=["mcp-docs", "agents/planner"]))
    (rule,) = policy["spec"]["ingress"]
    assert rule["ports"] == [{"protocol": "TCP", "port": 8000}]
    assert [
        (peer["namespaceSelector"]["matchLabels"], peer["podSelector"]["matchLabels"]) for peer in rule["from"]
    ] == [
        ({"kubernetes.io/metadata.name": "mcp-system"}, {"app": "mcp-docs"}),
        ({"kubernetes.io/metadata.name": "agents"}, {"app": "planner"}),
    ]


def test_policy_admits_callers_of_an_external_server_to_its_own_port() -> None:
    """Kubernetes, "Network Policies": ports are those of the pod, and an external server has its own."""
    items = render(mode="none", callers=["mcp-docs"], runtime="external", port=3001)
    (rule,) = items.one("NetworkPolicy", "mcp-search-callers")["spec"]["ingress"]
    assert rule["ports"] == [{"protocol": "TCP", "port": 3001}]
    assert "PodMonitor" not in items.kinds()


def test_tokens_of_an_external_server_without_a_mesh_are_rejected() -> None:
    """Requirement SRV-3: neither a sidecar nor the runtime would validate them."""
    issuer = {"issuers": [{"issuer": "https://login.example.com", "jwks_url": "https://login.example.com/jwks"}]}
    with pytest.raises(ValidationError, match="auth: needs a mesh"):
        service_args(mode="none", runtime="external", auth=issuer)


def test_policy_without_callers_admits_no_pod() -> None:
    """Requirement SEC-1: an empty allow-list denies every request; an empty `from` would admit every pod."""
    policy = caller_network_policy("mcp-search", service_args(mode="none"))
    assert policy["spec"]["ingress"] == []
    assert policy["spec"]["policyTypes"] == ["Ingress"]


def test_egress_policy_has_no_way_to_istiod() -> None:
    """Requirement SEC-6: a pod without a sidecar needs no control plane."""
    items = render(mode="none", sidecar_egress_hosts=[])
    policy = items.one("NetworkPolicy", "mcp-search-egress")
    assert "istiod" not in str(policy)


def test_setting_of_an_importer_that_needs_a_mesh_is_rejected() -> None:
    """Requirement CLU-3: the component rejects what the stack rejects."""
    with pytest.raises(ValidationError, match="legacy: sticky sessions reach their replica by the proxies of a mesh"):
        service_args(mode="none", legacy="sticky")


def test_monitor_of_an_importer_has_the_labels_of_its_prometheus() -> None:
    """Requirement CLU-1: kube-prometheus-stack selects PodMonitors with the label `release`."""
    monitor = render(monitor_labels={"release": "kube-prometheus-stack"}).one("PodMonitor")
    assert monitor["metadata"]["labels"]["release"] == "kube-prometheus-stack"
    assert monitor["metadata"]["labels"]["app.kubernetes.io/name"] == "mcp-search"

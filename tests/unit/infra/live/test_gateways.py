"""Gateways and the pods that they select."""

from meshed_mcp.infra.live.gateways import gateway_findings
from tests.unit.infra.live.fake_cluster import FakeCluster, stack, thing

GATEWAY = thing("Gateway", "mcp", "gateway", "networking.istio.io/v1", spec={"selector": {"istio": "ingress"}})


def test_a_gateway_with_pods_is_ok() -> None:
    """Istio, Gateway, `selector`: the pods on which the configuration is applied, in any namespace."""
    pod = thing("Pod", "a", "other", labels={"istio": "ingress", "app": "gateway"})
    assert [item.line for item in gateway_findings(FakeCluster(pod), stack(GATEWAY))] == [
        "ok Gateway gateway/mcp selects pods"
    ]


def test_a_gateway_without_pods_is_an_error() -> None:
    """Requirement CHK-4: its listeners would exist nowhere."""
    pod = thing("Pod", "a", "other", labels={"istio": "ingressgateway"})
    (found,) = gateway_findings(FakeCluster(pod), stack(GATEWAY))
    assert found.line.startswith("error MM0165: no pod has the labels istio=ingress of Gateway gateway/mcp; set")


def test_pods_that_the_stack_installs_are_not_looked_for() -> None:
    """Requirement CHK-4: they do not exist before the first deployment."""
    assert list(gateway_findings(FakeCluster(), stack(GATEWAY, charts=["gateway"]))) == []

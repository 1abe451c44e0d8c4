"""IP families of a cluster's pods against the stack's setting."""

import pytest

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.infra.live.ip_families import family_findings
from meshed_mcp.infra.recording import Recording
from tests.unit.infra.live.fake_cluster import FakeCluster, deployed, stack, thing

IPV4, IPV6 = "10.244.0.2", "fd00:10:244::2"


def dns(*addresses: str) -> Manifest:
    """A pod of the cluster's DNS."""
    ips = [{"ip": each} for each in addresses]
    return thing("Pod", "coredns", "kube-system", "v1", labels={"k8s-app": "kube-dns"}, status={"podIPs": ips})


def meshed(policy: dict[str, str]) -> Recording:
    """A stack with a Service and an injected Deployment."""
    injected = deployed("mcp-search", "mcp-system", "s:1", {"sidecar.istio.io/inject": "true"})
    return stack(thing("Service", "mcp-search", "mcp-system", "v1", spec=policy), injected)


def line(*addresses: str, dual_stack: bool = False) -> str:
    """The finding."""
    policy = {"ipFamilyPolicy": "PreferDualStack"} if dual_stack else {}
    (found,) = family_findings(FakeCluster(dns(*addresses)), meshed(policy))
    return found.line


@pytest.mark.parametrize(
    ("addresses", "dual_stack", "expected"),
    [
        ([IPV4], False, "ok pods have IPv4 addresses"),
        ([IPV6], False, "ok pods have IPv6 addresses"),
        ([IPV6, IPV4], True, "ok pods have IPv6 and IPv4 addresses"),
        ([IPV4], True, "ok pods have IPv4 addresses"),
    ],
)
def test_a_cluster_that_fits_the_setting_is_ok(addresses: list[str], dual_stack: bool, expected: str) -> None:
    """Requirement IP6-7: one family needs no setting, and the policy takes what the cluster has."""
    assert line(*addresses, dual_stack=dual_stack) == expected


@pytest.mark.parametrize(("addresses", "level"), [([IPV4, IPV6], "warning"), ([IPV6, IPV4], "error")])
def test_two_families_need_the_setting(addresses: list[str], level: str) -> None:
    """Requirement IP6-7: Istio listens on IPv4 alone without it, which is unreachable where IPv6 is first."""
    assert line(*addresses).startswith(f"{level} MM1039: pods of the cluster have IPv")
    assert line(*addresses).endswith("; set mesh.dual_stack: true")


@pytest.mark.parametrize("cluster", [FakeCluster(), FakeCluster(dns())])
def test_a_cluster_without_dns_pods_says_nothing(cluster: FakeCluster) -> None:
    """Kubernetes, "DNS for Services and Pods": a cluster may have another server, or one that has not started."""
    assert list(family_findings(cluster, meshed({}))) == []


def test_a_stack_without_sidecars_needs_no_setting() -> None:
    """Istio, "Ambient mode": ztunnel listens on both families; without a mesh the process does."""
    without = stack(deployed("mcp-search", "mcp-system", "s:1", {"app": "mcp-search"}))
    assert list(family_findings(FakeCluster(dns(IPV6, IPV4)), without)) == []

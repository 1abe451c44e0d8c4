"""Namespaces: injection, Pod Security and NetworkPolicies."""

import pytest

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.infra.live.namespaces import ENFORCE, namespace_findings
from meshed_mcp.infra.recording import Recording
from tests.unit.infra.live.fake_cluster import FakeCluster, deployed, stack, thing

WEBHOOK = thing(
    "MutatingWebhookConfiguration",
    "istio-sidecar-injector-1-31",
    api="admissionregistration.k8s.io/v1",
    labels={"app": "sidecar-injector", "istio.io/rev": "1-31", "istio.io/tag": "stable"},
    webhooks=[],
)
CNI = thing("DaemonSet", "istio-cni-node", "istio-system", "apps/v1", labels={"k8s-app": "istio-cni-node"})
ROUTE = thing("VirtualService", "a", "n", "networking.istio.io/v1", spec={})


def meshed(*more: Manifest) -> Recording:
    """A stack with a meshed Deployment."""
    return stack(ROUTE, deployed("a", "n", "s:1", {"app": "a"}), *more)


def lines(cluster: FakeCluster, recording: Recording) -> list[str]:
    """Lines of the findings."""
    return [item.line for item in namespace_findings(cluster, recording)]


@pytest.mark.parametrize("revision", ["1-31", "stable"])
@pytest.mark.parametrize("in_stack", [True, False])
def test_a_namespace_with_a_known_revision_is_ok(revision: str, in_stack: bool) -> None:
    """Istio, "Canary upgrades": a namespace selects a revision or a tag of it."""
    namespace = thing("Namespace", "n", labels={"istio.io/rev": revision})
    cluster = FakeCluster(WEBHOOK, CNI, *([] if in_stack else [namespace]))
    found = lines(cluster, meshed(*([namespace] if in_stack else [])))
    assert found == [f"ok namespace n gets sidecars of revision {revision}"]


@pytest.mark.parametrize(
    ("labels", "state"),
    [
        ({}, "has no label that selects a revision, so pods get no sidecar"),
        ({"istio-injection": "disabled"}, "has no label that selects a revision, so pods get no sidecar"),
        ({"istio-injection": "enabled"}, "selects the revision default, which no webhook serves"),
        ({"istio.io/rev": "1-30"}, "selects the revision 1-30, which no webhook serves"),
    ],
)
def test_a_namespace_without_injection_names_the_revisions(labels: dict[str, str], state: str) -> None:
    """Requirement CHK-4: pods without sidecar would have no identity and no policy."""
    found = lines(FakeCluster(WEBHOOK, CNI, thing("Namespace", "n", labels=labels)), meshed())
    assert found == [f"error MM0161: namespace n {state}; set the label istio.io/rev to one of: 1-31, stable"]


def test_an_ambient_namespace_needs_no_webhook() -> None:
    """Istio, "Ambient mode": ztunnel takes the traffic without injection."""
    labels = {"istio.io/dataplane-mode": "ambient"}
    assert lines(FakeCluster(thing("Namespace", "n", labels=labels)), meshed()) == ["ok namespace n is in ambient mode"]


@pytest.mark.parametrize("level", ["baseline", "restricted"])
def test_a_level_that_rejects_sidecars_needs_the_cni(level: str) -> None:
    """Istio, "Install the Istio CNI node agent": without it an init container needs NET_ADMIN."""
    namespace = thing("Namespace", "n", labels={"istio.io/rev": "1-31", ENFORCE: level})
    assert lines(FakeCluster(WEBHOOK, namespace), meshed())[1].startswith(
        f"error MM0168: namespace n enforces the Pod Security level {level}, and the cluster has no Istio CNI"
    )
    assert len(lines(FakeCluster(WEBHOOK, CNI, namespace), meshed())) == 1


def test_the_enforcement_of_network_policies_cannot_be_known() -> None:
    """Kubernetes, "Network Policies": without a plugin that implements them they have no effect, without any error."""
    policy = thing("NetworkPolicy", "a", "n", "networking.k8s.io/v1", spec={})
    (found,) = lines(FakeCluster(), stack(policy))
    assert found.startswith("note MM0169: whether the network plugin enforces the stack's 1 NetworkPolicies cannot be")

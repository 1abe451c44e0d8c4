"""Pods of a service: security, spreading, rollout, shutdown."""

import pytest
from pulumi_kubernetes.apps.v1 import RollingUpdateDeploymentArgs

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.service.workload import MAX_SURGE, SIDECAR_ANNOTATIONS, SIDECAR_EXIT_SECONDS
from tests.unit.components.mesh.mesh_rendering import CANARY, render

ISTIO_DRAIN_SECONDS = 5
"""Source: Istio, ProxyConfig `terminationDrainDuration`, default 5s."""


def pod(**settings: object) -> Manifest:
    """The specification of the stable version's pods."""
    spec: Manifest = render(**settings).one("Deployment", "mcp-search")["spec"]["template"]["spec"]
    return spec


def test_every_object_has_the_namespace_and_labels_of_its_service() -> None:
    """Kubernetes, "Recommended Labels"."""
    for item in render(namespace="tools"):
        assert item["metadata"]["namespace"] == "tools"
        assert item["metadata"]["labels"][contract.LABEL_NAME] == "mcp-search"


def test_pods_meet_the_restricted_pod_security_standard() -> None:
    """Kubernetes, "Pod Security Standards", policy Restricted, every control for Linux pods."""
    spec = pod()
    assert spec["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert {"hostNetwork", "hostPID", "hostIPC"}.isdisjoint(spec)
    assert all(volume.keys() == {"name", "emptyDir"} for volume in spec["volumes"])
    for container in spec["containers"]:
        own = container["securityContext"]
        assert own["allowPrivilegeEscalation"] is False
        assert own["capabilities"] == {"drop": ["ALL"]}


def test_no_pod_gets_a_kubernetes_api_token() -> None:
    """Kubernetes, "Opt out of API credential automounting": the pod's own field wins over the account's."""
    assert render().one("ServiceAccount")["automountServiceAccountToken"] is False
    assert pod()["automountServiceAccountToken"] is False


def test_pod_outlives_the_grace_of_the_server_by_more_than_the_sidecar_drain() -> None:
    """Kubernetes, "Sidecar Containers": a native sidecar is ended after the server, within the same grace period."""
    grace = pod(drain={"pre_stop_delay_seconds": 10, "grace_seconds": 120})["terminationGracePeriodSeconds"]
    assert grace == 120 + SIDECAR_EXIT_SECONDS
    assert SIDECAR_EXIT_SECONDS > ISTIO_DRAIN_SECONDS


def test_pods_are_spread_over_zones_and_nodes_per_revision() -> None:
    """Kubernetes, "Pod Topology Spread Constraints": without matchLabelKeys the old revision counts in an update."""
    constraints = pod()["topologySpreadConstraints"]
    assert [item["topologyKey"] for item in constraints] == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
    for item in constraints:
        assert item["whenUnsatisfiable"] == "ScheduleAnyway"
        assert item["matchLabelKeys"] == ["pod-template-hash"]


def test_update_never_goes_below_the_ready_pods() -> None:
    """Kubernetes, Deployment `maxUnavailable`: 0 starts the new pod before the old one ends."""
    strategy = render().one("Deployment")["spec"]["strategy"]
    assert strategy == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": MAX_SURGE}}


def test_max_surge_equals_the_default_of_kubernetes() -> None:
    """Kubernetes API, RollingUpdateDeployment, as the typed SDK quotes it."""
    text = str(RollingUpdateDeploymentArgs.__init__.__doc__)
    assert f"Defaults to {MAX_SURGE}" in text.partition("max_surge:")[2].partition(":param")[0]


def test_management_port_is_outside_the_mesh() -> None:
    """Istio, "Resource Annotations": probes and scrapes reach the server itself, in plain HTTP."""
    template = render().one("Deployment")["spec"]["template"]
    annotations = template["metadata"]["annotations"]
    assert annotations["traffic.sidecar.istio.io/excludeInboundPorts"] == str(contract.MANAGEMENT_PORT)
    assert annotations["prometheus.istio.io/merge-metrics"] == "false"
    assert annotations["sidecar.istio.io/rewriteAppHTTPProbers"] == "false"


def test_sidecar_is_native_and_fully_sized() -> None:
    """Istio, injection template: one size annotation switches off the defaults of the other three."""
    annotations = render().one("Deployment")["spec"]["template"]["metadata"]["annotations"]
    sizes = {"proxyCPU", "proxyCPULimit", "proxyMemory", "proxyMemoryLimit"}
    assert {f"sidecar.istio.io/{size}" for size in sizes} <= annotations.keys()
    assert annotations["sidecar.istio.io/nativeSidecar"] == "true"
    assert annotations.keys() == SIDECAR_ANNOTATIONS.keys() | {f"sidecar.istio.io/{size}" for size in sizes}


@pytest.mark.parametrize(("size", "cpu", "memory_limit"), [("small", "50m", "256Mi"), ("large", "500m", "1Gi")])
def test_sidecar_has_the_requested_size(size: str, cpu: str, memory_limit: str) -> None:
    """Requirement CFG-9: a size has a name, and the pod reserves its resources."""
    annotations = render(proxy=size).one("Deployment")["spec"]["template"]["metadata"]["annotations"]
    found = (annotations["sidecar.istio.io/proxyCPU"], annotations["sidecar.istio.io/proxyMemoryLimit"])
    assert found == (cpu, memory_limit)


def test_pods_are_replaced_when_another_revision_injects() -> None:
    """Kubernetes, Deployment: a changed pod template is a rolling update, so no manual restart is needed."""
    template = render(revision="1-31-1").one("Deployment")["spec"]["template"]
    assert template["metadata"]["annotations"]["istio.io/rev"] == "1-31-1"
    assert "istio.io/rev" not in render().one("Deployment")["spec"]["template"]["metadata"]["annotations"]


def test_pods_request_injection_by_their_own_label() -> None:
    """Istio, "Sidecar Injection": the pod's label holds also in a namespace without the label."""
    assert render().one("Deployment")["spec"]["template"]["metadata"]["labels"]["sidecar.istio.io/inject"] == "true"


def test_canary_runs_beside_the_stable_version_under_one_service() -> None:
    """Istio, "Application Requirements": labels app and version tell the versions apart."""
    objects = render(rollout=CANARY, replicas=25)
    stable, canary = objects.one("Deployment", "mcp-search"), objects.one("Deployment", "mcp-search-canary")
    assert stable["spec"]["selector"]["matchLabels"] == {"app": "mcp-search", "version": "stable"}
    assert canary["spec"]["selector"]["matchLabels"] == {"app": "mcp-search", "version": "canary"}
    assert canary["spec"]["template"]["spec"]["containers"][0]["image"] == "search:2"
    assert canary["spec"]["template"]["spec"]["serviceAccountName"] == "mcp-search"
    assert (stable["spec"]["replicas"], canary["spec"]["replicas"]) == (25, 3)
    assert objects.one("Service")["spec"]["selector"] == {"app": "mcp-search"}


def test_canary_with_weight_zero_still_has_a_pod() -> None:
    """Requirement NET-9: a weight of 0 is the first step of a rollout."""
    rollout = CANARY | {"weights": {"stable": 100, "canary": 0}}
    assert render(rollout=rollout).one("Deployment", "mcp-search-canary")["spec"]["replicas"] == 1


def test_service_port_declares_http() -> None:
    """Istio, "Protocol Selection": by name and by appProtocol; http2 would break servers that speak HTTP/1.1."""
    port = render().one("Service")["spec"]["ports"]
    assert [(item["name"], item["port"], item["appProtocol"]) for item in port] == [("http", 8000, "http")]


def test_node_drains_evict_one_pod_at_a_time_and_ignore_unhealthy_ones() -> None:
    """Kubernetes, "Unhealthy Pod Eviction Policy": IfHealthyBudget lets a pod that never was ready block a drain."""
    budget = render(rollout=CANARY).one("PodDisruptionBudget")["spec"]
    assert (budget["maxUnavailable"], budget["unhealthyPodEvictionPolicy"]) == (1, "AlwaysAllow")
    assert budget["selector"] == {"matchLabels": {"app": "mcp-search"}}


def test_policy_and_routes_are_registered_before_the_pods() -> None:
    """Requirement SEC-1: a starting pod is already closed to unauthorized callers."""
    kinds = render().kinds()
    assert max(kinds.index("AuthorizationPolicy"), kinds.index("VirtualService")) < kinds.index("Deployment")


def test_an_autoscaled_version_that_does_not_exist_is_rejected() -> None:
    """Requirement CMP-13: with a misspelled version every update would reset the size that its autoscaler has set."""
    with pytest.raises(ValueError, match=r"autoscaled: there is no version 'canari'; use 'stable', 'canary'"):
        render(rollout=CANARY, autoscaled=["stable", "canari"])

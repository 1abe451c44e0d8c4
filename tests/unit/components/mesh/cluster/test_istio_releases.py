"""Helm releases of the mesh: order, chart sources and values."""

from typing import Any

import pytest

from meshed_mcp.components.core.charts import GATEWAY_API_CRDS, ISTIO_VERSION, ReleaseSpec
from meshed_mcp.components.mesh.cluster.istio_releases import istio_releases
from tests.unit.components.mesh.mesh_rendering import mesh_args


def names(**settings: Any) -> list[str]:
    """Releases in order."""
    return [item.name for item in istio_releases(mesh_args(**settings))]


def release(name: str, **settings: Any) -> ReleaseSpec:
    """One release."""
    return {item.name: item for item in istio_releases(mesh_args(**settings))}[name]


def test_crds_come_before_the_control_plane_and_the_control_plane_before_the_gateway() -> None:
    """Istio, "Install with Helm": base, istiod, then the clients of istiod; Gateway API CRDs first."""
    assert names() == ["gateway-api-crds", "istio-base", "istiod", "istio-cni", "istio-ingress"]


def test_existing_gateway_api_crds_are_left_alone() -> None:
    """Requirement CMP-7: a second owner would conflict with the provider that manages them."""
    assert names(gateway_api="existing")[0] == "istio-base"


def test_without_the_cni_agent_its_chart_is_left_out_and_istiod_is_configured() -> None:
    """Istio, injection template: `cni.enabled` decides between istio-validation and istio-init."""
    assert "istio-cni" not in names(traffic_capture="init-container")
    assert release("istiod", traffic_capture="init-container").values["cni"] == {"enabled": False}
    assert release("istiod").values["cni"] == {"enabled": True}


def test_all_charts_and_images_have_one_version() -> None:
    """Istio, "Install with Helm": chart version = Istio version = image tag."""
    istio = [item for item in istio_releases(mesh_args()) if item.chart != GATEWAY_API_CRDS]
    assert {item.chart.version for item in istio} == {ISTIO_VERSION}
    assert {release(name).values["global"]["tag"] for name in ("istiod", "istio-cni")} == {ISTIO_VERSION}
    newer = [item for item in istio_releases(mesh_args(istio_version="1.32.0")) if item.chart != GATEWAY_API_CRDS]
    assert {item.chart.version for item in newer} == {"1.32.0"}


def test_mirror_serves_every_chart() -> None:
    """Requirement CMP-12: an air-gapped cluster needs one folder or one repository."""
    assert {item.chart.repository for item in istio_releases(mesh_args(chart_mirror="oci://mirror/charts"))} == {
        "oci://mirror/charts"
    }
    from_folder = istio_releases(mesh_args(chart_mirror="charts"))
    assert all(item.chart.reference == f"charts/{item.chart.name}" for item in from_folder)


def test_images_come_from_the_given_hub() -> None:
    """Istio chart, `global.hub`."""
    assert release("istiod", hub="mirror.example/istio").values["global"]["hub"] == "mirror.example/istio"
    assert release("istio-cni", hub="mirror.example/istio").values["global"]["hub"] == "mirror.example/istio"


def test_disruption_budgets_are_rendered_by_default() -> None:
    """Istio charts: a PodDisruptionBudget is rendered only above one replica."""
    istiod, gateway = release("istiod").values, release("istio-ingress").values
    assert istiod["autoscaleMin"] > 1
    assert istiod["pdb"] == {"minAvailable": 1, "unhealthyPodEvictionPolicy": "AlwaysAllow"}
    assert gateway["autoscaling"]["minReplicas"] > 1
    assert gateway["podDisruptionBudget"] == {"maxUnavailable": 1, "unhealthyPodEvictionPolicy": "AlwaysAllow"}


def test_replicas_and_resources_are_inputs() -> None:
    """Requirement CMP-3: a component never branches on the stack's name."""
    size = {"min_replicas": 1, "max_replicas": 2, "cpu": "100m", "memory": "128Mi"}
    assert release("istiod", control_plane=size).values["autoscaleMax"] == 2
    assert release("istio-ingress", gateway=size).values["resources"]["requests"] == {"cpu": "100m", "memory": "128Mi"}


def test_validation_webhook_fails_closed_from_the_start() -> None:
    """Istio release note webhook-failurepolicy-upgrade: `Fail` avoids the flip that shows as drift."""
    for name in ("istio-base", "istiod"):
        assert release(name).values["base"] == {"validationFailurePolicy": "Fail"}


def test_meshed_pods_connect_only_to_known_hosts() -> None:
    """Istio, MeshConfig `outboundTrafficPolicy.mode`."""
    assert release("istiod").values["meshConfig"]["outboundTrafficPolicy"] == {"mode": "REGISTRY_ONLY"}
    open_mesh = release("istiod", outbound="ALLOW_ANY").values["meshConfig"]
    assert open_mesh["outboundTrafficPolicy"] == {"mode": "ALLOW_ANY"}


def test_logs_are_json() -> None:
    """Istio chart `global.logAsJson`; MeshConfig, `envoyFileAccessLog.logFormat.labels`: labels make lines of JSON."""
    values = release("istiod").values
    assert values["global"]["logAsJson"] is True
    (provider,) = values["meshConfig"]["extensionProviders"]
    assert provider["envoyFileAccessLog"]["path"] == "/dev/stdout"
    assert {"mcp_method", "mcp_name"} <= set(provider["envoyFileAccessLog"]["logFormat"]["labels"])


def test_control_plane_and_gateway_have_spread_priority_and_network_policy() -> None:
    """Istio charts: topologySpreadConstraints, priorityClassName, networkPolicy are all off by default."""
    istiod, gateway = release("istiod").values, release("istio-ingress").values
    assert istiod["global"]["priorityClassName"] == gateway["priorityClassName"] == "system-cluster-critical"
    for values in (istiod, gateway):
        assert len(values["topologySpreadConstraints"]) == 2
        assert values["global"]["networkPolicy"] == {"enabled": True}


def test_priority_class_may_be_left_out() -> None:
    """Istio charts: an empty priorityClassName is left out."""
    assert release("istiod", priority_class=None).values["global"]["priorityClassName"] == ""


def test_gateway_security_context_keeps_the_sysctl_for_low_ports() -> None:
    """Istio chart `gateway`: a given securityContext replaces the sysctl of the chart's own."""
    context = release("istio-ingress").values["securityContext"]
    assert context["sysctls"] == [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]


@pytest.mark.parametrize("name", ["istio-base", "istiod", "istio-cni", "istio-ingress"])
def test_platform_is_set_in_every_chart(name: str) -> None:
    """Istio charts, `global.platform`: node agent paths and quotas differ by distribution."""
    assert release(name, platform="gke").values["global"]["platform"] == "gke"
    assert "platform" not in release(name).values["global"]


def test_stack_values_win_and_keep_their_siblings() -> None:
    """Helm, "Values Files": mappings are merged, everything else is replaced."""
    own = {"istiod": {"meshConfig": {"trustDomain": "mesh.example"}, "env": {"PILOT_ENABLE_IP_AUTOALLOCATE": "true"}}}
    values = release("istiod", values=own).values
    assert values["meshConfig"]["trustDomain"] == "mesh.example"
    assert values["meshConfig"]["outboundTrafficPolicy"] == {"mode": "REGISTRY_ONLY"}
    assert {"ENABLE_NATIVE_SIDECARS": "true", "PILOT_ENABLE_IP_AUTOALLOCATE": "true"}.items() <= values["env"].items()

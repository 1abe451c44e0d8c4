"""VerticalPodAutoscalers: modes, resources, and validation against the HPA."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs
from meshed_mcp.components.autoscaling.vpa.manifests import VPA, namespaces, vpa_manifests, vpa_releases, vpa_values
from meshed_mcp.components.core.errors import model_issues
from meshed_mcp.components.core.quantity import cpu_millicores, memory_bytes

PRESENT = {"install": "existing"}


def raw(settings: dict[str, Any], vpa: dict[str, Any]) -> dict[str, Any]:
    """Arguments of a policy with one target."""
    return {"targets": {"mcp-rag": settings}, "namespace": "apps", "prometheus_url": "http://prometheus", "vpa": vpa}


def spec(**settings: Any) -> dict[str, Any]:
    """The spec of the target's VerticalPodAutoscaler."""
    (item,) = vpa_manifests(AutoscalingPolicyArgs.model_validate(raw(settings, PRESENT)))
    found: dict[str, Any] = item["spec"]
    return found


def refused(vpa: dict[str, Any] = PRESENT, **settings: Any) -> list[str]:
    """Issues of a policy with one target, as lines."""
    return [str(issue) for issue in model_issues(AutoscalingPolicyArgs, raw(settings, vpa), "scaling")]


@pytest.mark.parametrize(
    ("settings", "mode", "resources"),
    [
        ({}, "Off", ["cpu", "memory"]),
        ({"profile": "session"}, "Off", ["cpu", "memory"]),
        ({"profile": "memory"}, "Off", ["cpu", "memory"]),
        ({"profile": "queue", "queue": {"query": "q", "per_replica": 5}}, "InPlaceOrRecreate", ["memory"]),
        ({"profile": "singleton"}, "InPlaceOrRecreate", ["cpu", "memory"]),
        ({"right_sizing": {"mode": "in-place"}}, "InPlaceOrRecreate", ["memory"]),
        ({"right_sizing": {"mode": "initial"}, "cpu_percent": None}, "Initial", ["cpu", "memory"]),
        ({"right_sizing": {"mode": "in-place"}, "min_replicas": 3, "max_replicas": 3}, "InPlaceOrRecreate", None),
    ],
)
def test_resized_resources_follow_from_the_profile_and_the_autoscaler(
    settings: dict[str, Any], mode: str, resources: list[str] | None
) -> None:
    """Kubernetes, VPA: never with an HPA on one resource; a fixed number of replicas has no HPA."""
    found = spec(**settings)
    assert found["updatePolicy"]["updateMode"] == mode
    (server, others) = found["resourcePolicy"]["containerPolicies"]
    assert server["controlledResources"] == (resources or ["cpu", "memory"])
    assert others == {"containerName": "*", "mode": "Off"}


@given(
    st.sampled_from(["initial", "in-place"]),
    st.booleans(),
    st.booleans(),
    st.lists(st.sampled_from(["cpu", "memory"]), min_size=1, max_size=2, unique=True),
)
def test_no_resource_is_both_scaled_and_resized(
    mode: str, counts_cpu: bool, counts_memory: bool, resources: list[str]
) -> None:
    """Kubernetes, VPA: "should not be used with the HPA on the same resource metric"."""
    settings: dict[str, Any] = {
        "cpu_percent": 70 if counts_cpu else None,
        "memory_percent": 75 if counts_memory else None,
        "right_sizing": {"mode": mode, "resources": resources},
    }
    counted = {name for name, used in (("cpu", counts_cpu), ("memory", counts_memory)) if used}
    found = refused(**settings)
    assert bool(found) == bool(counted & set(resources))
    if not found:
        assert set(spec(**settings)["resourcePolicy"]["containerPolicies"][0]["controlledResources"]) == set(resources)


def test_resource_of_both_hpa_and_vpa_is_rejected_with_the_fix() -> None:
    """Requirement CFG-7: VPA and HPA on one resource contradict each other."""
    assert refused(right_sizing={"mode": "in-place", "resources": ["cpu"]}) == [
        (
            "scaling: targets.mcp-rag: right_sizing.resources: the autoscaler counts cpu "
            "(cpu_percent), and resizing would hide the load; remove cpu, or set cpu_percent: "
            "null"
        )
    ]
    assert refused(right_sizing={"mode": "initial"}, memory_percent=75) == [
        (
            "scaling: targets.mcp-rag: right_sizing.mode initial has nothing to resize, because "
            "the autoscaler counts cpu and memory; set mode: off, or cpu_percent: null"
        )
    ]


def test_resizing_without_a_vpa_is_rejected_and_profile_defaults_are_left_out() -> None:
    """Requirement CFG-6: a setting that the stack names never silently has no effect."""
    assert refused({"install": "none"}, right_sizing={"mode": "in-place"}) == [
        (
            "scaling: targets.mcp-rag: right_sizing.mode: needs a VerticalPodAutoscaler, which "
            "vpa.install: none leaves out; remove it, or set vpa.install: component or existing"
        )
    ]
    none = AutoscalingPolicyArgs.model_validate(raw({"profile": "singleton"}, {"install": "none"}))
    assert vpa_manifests(none) == []


def test_off_means_advice_in_every_yaml_version() -> None:
    """YAML 1.1 reads `off` as false, which the API server rejects as an updateMode."""
    found = spec(right_sizing=yaml.safe_load("mode: off"))
    assert found["updatePolicy"] == {"updateMode": "Off"}
    assert "updateMode: 'Off'" in yaml.safe_dump(found)


def test_request_stays_between_the_need_of_probes_and_the_limit() -> None:
    """Kubernetes rejects a request above its limit; VPA, `controlledValues: RequestsOnly`, leaves limits alone."""
    found = spec(memory_limit="64Mi", cpu_limit="500m", profile="singleton")
    (server, _) = found["resourcePolicy"]["containerPolicies"]
    assert server["controlledValues"] == "RequestsOnly"
    assert (server["minAllowed"], server["maxAllowed"]) == (
        {"cpu": "25m", "memory": "64Mi"},
        {"cpu": "500m", "memory": "64Mi"},
    )
    (server, _) = spec(profile="singleton")["resourcePolicy"]["containerPolicies"]
    for resource, size in (("cpu", cpu_millicores), ("memory", memory_bytes)):
        assert size(server["minAllowed"][resource]) < size(server["maxAllowed"][resource])


def test_single_replica_may_be_evicted_when_it_cannot_resize_in_place() -> None:
    """VPA, `minReplicas`, default 2: it would never touch a single replica."""
    assert spec(profile="singleton")["updatePolicy"]["minReplicas"] == 1
    assert "minReplicas" not in spec(right_sizing={"mode": "in-place"})["updatePolicy"]


def test_vpa_uses_cert_manager_certificates_and_no_hook_jobs() -> None:
    """Requirement CMP-12: a hook job needs its own image and service account; chart 0.11.0 works without."""
    admission = vpa_values(2)["admissionController"]
    assert admission["certGen"] == {"enabled": False}
    assert admission["certManager"] == {"enabled": True, "createSelfSignedIssuer": {"enabled": True}}
    assert admission["podDisruptionBudget"] == {"enabled": True, "minAvailable": 0, "maxUnavailable": 1}


def test_vpa_installation_follows_its_setting() -> None:
    """Requirement CMP-7: one pinned release outside the mesh, or nothing where the cluster has VPA."""
    release = AutoscalingPolicyArgs.model_validate({**raw({}, {"install": "component"}), "chart_mirror": "charts"})
    (item,) = vpa_releases(release)
    assert (item.namespace, item.chart.version, item.chart.reference) == ("vpa", VPA.version, f"charts/{VPA.name}")
    assert [meta["metadata"]["labels"]["istio-injection"] for meta in namespaces(release)] == ["disabled"]
    existing = AutoscalingPolicyArgs.model_validate(raw({}, PRESENT))
    assert (vpa_releases(existing), namespaces(existing)) == ([], [])


def test_charts_with_alpha_in_place_resizing_are_rejected() -> None:
    """VPA: `InPlaceOrRecreate` is generally available from 1.6 on, which is chart 0.9.0."""
    assert tuple(map(int, VPA.version.split("."))) >= (0, 9, 0)


def test_invalid_cpu_bound_is_rejected() -> None:
    """Kubernetes, "Quantity"."""
    assert refused(right_sizing={"most_cpu": "much"}) == [
        (
            "scaling: targets.mcp-rag.right_sizing.most_cpu: 'much' is not a CPU quantity; use "
            "thousandths of a core such as '250m', or cores such as '2'"
        )
    ]

"""The size of replicas: what is resized, and what the autoscaler keeps to itself."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs
from meshed_mcp.components.autoscaling.right_sizing import VPA, manifests, namespaces, releases, values
from meshed_mcp.components.core.errors import model_issues
from meshed_mcp.components.core.quantity import cpu_millicores, memory_bytes

PRESENT = {"install": "existing"}


def raw(settings: dict[str, Any], vpa: dict[str, Any]) -> dict[str, Any]:
    """Arguments of a policy with one target."""
    return {"targets": {"mcp-rag": settings}, "namespace": "apps", "prometheus_url": "http://prometheus", "vpa": vpa}


def spec(**settings: Any) -> dict[str, Any]:
    """The spec of the target's VerticalPodAutoscaler."""
    (item,) = manifests(AutoscalingPolicyArgs.model_validate(raw(settings, PRESENT)))
    found: dict[str, Any] = item["spec"]
    return found


def refused(vpa: dict[str, Any] = PRESENT, **settings: Any) -> list[str]:
    """The faults of a policy with one target."""
    return [str(fault) for fault in model_issues(AutoscalingPolicyArgs, raw(settings, vpa), "scaling")]


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
def test_what_is_resized_follows_from_the_profile_and_from_what_the_autoscaler_counts(
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
def test_no_resource_is_ever_both_counted_and_resized(
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


def test_a_resource_with_two_masters_is_refused_with_the_fix() -> None:
    """Product rule: VPA and HPA on one resource."""
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


def test_resizing_without_a_vpa_is_refused_and_a_profiles_own_is_left_out() -> None:
    """Product rule: what was asked for by name must not silently not happen."""
    assert refused({"install": "none"}, right_sizing={"mode": "in-place"}) == [
        (
            "scaling: targets.mcp-rag: right_sizing.mode: needs a VerticalPodAutoscaler, which "
            "vpa.install: none leaves out; remove it, or set vpa.install: release or existing"
        )
    ]
    none = AutoscalingPolicyArgs.model_validate(raw({"profile": "singleton"}, {"install": "none"}))
    assert manifests(none) == []


def test_off_is_advice_however_a_yaml_parser_reads_it() -> None:
    """YAML 1.1 reads `off` as false, which the API server refuses as an updateMode."""
    found = spec(right_sizing=yaml.safe_load("mode: off"))
    assert found["updatePolicy"] == {"updateMode": "Off"}
    assert "updateMode: 'Off'" in yaml.safe_dump(found)


def test_a_request_stays_between_what_probes_need_and_the_limit() -> None:
    """Kubernetes refuses a request above its limit; VPA, `controlledValues: RequestsOnly`, leaves limits alone."""
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


def test_a_single_replica_may_be_replaced_when_it_cannot_grow_in_place() -> None:
    """VPA, `minReplicas`, default 2: it would never touch a single replica."""
    assert spec(profile="singleton")["updatePolicy"]["minReplicas"] == 1
    assert "minReplicas" not in spec(right_sizing={"mode": "in-place"})["updatePolicy"]


def test_the_controllers_use_certificates_of_cert_manager_and_no_hook_jobs() -> None:
    """Issue of all charts here: a hook job needs an image, a service account and luck; chart 0.11.0 takes either."""
    admission = values(2)["admissionController"]
    assert admission["certGen"] == {"enabled": False}
    assert admission["certManager"] == {"enabled": True, "createSelfSignedIssuer": {"enabled": True}}
    assert admission["podDisruptionBudget"] == {"enabled": True, "minAvailable": 0, "maxUnavailable": 1}


def test_who_brings_the_controllers_decides_what_is_installed() -> None:
    """Product rule: one release, pinned, in a namespace outside the mesh; nothing where the cluster has them."""
    release = AutoscalingPolicyArgs.model_validate({**raw({}, {"install": "release"}), "chart_mirror": "charts"})
    (item,) = releases(release)
    assert (item.namespace, item.chart.version, item.chart.reference) == ("vpa", VPA.version, f"charts/{VPA.name}")
    assert [meta["metadata"]["labels"]["istio-injection"] for meta in namespaces(release)] == ["disabled"]
    existing = AutoscalingPolicyArgs.model_validate(raw({}, PRESENT))
    assert (releases(existing), namespaces(existing)) == ([], [])


def test_no_chart_in_which_resizing_in_place_is_a_trial() -> None:
    """VPA: `InPlaceOrRecreate` is generally available from 1.6 on, which is chart 0.9.0."""
    assert tuple(map(int, VPA.version.split("."))) >= (0, 9, 0)


def test_a_cpu_bound_that_is_none_is_refused() -> None:
    """Kubernetes, "Quantity"."""
    assert refused(right_sizing={"most_cpu": "much"}) == [
        (
            "scaling: targets.mcp-rag.right_sizing.most_cpu: 'much' is not a CPU quantity; use "
            "thousandths of a core such as '250m', or cores such as '2'"
        )
    ]

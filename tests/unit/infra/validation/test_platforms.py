"""The platform of a stack: defaults that follow, and settings that it rejects wherever they are."""

import json
from typing import Any, Final

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from meshed_mcp.components.autoscaling.fast_scaler.manifests import fast_scaler_manifests
from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.components.core.platform import ISTIO_PROFILES, ClusterPlatform
from meshed_mcp.components.core.platform_objects import ID_FIELDS, for_platform
from meshed_mcp.components.mesh.cluster.istio_releases import istio_releases
from meshed_mcp.components.observability.manifests import observability_objects
from meshed_mcp.infra.plan import Plan, planned

SERVICES: Final = {"mcp-a": {"image": "a:1"}}
CRITICAL: Final = "system-cluster-critical"


def plan(platform: str | None = None, **keys: Any) -> Plan:
    """The plan of a stack on a platform."""
    given_keys = {"services": SERVICES} | keys | ({} if platform is None else {"platform": platform})
    return planned(
        {f"meshed-mcp:{key}": json.dumps(item) for key, item in given_keys.items() if key != "platform"}
        | ({} if platform is None else {"meshed-mcp:platform": platform})
    )


def issues(platform: str | None = None, **keys: Any) -> list[str]:
    """The lines of an invalid stack."""
    with pytest.raises(ConfigurationError) as caught:
        plan(platform, **keys)
    return [issue.line for issue in caught.value.issues]


def values(found: Plan) -> dict[str, dict[str, Any]]:
    """Chart values by release."""
    return {release.name: dict(release.values) for release in istio_releases(found.mesh)}


@pytest.mark.parametrize("platform", [None, *ClusterPlatform])
def test_priority_class_and_profile_follow_the_platform(platform: ClusterPlatform | None) -> None:
    """Requirement NET-22: GKE rejects system classes outside kube-system; Istio's charts have some platforms only."""
    found = values(plan(platform))
    expected = "" if platform is ClusterPlatform.GKE else CRITICAL
    assert found["istiod"]["global"]["priorityClassName"] == expected
    assert found["istio-ingress"]["priorityClassName"] == expected
    profile = platform.value if platform in ISTIO_PROFILES else None
    assert {name: each.get("global", {}).get("platform") for name, each in found.items() if "global" in each} == (
        dict.fromkeys([name for name, each in found.items() if "global" in each], profile)
    )


def test_priority_class_of_the_stack_wins_over_the_default_of_the_platform() -> None:
    """Requirement NET-22: a class of one's own is accepted on GKE, and null means none anywhere."""
    found = values(plan("gke", mesh={"priority_class": "mesh-critical"}))
    assert found["istiod"]["global"]["priorityClassName"] == "mesh-critical"
    assert values(plan("eks", mesh={"priority_class": None}))["istiod"]["global"]["priorityClassName"] == ""


RESERVED: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "field": ({"mesh": {"priority_class": CRITICAL}}, "MM0691: mesh: priority_class: GKE admits"),
    "node class": ({"mesh": {"priority_class": "system-node-critical"}}, "MM0691: mesh: priority_class: GKE admits"),
    "values of istiod": ({"mesh": {"values": {"istiod": {"global": {"priorityClassName": CRITICAL}}}}}, "MM0420"),
    "values of a gateway": ({"mesh": {"values": {"istio-ingress": {"priorityClassName": CRITICAL}}}}, "MM0420"),
    "values of another chart": (
        {"mesh": {"values": {"istio-cni": {"priorityClassName": CRITICAL}}}},
        "MM0691: stack: meshed-mcp:mesh.values.istio-cni.priorityClassName: GKE admits",
    ),
    "overlay of a pod": (
        {"services": {"mcp-a": {"image": "a:1", "pod": {"priorityClassName": CRITICAL}}}},
        "MM0691: stack: meshed-mcp:services.mcp-a.pod.priorityClassName: GKE admits",
    ),
    "node autoscaler outside kube-system": (
        {"nodes": {"cluster_autoscaler": {"namespace": "autoscaler"}}},
        "MM0691: stack: meshed-mcp:nodes.cluster_autoscaler: GKE admits",
    ),
}


@pytest.mark.parametrize(("keys", "start"), RESERVED.values(), ids=RESERVED)
def test_reserved_priority_class_is_rejected_wherever_it_is(keys: dict[str, Any], start: str) -> None:
    """Requirement NET-22: GKE, "Limitations of ResourceQuota": system classes are for kube-system."""
    (line,) = issues("gke", **keys)
    assert line.startswith(start)


@pytest.mark.parametrize("name", ["field", "overlay of a pod", "node autoscaler outside kube-system"])
def test_system_class_is_accepted_elsewhere(name: str) -> None:
    """Requirement PRJ-1, silent case: only GKE reserves the classes."""
    assert plan("eks", **RESERVED[name][0])


def test_node_autoscaler_in_kube_system_keeps_its_class() -> None:
    """Requirement NET-22, silent case: kube-system may use system classes on GKE too."""
    assert plan("gke", nodes={"cluster_autoscaler": {}})


@pytest.mark.parametrize("path", ["platform", "profile"])
@pytest.mark.parametrize("release", ["istio-base", "istiod", "istio-ingress"])
@pytest.mark.parametrize("nested", [True, False])
def test_chart_value_that_contradicts_the_platform_is_rejected(path: str, release: str, *, nested: bool) -> None:
    """Requirement CFG-5: Istio's charts read the value at the root and in `global`; both have one source."""
    value = {"global": {path: "openshift"}} if nested else {path: "openshift"}
    (line,) = issues("gke", mesh={"values": {release: value}})
    assert line.startswith("MM0420: mesh: ")


def test_platform_of_the_mesh_follows_from_the_stack() -> None:
    """Requirement CFG-5: the platform has one key."""
    (line,) = issues(mesh={"platform": "gke"})
    assert line.startswith("MM0119: mesh: platform: ")
    assert "meshed-mcp:platform" in line


@pytest.mark.parametrize("platform", ["aks", "eks", "gke"])
def test_scraping_a_control_plane_of_a_provider_is_rejected(platform: str) -> None:
    """Requirement CFG-7: only the provider reaches its scheduler and etcd."""
    (line,) = issues(platform, observability={"platform": "self-managed"})
    assert line.startswith("MM0692: observability: platform: ")
    assert plan("k3s", observability={"platform": "self-managed"})


IDS: Final[dict[str, dict[str, Any]]] = {
    "run_as_user": {"run_as_user": 1000},
    "fs_group": {
        "fs_group": 1000,
        "volumes": [{"name": "cache", "persistentVolumeClaim": {"claimName": "cache"}}],
        "volume_mounts": [{"name": "cache", "mountPath": "/cache"}],
    },
    "init container": {"init_containers": [{"name": "seed", "image": "s:1", "securityContext": {"runAsUser": 1000}}]},
    "overlay": {"pod": {"securityContext": {"runAsGroup": 1000}}},
}


@pytest.mark.parametrize("settings", IDS.values(), ids=IDS)
def test_user_ids_are_rejected_on_openshift(settings: dict[str, Any]) -> None:
    """Requirement NET-22: OpenShift's `restricted-v2` rejects ids outside the range of the namespace."""
    services = {"mcp-a": {"image": "a:1", **settings}}
    (line,) = issues("openshift", services=services)
    assert line.startswith("MM0696: stack: meshed-mcp:services.mcp-a.")
    assert plan("eks", services=services)


def ids(value: Any) -> set[str]:
    """Names of all fields of user and group ids, at any depth."""
    if isinstance(value, dict):
        return {key for key in value if key in ID_FIELDS}.union(*map(ids, value.values()))
    return set().union(*map(ids, value)) if isinstance(value, list) else set()


def test_own_pods_have_no_user_ids_on_openshift() -> None:
    """Requirement NET-22: agents, Jaeger and collectors run with the ids that OpenShift assigns."""
    keys = {"keda": {"fast_scaler": {"image": "r:1"}}, "observability": {"collectors": {}}}
    for platform, expected in (("openshift", set()), (None, {"runAsUser", "runAsGroup"})):
        found = plan(platform, **keys)
        agents = for_platform(fast_scaler_manifests(found.autoscaling), found.autoscaling.cluster_platform)
        assert agents
        items = [*agents, *observability_objects(found.observability)]
        assert ids(items) - {"fsGroup", "fsGroupChangePolicy"} == expected


def test_charts_keep_their_user_ids_on_openshift_by_a_binding() -> None:
    """OpenShift, "Role-based access to security context constraints": `nonroot-v2` admits any id but 0."""
    found = [item for item in observability_objects(plan("openshift").observability) if item["kind"] == "RoleBinding"]
    assert [item["roleRef"]["name"] for item in found] == ["system:openshift:scc:nonroot-v2"]
    assert found[0]["subjects"][0]["name"] == "system:serviceaccounts:monitoring"
    assert not [item for item in observability_objects(plan().observability) if item["kind"] == "RoleBinding"]


def test_node_agents_run_in_the_system_namespace_of_openshift() -> None:
    """Istio charts, `platform-openshift`: istiod trusts the ztunnel of kube-system."""
    ambient = {"mode": "ambient", "outbound": "ALLOW_ANY"}
    for platform, namespace in (("openshift", "kube-system"), ("gke", "istio-system")):
        found = {each.name: each.namespace for each in istio_releases(plan(platform, mesh=ambient).mesh)}
        assert (found["istio-cni"], found["ztunnel"], found["istiod"]) == (namespace, namespace, "istio-system")


@pytest.mark.property
@given(st.one_of(st.text(max_size=8), st.integers(), st.booleans(), st.lists(st.text(max_size=3), max_size=2)))
def test_invalid_platform_is_one_line(value: Any) -> None:
    """Requirement CFG-4: no value of the platform ends in a traceback."""
    assume(value not in [*ClusterPlatform])
    values_of_stack = {
        "meshed-mcp:services": json.dumps(SERVICES),
        "meshed-mcp:platform": value,
        "meshed-mcp:mesh": "{}",
    }
    with pytest.raises(ConfigurationError) as caught:
        planned(values_of_stack)
    assert len(caught.value.issues) == 1

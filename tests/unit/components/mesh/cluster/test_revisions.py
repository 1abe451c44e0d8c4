"""Revisions, revision tags, and chart values that contradict them."""

from typing import Any

import pytest
from pydantic import ValidationError

from meshed_mcp.components.core.charts import ReleaseSpec
from meshed_mcp.components.mesh.cluster.istio_releases import istio_releases
from meshed_mcp.components.mesh.cluster.proxy_config import CONNECTION_STATS
from meshed_mcp.components.mesh.cluster.revision_args import injecting_revision
from tests.unit.components.mesh.mesh_rendering import Objects, mesh_args, render_mesh

FIRST: dict[str, Any] = {"istio_version": "1.31.1", "revision": "1-31-1", "revision_tags": {"stable": "1-31-1"}}
BESIDE = FIRST | {"canary_revision": {"revision": "1-32-0", "istio_version": "1.32.0"}, "data_plane": "stable"}
MOVED = BESIDE | {"revision_tags": {"stable": "1-32-0"}}
DONE = FIRST | {"istio_version": "1.32.0", "revision": "1-32-0", "revision_tags": {"stable": "1-32-0"}}


def release(name: str, settings: dict[str, Any]) -> ReleaseSpec:
    """One release of a mesh."""
    return {item.name: item for item in istio_releases(mesh_args(**settings))}[name]


def names(settings: dict[str, Any]) -> list[str]:
    """Releases of a mesh, in order, without the Gateway API's."""
    return [item.name for item in istio_releases(mesh_args(**settings))][1:]


def namespace_labels(settings: dict[str, Any]) -> dict[str, str]:
    """Labels of the namespace of the services."""
    labels: dict[str, str] = render_mesh(**settings).one("Namespace", "mcp-system")["metadata"]["labels"]
    return labels


def faults(**settings: Any) -> list[str]:
    """The lines that `settings` get."""
    with pytest.raises(ValidationError) as caught:
        mesh_args(**settings)
    return [line for each in caught.value.errors() for line in each["msg"].removeprefix("Value error, ").splitlines()]


def test_second_control_plane_runs_beside_the_first() -> None:
    """Istio, "Canary Upgrades": each revision is a release of its own, with its own version and values."""
    assert names(BESIDE) == ["istio-base", "istiod-1-31-1", "istiod-1-32-0", "istio-cni", "istio-ingress"]
    for name, version in {"istiod-1-31-1": "1.31.1", "istiod-1-32-0": "1.32.0"}.items():
        found = release(name, BESIDE)
        assert (found.chart.version, found.values["global"]["tag"]) == (version, version)
        assert found.values["revision"] == name.removeprefix("istiod-")


def test_crds_are_those_of_the_newest_control_plane() -> None:
    """Istio, "Canary Upgrades": the CRDs are upgraded first; they know the fields of both versions."""
    assert release("istio-base", BESIDE).chart.version == "1.32.0"
    assert release("istio-base", BESIDE | {"istio_version": "1.32.10"}).chart.version == "1.32.10"


def test_second_control_plane_injects_no_pod_before_the_tag_moves() -> None:
    """Requirement NET-15: installing a control plane changes no running pod."""
    before = {name: release(name, FIRST | {"data_plane": "stable"}) for name in ("istio-ingress", "istio-cni")}
    assert {name: release(name, BESIDE) for name in before} == before
    assert namespace_labels(BESIDE) == namespace_labels(FIRST | {"data_plane": "stable"})


def test_moving_the_tag_moves_pods_gateways_and_the_validator() -> None:
    """Istio, "Canary Upgrades", stable revision labels: what follows the tag follows it at once."""
    assert injecting_revision(mesh_args(**BESIDE)) == "1-31-1"
    assert injecting_revision(mesh_args(**MOVED)) == "1-32-0"
    gateway = release("istio-ingress", MOVED)
    assert (gateway.values["revision"], gateway.chart.version) == ("1-32-0", "1.32.0")
    assert release("istio-base", MOVED).values["defaultRevision"] == "1-32-0"
    assert namespace_labels(MOVED) == namespace_labels(BESIDE)


def test_moving_the_tag_back_changes_only_its_followers() -> None:
    """Istio, "Canary Upgrades": a rollback moves the tag; control planes, CRDs and labels stay."""
    moved, back = ({item.name: item for item in istio_releases(mesh_args(**each))} for each in (MOVED, BESIDE))
    assert {name for name in moved if moved[name] != back[name]} == {"istio-base", "istio-ingress"}
    assert moved["istio-base"].chart == back["istio-base"].chart
    assert (back["istio-ingress"].values["revision"], back["istio-ingress"].chart.version) == ("1-31-1", "1.31.1")
    before, after = (render_mesh(**each) for each in (MOVED, BESIDE))
    changed = [item["kind"] for item, other in zip(before, after, strict=True) if item != other]
    assert changed == ["MutatingWebhookConfiguration"]


def test_upgrade_ends_without_changes_to_the_new_control_plane() -> None:
    """Requirement NET-15: the canary keeps its release; only the old control plane is removed."""
    done = DONE | {"data_plane": "stable"}
    for name in ("istio-base", "istiod-1-32-0", "istio-ingress"):
        assert release(name, done) == release(name, MOVED)
    assert render_mesh(**done) == render_mesh(**MOVED | {"revision_tags": done["revision_tags"]})
    assert release("istio-cni", done).chart.version == "1.32.0"
    assert "istiod-1-31-1" not in names(done)


def test_revision_tag_is_one_object_that_is_updated_in_place() -> None:
    """Requirement NET-15: in a release, the tag would be deleted from one before the other has it."""
    before, after = (render_mesh(**each).one("MutatingWebhookConfiguration") for each in (BESIDE, MOVED))
    assert before["metadata"]["name"] == after["metadata"]["name"] == "istio-revision-tag-stable"
    services = [[hook["clientConfig"]["service"]["name"] for hook in item["webhooks"]] for item in (before, after)]
    assert services == [["istiod-1-31-1"] * 2, ["istiod-1-32-0"] * 2]
    assert {hook["failurePolicy"] for hook in before["webhooks"]} == {"Fail"}


@pytest.mark.parametrize(
    ("settings", "labels"),
    [
        ({}, {"istio-injection": "enabled"}),
        ({"revision": "1-31-1"}, {"istio.io/rev": "1-31-1"}),
        (BESIDE, {"istio.io/rev": "stable"}),
    ],
)
def test_namespaces_have_one_label_for_injection(settings: dict[str, Any], labels: dict[str, str]) -> None:
    """Istio message IST0123: `istio-injection` and `istio.io/rev` together leave the second without effect."""
    found = namespace_labels(settings)
    assert {key: found[key] for key in ("istio-injection", "istio.io/rev") if key in found} == labels


def test_egress_gateway_is_a_release_in_its_own_namespace() -> None:
    """Istio chart `gateway`: one release per gateway; nothing outside the cluster reaches this one."""
    size = {"min_replicas": 2, "max_replicas": 4, "cpu": "200m", "memory": "128Mi"}
    found = release("istio-egress", {"egress_gateway": size})
    assert (found.namespace, found.chart.name) == ("istio-egress", "gateway")
    assert found.values["service"] == {"type": "ClusterIP"}
    assert found.values["autoscaling"] == {"enabled": True, "minReplicas": 2, "maxReplicas": 4}
    assert render_mesh(egress_gateway=size).one("Namespace", "istio-egress")
    assert "istio-egress" not in names({})


def test_pods_report_the_connection_statistics_that_istio_leaves_out() -> None:
    """Istio, ProxyConfig `proxyStatsMatcher`: without it no retries, queued requests and open breakers."""
    config = release("istiod", {}).values["meshConfig"]["defaultConfig"]
    assert config["proxyMetadata"] == {"ISTIO_META_DNS_CAPTURE": "true"}
    assert config["proxyStatsMatcher"]["inclusionRegexps"] == list(CONNECTION_STATS)


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        (
            FIRST | {"revision_tags": {"stable": "1-30-4"}},
            "revision_tags: 'stable' points to '1-30-4', which no control plane has; use '1-31-1'",
        ),
        (
            BESIDE | {"revision_tags": {"1-32-0": "1-31-1"}, "data_plane": None},
            "revision_tags: '1-32-0' is a revision itself; use another name for the tag, such as 'stable'",
        ),
        (
            BESIDE | {"data_plane": "prod"},
            (
                "data_plane 'prod' is neither a revision nor a tag, so no pod would get a sidecar; "
                "use one of 'stable', '1-31-1', '1-32-0'"
            ),
        ),
        (
            FIRST | {"canary_revision": {"revision": "1-31-1", "istio_version": "1.32.0"}},
            "canary_revision '1-31-1' is the revision of the first control plane too; rename one",
        ),
        (
            FIRST | {"canary_revision": {"revision": "1-34-0", "istio_version": "1.34.0"}},
            (
                "canary_revision has istio_version '1.34.0', more than two minor versions from "
                "'1.31.1', which Istio does not support; set a version between them"
            ),
        ),
        (
            {"revision": "1.31.1"},
            (
                "'1.31.1' is not a name of a revision or tag; use at most 46 lower-case letters, "
                "digits and '-', other than 'default', such as '1-31-1'"
            ),
        ),
        (
            {"traffic_capture": "init-container", "values": {"istio-cni": {"logLevel": "debug"}}},
            (
                "values: traffic_capture init-container does not install istio-cni; remove the values, "
                "or set traffic_capture: cni"
            ),
        ),
        (
            {"values": {"istiod": {"cni": {"enabled": False}}}},
            "values: istiod.cni.enabled follows from traffic_capture; remove it and set traffic_capture",
        ),
        (
            {"values": {"istio-egress": {"labels": {}}}},
            "values: istio-egress is not installed; remove the values, or set egress_gateway",
        ),
        (
            {
                "control_plane": {"min_replicas": 1, "max_replicas": 1, "cpu": "1", "memory": "1Gi"},
                "values": {"istiod": {"pdb": {"minAvailable": 1}}},
            },
            (
                "values: istiod.pdb has no effect, because a single replica gets no "
                "PodDisruptionBudget; set control_plane.min_replicas to 2 or more"
            ),
        ),
        (
            {"cluster_dependencies": ["redis"]},
            (
                "'redis' is not a service of the cluster; use 'namespace/service' such as "
                "'data/redis', or 'data/*' for a whole namespace; external hosts belong in "
                "egress_hosts"
            ),
        ),
    ],
)
def test_contradicting_revisions_are_rejected_with_the_fix(settings: dict[str, Any], line: str) -> None:
    """Requirement CFG-7: contradicting revisions end at preview, one line per error."""
    assert faults(**settings) == [line]


def test_all_errors_of_the_revisions_are_reported_in_one_run() -> None:
    """Requirement CFG-3: all errors of the revisions are reported in one run."""
    assert len(faults(**FIRST, canary_revision=None, data_plane="x") + faults(**FIRST | {"data_plane": "y"})) == 2
    assert len(faults(**BESIDE | {"revision_tags": {"a": "b", "c": "d"}, "data_plane": "e"})) == 3


def test_mesh_objects_name_no_revision_by_default() -> None:
    """Requirement CMP-8: a mesh without revisions renders no revision object."""
    assert "MutatingWebhookConfiguration" not in Objects(render_mesh()).kinds()

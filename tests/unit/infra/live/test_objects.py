"""Version, kinds and required objects of a cluster."""

import pytest

from meshed_mcp.infra.live.findings import Level
from meshed_mcp.infra.live.objects import (
    NEWEST_KUBERNETES,
    kind_findings,
    object_findings,
    text,
    version_findings,
)
from tests.stacks import ROOT
from tests.unit.infra.live.fake_cluster import FakeCluster, deployed, stack, thing


@pytest.mark.parametrize(
    ("version", "level"),
    [("1.32", Level.ERROR), ("1.33+", Level.OK), ("1.36", Level.OK), ("1.37", Level.WARNING)],
)
def test_the_kubernetes_version_is_compared_with_the_supported_range(version: str, level: Level) -> None:
    """Requirement CHK-3: older versions lack fields of the stack; newer ones are not checked yet."""
    (found,) = version_findings(FakeCluster(version=version), stack())
    assert found.level is level
    assert version.rstrip("+") in found.text


def test_the_newest_version_is_that_of_the_schemas() -> None:
    """Requirement CHK-3: the static check and the live check judge by one version."""
    assert f"k8s.io/kubernetes v{text(NEWEST_KUBERNETES)}." in (ROOT / "engines/kubernetes/go.mod").read_text("utf-8")


SCALED = thing("ScaledObject", "a", "n", "keda.sh/v1alpha1")


def test_a_kind_that_nothing_installs_is_an_error() -> None:
    """Requirement CHK-3: a kind without CRD would fail in the middle of a deployment."""
    (found,) = kind_findings(FakeCluster(served={"v1": ["ConfigMap"]}), stack(SCALED, thing("ConfigMap", "a", "n")))
    assert found.line.startswith("error MM0158: the cluster does not serve ScaledObject in keda.sh/v1alpha1, and 1 obj")


@pytest.mark.parametrize("served", [{}, {"keda.sh/v1alpha1": ["ScaledObject"]}])
def test_a_kind_that_the_stack_installs_or_the_cluster_serves_is_no_issue(served: dict[str, list[str]]) -> None:
    """Requirement CHK-3: the stack's own charts bring their CRDs."""
    charts = [] if served else ["keda"]
    assert [item.level for item in kind_findings(FakeCluster(served=served), stack(SCALED, charts=charts))] == [
        Level.OK
    ]


def with_secret() -> dict[str, object]:
    """A Deployment that reads a key of a Secret, with a runtime class."""
    item = deployed("a", "n", "s:1", {"app": "a"})
    pod = item["spec"]["template"]["spec"]
    source = {"secretKeyRef": {"name": "llm", "key": "api-key"}}
    pod["containers"][0]["env"] = [{"name": "KEY", "valueFrom": source}]
    pod["runtimeClassName"] = "gvisor"
    return item


SECRET = thing("Secret", "llm", "n", data={"api-key": "eA=="})
RUNTIME = thing("RuntimeClass", "gvisor", api="node.k8s.io/v1")
NAMESPACE = thing("Namespace", "n")


def test_all_required_objects_exist() -> None:
    """Requirement CHK-3: Secrets with their keys, classes and namespaces."""
    (found,) = object_findings(FakeCluster(SECRET, RUNTIME, NAMESPACE), stack(with_secret()))
    assert found.line == "ok all 3 objects that must exist do"


@pytest.mark.parametrize(
    ("objects", "missing"),
    [
        ((RUNTIME, NAMESPACE), "Secret n/llm does not exist"),
        ((RUNTIME, NAMESPACE, thing("Secret", "llm", "n", data={"other": ""})), "Secret n/llm has no key api-key"),
        ((SECRET, NAMESPACE), "RuntimeClass gvisor does not exist"),
        ((SECRET, RUNTIME), "Namespace n does not exist"),
    ],
)
def test_a_missing_object_names_what_needs_it(objects: tuple[dict[str, object], ...], missing: str) -> None:
    """Requirement CHK-3: the line says what to create, and which workload waits for it."""
    (found,) = object_findings(FakeCluster(*objects), stack(with_secret()))
    assert found.line.startswith(f"error MM0157: {missing}, and Deployment ")
    assert found.line.endswith("needs it; create it before you deploy")


def test_a_namespace_of_the_stack_need_not_exist() -> None:
    """Requirement CHK-3: the stack creates it."""
    (found,) = object_findings(FakeCluster(SECRET, RUNTIME), stack(with_secret(), NAMESPACE))
    assert found.level is Level.OK

"""Transforms that a program passes to components, per kind."""

from collections.abc import Callable
from typing import Any

import pytest

from meshed_mcp.components.autoscaling.component import AutoscalingPolicy
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.component import MeshedMCPService, ServiceMesh
from meshed_mcp.components.observability.component import ObservabilityStack
from meshed_mcp.error_codes.code import MessageError
from meshed_mcp.infra.recording import Recording, record_program


def recorded(program: Callable[[], object]) -> Recording:
    """The registrations of a program."""

    def run() -> None:
        program()

    return record_program(run, "project", "test", {})


def annotated(item: Manifest) -> Manifest:
    """The object with an annotation."""
    item["metadata"].setdefault("annotations", {})["example.com/changed"] = "true"
    return item


PROGRAMS: dict[str, tuple[str, Callable[[Any], object]]] = {
    "MeshedMCPService": ("Deployment", lambda given: MeshedMCPService("mcp-a", {"image": "a:1"}, transform=given)),
    "ServiceMesh": ("Gateway", lambda given: ServiceMesh("mesh", {"domain": "mcp.example.com"}, transform=given)),
    "ObservabilityStack": ("StatefulSet", lambda given: ObservabilityStack("o", {}, transform=given)),
    "AutoscalingPolicy": (
        "ScaledObject",
        lambda given: AutoscalingPolicy(
            "scaling", {"targets": {"mcp-a": {}}, "prometheus_url": "http://prometheus:9090"}, transform=given
        ),
    ),
}


@pytest.mark.parametrize("component", PROGRAMS)
def test_a_transform_changes_the_objects_of_its_kind_only(component: str) -> None:
    """Requirement POD-4: every component takes a function per kind."""
    kind, program = PROGRAMS[component]
    before, after = recorded(lambda: program(None)), recorded(lambda: program({kind: annotated}))
    assert any(item["kind"] == kind for item in after.objects)
    changed = [item for item, old in zip(after.objects, before.objects, strict=True) if item != old]
    assert {item["kind"] for item in changed} == {kind}
    assert {item["metadata"]["annotations"]["example.com/changed"] for item in changed} == {"true"}


def test_a_transform_sees_the_defaults_and_comes_last() -> None:
    """Requirement POD-4: the program has the last word over what a stack sets."""

    def without_team(item: Manifest) -> Manifest:
        del item["metadata"]["labels"]["team"]
        return item

    args = {"image": "a:1", "defaults": {"labels": {"team": "tools"}}}
    made = recorded(lambda: MeshedMCPService("mcp-a", args, transform={"Service": without_team}))
    labels = {item["kind"]: item["metadata"]["labels"] for item in made.objects}
    assert "team" not in labels["Service"]
    assert labels["Deployment"]["team"] == "tools"


def renamed(item: Manifest) -> Manifest:
    """The object under another name."""
    return {**item, "metadata": {**item["metadata"], "name": "other"}}


@pytest.mark.parametrize(
    ("transform", "line"),
    [
        (renamed, "the transform of Service changed v1 Service mcp-system mcp-a to v1 Service mcp-system other; use a"),
        (lambda item: {**item, "kind": "Secret"}, "changed v1 Service mcp-system mcp-a to v1 Secret mcp-system mcp-a"),
        (lambda _: {}, "the transform of Service changed v1 Service mcp-system mcp-a to nothing; use a transform"),
        (lambda _: None, "the transform of Service returned None; use a function that returns the object"),
    ],
    ids=["another name", "another kind", "an empty object", "nothing"],
)
def test_a_transform_into_another_object_is_an_error(transform: Any, line: str) -> None:
    """Requirement POD-4: other objects refer to an object by its identity."""
    with pytest.raises(MessageError) as raised:
        recorded(lambda: MeshedMCPService("mcp-a", {"image": "a:1"}, transform={"Service": transform}))
    assert line in str(raised.value)

"""Resources whose objects a recording does not have."""

import pulumi
import pytest
from pulumi import dynamic

from meshed_mcp.infra.checks import check
from meshed_mcp.infra.checks.unseen import unseen_notes
from meshed_mcp.infra.recording import record_program
from tests.stacks import JUDGED, recording


def by_plugin() -> None:
    """A component of another package."""
    pulumi.ComponentResource("eks:index:Cluster", "c", {}, None, remote=True)


class Dynamic(dynamic.Resource):
    """A resource whose provider is Python code."""


def dynamic_resource() -> None:
    """A dynamic resource."""
    Dynamic(dynamic.ResourceProvider(), "d", {})


def of_another_provider() -> None:
    """A resource that is not of Kubernetes."""
    pulumi.CustomResource("random:index/randomPassword:RandomPassword", "p", {"length": 8})


def patch() -> None:
    """A patch of an object that exists."""
    fields = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    pulumi.CustomResource("kubernetes:core/v1:ConfigMapPatch", "a", fields)


@pytest.mark.parametrize(
    ("program", "line"),
    [
        (by_plugin, "eks:index:Cluster c is a component that a plugin makes"),
        (dynamic_resource, "pulumi-python:dynamic:Resource d is a dynamic resource"),
        (of_another_provider, "random:index/randomPassword:RandomPassword p is no Kubernetes object"),
        (patch, "kubernetes:core/v1:ConfigMapPatch a changes an existing object"),
    ],
)
def test_what_a_recording_does_not_have_is_a_note(program: object, line: str) -> None:
    """Requirement CHK-8: nothing that a program registers is left out without a line."""
    found = record_program(program, "project", "stack", {})  # type: ignore[arg-type]  # any callable
    (note,) = check(found).notes
    assert note.line.startswith(f"MM0153: {line}")
    assert note.line.endswith("so render, check and local leave out what it makes; use pulumi preview for it")
    assert found.objects == []


@pytest.mark.parametrize("stack", JUDGED)
def test_stacks_have_no_such_resource(stack: str) -> None:
    """Requirement CMP-1: what is rendered is all that the program registers."""
    assert unseen_notes(recording(stack)) == []

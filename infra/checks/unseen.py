"""Notes on registered resources whose objects a recording does not have."""

from collections.abc import Iterator
from typing import Final

from meshed_mcp.components.core.charts import RELEASE_TYPE
from meshed_mcp.error_codes.check import NOT_RECORDED
from meshed_mcp.error_codes.code import Message
from meshed_mcp.infra.recording import Recording, Registration

PROVIDERS: Final = "pulumi:providers:"
"""Prefix of explicit providers, which make no objects. Source: Pulumi, "Resource names", types."""

DYNAMIC: Final = "pulumi-python:dynamic:Resource"
"""Type of a dynamic resource. Source: Pulumi SDK for Python, `pulumi.dynamic`."""


def unseen_notes(recording: Recording) -> list[Message]:
    """Sorted notes on components of plugins, dynamic resources, resources of other providers, and patches."""
    return sorted(note for item in recording.registrations for note in unseen(item))


def unseen(item: Registration) -> Iterator[Message]:
    """The note on a resource, if a recording does not have what it makes."""
    title = f"{item.type} {item.name}"
    if item.remote:
        yield NOT_RECORDED.message(what=f"{title} is a component that a plugin makes")
    elif not item.custom or item.is_object or item.type == RELEASE_TYPE or item.type.startswith(PROVIDERS):
        return
    elif item.type == DYNAMIC:
        yield NOT_RECORDED.message(what=f"{title} is a dynamic resource, whose provider runs in a deployment alone")
    elif item.type.startswith("kubernetes:"):
        yield NOT_RECORDED.message(what=f"{title} changes an existing object")
    else:
        yield NOT_RECORDED.message(what=f"{title} is no Kubernetes object")

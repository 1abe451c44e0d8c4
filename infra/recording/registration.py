"""Data of a recording: registrations, component outputs and stack outputs."""

from typing import Any, NamedTuple

from meshed_mcp.components.core.charts import RELEASE_TYPE
from meshed_mcp.components.core.manifest import Manifest


class Registration(NamedTuple):
    """One registered resource. `inputs` are plain data: whole floats are ints, secrets are placeholders."""

    urn: str
    type: str
    name: str
    parent: str
    inputs: dict[str, Any]
    depends_on: tuple[str, ...]
    custom: bool
    remote: bool
    protect: bool
    ignore_changes: tuple[str, ...]
    provider: str
    version: str


class Recording(NamedTuple):
    """All registrations of a program in order, each component's outputs by URN, and the stack's outputs."""

    registrations: list[Registration]
    outputs: dict[str, dict[str, Any]]
    stack_outputs: dict[str, Any]

    @property
    def objects(self) -> list[Manifest]:
        """The Kubernetes objects, as the API server would get them."""
        return [item.inputs for item in self.registrations if is_object(item)]

    @property
    def releases(self) -> list[dict[str, Any]]:
        """The Helm releases: chart, version, repository, values."""
        return [item.inputs for item in self.registrations if item.type == RELEASE_TYPE]

    @property
    def remotes(self) -> list[Registration]:
        """Components that another package's plugin constructs."""
        return [item for item in self.registrations if item.remote]


def is_object(item: Registration) -> bool:
    """Whether a registration is one Kubernetes object: a custom resource of the provider that is no Helm release."""
    return item.custom and item.type.startswith("kubernetes:") and item.type != RELEASE_TYPE

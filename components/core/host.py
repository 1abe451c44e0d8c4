"""Pulumi component provider: serves the components to programs in TypeScript, Go, C#, Java and YAML.

The SDK's own component host turns integers into floats and fails on secrets and outputs (docs/adr/0004).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi.provider import ConstructResult, Provider
from pydantic import BaseModel, ValidationError

from meshed_mcp.components.core.args import camel
from meshed_mcp.components.core.errors import sentences, without_union_branches
from meshed_mcp.components.core.schema import PACKAGE, arguments_model, own_texts, package_schema


class ComponentHost(Provider):
    """Constructs components by their tokens. Raises InputPropertiesError on the exact property."""

    def __init__(self, components: Sequence[type[pulumi.ComponentResource]], version: str) -> None:
        super().__init__(version, package_schema(list(components), version))
        self.components = {f"{PACKAGE}:index:{kind.__name__}": kind for kind in components}

    def construct(
        self, name: str, resource_type: str, inputs: Mapping[str, Any], options: pulumi.ResourceOptions | None = None
    ) -> ConstructResult:
        """Validate the inputs, register the component and return its outputs in camel case."""
        kind = self.components[resource_type]
        args = checked_inputs(arguments_model(kind), inputs, f"{kind.__name__} {name}")
        component: Any = kind(name, args, options)  # type: ignore[arg-type]  # the signature of every component
        state = {camel(output): getattr(component, output) for output in own_texts(kind)}
        return ConstructResult(component.urn, state)


def checked_inputs(model: type[BaseModel], inputs: Mapping[str, Any], where: str) -> BaseModel:
    """The inputs (in camel case) as the component's model."""
    try:
        return model.model_validate(dict(inputs), by_alias=True, by_name=False)
    except ValidationError as error:
        details = without_union_branches(error.errors(include_url=False))
        raise pulumi.InputPropertiesError(
            f"invalid arguments for {where}",
            [
                {"property_path": issue.field, "reason": issue.message.line}
                for item in details
                for issue in sentences(model, item, where, spelling=camel)
            ],
        ) from error

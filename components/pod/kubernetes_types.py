"""Types of settings whose values have the fields and the spelling of the Kubernetes API."""

from collections.abc import Callable
from typing import Annotated, Any, Final

from pydantic import AfterValidator

from meshed_mcp.components.pod import schema
from meshed_mcp.error_codes.code import raise_all

POLICY_RULE: Final = "io.k8s.api.rbac.v1.PolicyRule"


def checked(kind: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Validator of one value of a kind."""

    def check(value: dict[str, Any]) -> dict[str, Any]:
        raise_all(schema.shape_issues(value, schema.definition(kind)))
        return value

    return check


Volume = Annotated[dict[str, Any], AfterValidator(checked("Volume"))]
VolumeMount = Annotated[dict[str, Any], AfterValidator(checked("VolumeMount"))]
EnvFrom = Annotated[dict[str, Any], AfterValidator(checked("EnvFromSource"))]
Toleration = Annotated[dict[str, Any], AfterValidator(checked("Toleration"))]
Affinity = Annotated[dict[str, Any], AfterValidator(checked("Affinity"))]
HostAlias = Annotated[dict[str, Any], AfterValidator(checked("HostAlias"))]
Container = Annotated[dict[str, Any], AfterValidator(checked("Container"))]
PolicyRule = Annotated[dict[str, Any], AfterValidator(checked(POLICY_RULE))]
"""Source: Kubernetes API, the type of the same name."""

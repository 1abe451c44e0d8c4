"""ServiceAccount of a workload: name, annotations for workload identity, and access to the Kubernetes API."""

from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, Field, model_validator

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.names import object_name
from meshed_mcp.components.core.object_metadata import annotation_keys
from meshed_mcp.components.pod.kubernetes_types import PolicyRule
from meshed_mcp.error_codes import pod as codes
from meshed_mcp.error_codes.code import raise_all

ANY: Final = "*"
RULE_LISTS: Final = ("apiGroups", "resources", "verbs", "nonResourceURLs")
"""Lists of a rule that could name everything. Source: Kubernetes API, PolicyRule."""


def narrow_rules(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rules that name what they grant."""
    raise_all(
        codes.RULE_WITH_WILDCARD.message(path=f"[{number}].{field}")
        for number, rule in enumerate(rules)
        for field in RULE_LISTS
        if any(ANY in str(each) for each in rule.get(field, ()))
    )
    return rules


class ServiceAccountSettings(Model):
    """ServiceAccount of the pods, their mesh identity."""

    name: Annotated[str, AfterValidator(object_name)] | None = None
    """Name of an existing ServiceAccount of the namespace; the mesh identity follows from it. Unset: the stack creates
    one with the name of the workload."""

    annotations: Annotated[dict[str, str], AfterValidator(annotation_keys)] = Field(default_factory=dict)
    """Annotations of the ServiceAccount that the stack creates, such as `eks.amazonaws.com/role-arn`,
    `iam.gke.io/gcp-service-account` or `azure.workload.identity/client-id`."""

    token: bool = False
    """True = the pods get a token of the Kubernetes API, and the way to the API server is open."""

    rules: Annotated[list[PolicyRule], AfterValidator(narrow_rules)] = Field(default_factory=list)
    """What the token may do in the namespace of the pods, as rules of a Role in the spelling of Kubernetes:
    `{apiGroups: [""], resources: [pods], verbs: [get, list]}`. Wildcards are rejected."""

    cluster_rules: Annotated[list[PolicyRule], AfterValidator(narrow_rules)] = Field(default_factory=list)
    """As `rules`, in all namespaces and for cluster-wide kinds: rules of a ClusterRole."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if (self.rules or self.cluster_rules) and not self.token:
            raise codes.RULES_WITHOUT_TOKEN.error(field="rules" if self.rules else "cluster_rules")
        if self.name is not None and self.annotations:
            raise codes.ANNOTATIONS_OF_EXISTING_ACCOUNT.error(name=self.name)
        return self

"""The stack key `access`: identity-provider groups per operator role in Kubernetes, Grafana and Kiali."""

from enum import StrEnum

from pydantic import Field, field_validator

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.names import listed
from meshed_mcp.components.mesh.service.validation import without_duplicates
from meshed_mcp.error_codes.mesh import CLUSTER_GROUP, EMPTY_GROUP


class Role(StrEnum):
    """Names of the roles in Kubernetes, Grafana and Kiali."""

    VIEWER = "mcp-viewer"
    """Read-only, without Secrets."""

    OPERATOR = "mcp-operator"
    """Viewer, plus restarts, scaling and traffic shifting."""

    ADMIN = "mcp-admin"
    """Operator, plus services, their Secrets and their policies."""


CLUSTER_GROUPS = ("system:authenticated", "system:unauthenticated", "system:serviceaccounts", "system:masters")
"""Built-in groups of Kubernetes. Source: Kubernetes, "Using RBAC Authorization", default groups."""


class RoleGroups(Model):
    """Groups by role, as the cluster's identity provider names them; a role without groups is bound to no one."""

    viewer: list[str] = Field(default_factory=list)
    """Groups with the role `mcp-viewer`: read-only access, without Secrets."""

    operator: list[str] = Field(default_factory=list)
    """Groups with the role `mcp-operator`, which also restarts, scales and shifts traffic."""

    admin: list[str] = Field(default_factory=list)
    """Groups with the role `mcp-admin`, which also changes services, their Secrets and their policies."""

    @field_validator("viewer", "operator", "admin")
    @classmethod
    def _are_groups(cls, value: list[str]) -> list[str]:
        wide = [group for group in value if group in CLUSTER_GROUPS or group.startswith("system:")]
        if wide:
            raise CLUSTER_GROUP.error(names=listed(wide))
        if any(not group.strip() for group in value):
            raise EMPTY_GROUP.error()
        return without_duplicates(value)

    def for_role(self, role: Role) -> list[str]:
        """Groups of one role."""
        return {Role.VIEWER: self.viewer, Role.OPERATOR: self.operator, Role.ADMIN: self.admin}[role]

"""Who of the people has which role, by the groups of the cluster's identity provider.

Stack keys in, a frozen model out. Not here: what a role may do (kubernetes_roles.py).
"""

from enum import StrEnum

from pydantic import Field, field_validator

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.names import listed
from meshed_mcp.error_codes.mesh import CLUSTER_GROUP, EMPTY_GROUP
from meshed_mcp.error_codes.values import LISTED_TWICE


class Role(StrEnum):
    """Names of the roles, in Kubernetes as in Grafana and Kiali."""

    VIEWER = "mcp-viewer"
    """Sees everything but Secrets."""

    OPERATOR = "mcp-operator"
    """A viewer who restarts, scales and shifts traffic."""

    ADMIN = "mcp-admin"
    """An operator who changes services, their Secrets and their policies."""


EVERYBODY = ("system:authenticated", "system:unauthenticated", "system:serviceaccounts", "system:masters")
"""Groups that are not people, or all of them. Source: Kubernetes, "Using RBAC Authorization", default groups."""


class RoleGroups(Model):
    """Groups of people by role, as the cluster's identity provider names them; a role without groups is nobody's."""

    viewer: list[str] = Field(default_factory=list)
    """Groups that see everything but Secrets (`mcp-viewer`)."""

    operator: list[str] = Field(default_factory=list)
    """Groups that also restart, scale and shift traffic (`mcp-operator`)."""

    admin: list[str] = Field(default_factory=list)
    """Groups that also change services, their Secrets and their policies (`mcp-admin`)."""

    @field_validator("viewer", "operator", "admin")
    @classmethod
    def _are_groups(cls, value: list[str]) -> list[str]:
        wide = [group for group in value if group in EVERYBODY or group.startswith("system:")]
        if wide:
            raise CLUSTER_GROUP.error(names=listed(wide))
        if any(not group.strip() for group in value):
            raise EMPTY_GROUP.error()
        twice = sorted({group for group in value if value.count(group) > 1})
        if twice:
            raise LISTED_TWICE.error(names=listed(twice))
        return value

    def of(self, role: Role) -> list[str]:
        """Groups of one role."""
        return {Role.VIEWER: self.viewer, Role.OPERATOR: self.operator, Role.ADMIN: self.admin}[role]

"""Rules of a mesh that the cluster has already, and of a cluster without a mesh: fields that have no effect there."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from meshed_mcp.components.core.charts import ChartInstall
from meshed_mcp.components.mesh.cluster.mode import MeshMode
from meshed_mcp.error_codes import mesh as codes
from meshed_mcp.error_codes.code import Message

if TYPE_CHECKING:
    from meshed_mcp.components.mesh.cluster.args import ServiceMeshArgs

CONTROL_PLANE_FIELDS: Final = (
    "canary_revision",
    "control_plane",
    "data_plane",
    "hub",
    "multi_cluster",
    "revision_tags",
    "tracing",
)
"""Fields that configure istiod or its MeshConfig."""

GATEWAY_CHART_FIELDS: Final = ("chart_repository", "istio_version", "priority_class")
"""Fields that also configure a gateway of the stack in an existing mesh."""

EXISTING_FIELDS: Final = ("access_log_provider", "root_namespace", "tracing_provider")
"""Fields that describe an existing mesh."""

GATEWAY_RELEASES: Final = frozenset({"istio-ingress", "istio-egress"})
"""Releases that a stack may install into an existing mesh."""

FIELDS_WITHOUT_MESH: Final = frozenset(
    {
        "access",
        "chart_mirror",
        "cluster_dependencies",
        "cluster_domain",
        "domain",
        "dual_stack",
        "hosts",
        "mode",
        "monitoring_namespace",
        "namespace_labels",
        "namespaces",
        "platform",
    }
)
"""Fields with an effect in a cluster without a mesh."""


JOINING_LABELS: Final = frozenset({"istio-injection", "istio.io/rev", "istio.io/dataplane-mode"})
"""Labels of a namespace that follow from `revision` and `mode`. Source: Istio, "Resource Labels"."""


def installs_mesh(args: "ServiceMeshArgs") -> bool:
    """Whether the program installs Istio."""
    return args.install is ChartInstall.COMPONENT and args.mode is not MeshMode.NONE


def installs_ingress(args: "ServiceMeshArgs") -> bool:
    """Whether the program installs the ingress gateway."""
    return args.gateway.install is ChartInstall.COMPONENT and args.mode is not MeshMode.NONE


def installation_issues(args: "ServiceMeshArgs") -> Iterator[Message]:
    """Fields without effect, because Istio is installed, is not installed, or does not exist."""
    given = args.model_fields_set
    for label in sorted(JOINING_LABELS & set(args.namespace_labels)):
        yield codes.JOINING_LABEL.message().at(f"namespace_labels.{label}")
    if args.mode is MeshMode.NONE:
        yield from (codes.FIELD_WITHOUT_MESH.message().at(field) for field in sorted(given - FIELDS_WITHOUT_MESH))
        return
    if args.install is ChartInstall.COMPONENT:
        yield from (codes.EXISTING_MESH_ONLY.message().at(field) for field in EXISTING_FIELDS if field in given)
        return
    own_gateway = installs_ingress(args) or args.egress_gateway is not None
    unused = CONTROL_PLANE_FIELDS if own_gateway else (*CONTROL_PLANE_FIELDS, *GATEWAY_CHART_FIELDS)
    yield from (codes.INSTALLED_MESH_ONLY.message().at(field) for field in unused if field in given)
    for release in sorted(set(args.values) - GATEWAY_RELEASES):
        yield codes.INSTALLED_MESH_ONLY.message().at(f"values.{release}")
    if args.access_log_provider is None and "access_log" in given:
        yield codes.LOG_WITHOUT_PROVIDER.message().at("access_log")

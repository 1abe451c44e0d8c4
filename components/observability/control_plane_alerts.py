"""Alerts on the mesh's control plane: records out. Not here: expressions (`core/control_plane_queries.py`)."""

from collections.abc import Iterator
from typing import Final

from meshed_mcp.components.core import control_plane_queries as istiod
from meshed_mcp.components.observability.alert import NUMBER, Alert

REVISION: Final = f"{{{{ $labels.{istiod.REVISION} }}}}"


def control_plane_alerts() -> Iterator[Alert]:
    """All of them; where the mesh is somebody else's and not scraped, they stay quiet."""
    yield Alert(
        "MeshControlPlaneDown",
        istiod.unreachable(),
        "5m",
        "critical",
        "mesh",
        f"None of the {NUMBER} replicas of istiod (revision {REVISION}) in {{{{ $labels.namespace }}}} answers",
        "Proxies go on with what they have. New pods are refused, changed rules do not take effect, and certificates "
        "are not renewed: within a day calls fail.",
    )
    yield Alert(
        "MeshConfigRejected",
        istiod.configuration_refused(),
        "5m",
        "warning",
        "mesh",
        f"Proxies refused {NUMBER} times in ten minutes what istiod in {{{{ $labels.namespace }}}} sent: "
        "{{ $labels.type }}",
        "They go on with what they had before: a rule that was changed, a new allow-list too, is not in force.",
    )
    yield Alert(
        "MeshRootCertificateExpires",
        istiod.root_expires(),
        "1h",
        "warning",
        "mesh",
        f"The root certificate of the mesh in {{{{ $labels.namespace }}}} is valid for {NUMBER} more days",
        "When it has expired no call between services succeeds any more.",
    )

"""Helm charts with pinned versions, and releases of them as data. `register.py` registers releases."""

from enum import StrEnum
from typing import Final, NamedTuple

from meshed_mcp.components.core.manifest import Manifest

RELEASE_TYPE: Final = "kubernetes:helm.sh/v3:Release"
"""Pulumi type of a Helm release."""


class ChartInstall(StrEnum):
    """How a part that a cluster may have already is installed."""

    COMPONENT = "component"
    """By this program, as a pinned Helm release."""

    EXISTING = "existing"
    """The cluster has it already; the stack installs nothing."""


class OptionalInstall(StrEnum):
    """How a part is installed that a stack can do without; the same words as ChartInstall."""

    COMPONENT = "component"
    """By this program, as a pinned Helm release."""

    EXISTING = "existing"
    """The cluster has it already; the stack installs nothing."""

    NONE = "none"
    """The cluster does not have it."""


class Chart(NamedTuple):
    """A chart at one version. `repository` is an HTTP chart repository, an `oci://` prefix or a folder of charts."""

    name: str
    version: str
    repository: str

    def mirrored(self, mirror: str | None) -> "Chart":
        """The chart from another repository (URL) or folder (relative to the program's folder); unchanged for None."""
        return self if mirror is None else self._replace(repository=mirror.rstrip("/"))

    @property
    def http_repository(self) -> str | None:
        """URL of the chart repository; None for an OCI registry or a folder."""
        return self.repository if self.repository.startswith(("http://", "https://")) else None

    @property
    def reference(self) -> str:
        """Helm's reference of the chart: its name in a repository, an `oci://` address or a path."""
        return self.name if self.http_repository else f"{self.repository}/{self.name}"


class ReleaseSpec(NamedTuple):
    """One Helm release."""

    name: str
    namespace: str
    chart: Chart
    values: Manifest
    skip_crds: bool = False
    timeout_seconds: int = 600
    skip_await: bool = False
    retained: bool = False
    """True: `pulumi destroy` keeps the release, for CRDs that their chart does not mark `keep`."""


ISTIO_VERSION: Final = "1.31.1"
"""Newest reviewed patch of Istio 1.31 (15 September 2026), and the oldest that a stack may set."""

ISTIO_REPOSITORY: Final = "https://blob.istio.io/istio-release/charts"
"""Source: Istio 1.31 upgrade notes; earlier hosts get no new charts."""

GATEWAY_API_CRDS: Final = Chart("gateway-api-crds", "1.6.0", "https://wiremind.github.io/wiremind-helm-charts")
"""CRDs of the Gateway API in the version that Istio 1.31 uses; the project publishes no chart.

Envoy Gateway's `gateway-crds-helm` exceeds the 1 MiB of a Secret in which Helm stores a release. This chart holds the
experimental channel, a superset, in 750,880 bytes, and has no `keep` annotation.
"""

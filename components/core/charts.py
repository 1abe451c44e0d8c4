"""Helm charts we install: each one a pinned record, once. Nothing else names a chart version.

Pure data; `register.py` makes a Release of a record and its values.
"""

from typing import Final, NamedTuple

from meshed_mcp.components.core.manifest import Manifest

RELEASE_TYPE: Final = "kubernetes:helm.sh/v3:Release"
"""Pulumi type of a Helm release."""


class Chart(NamedTuple):
    """A chart at one version. `repository` is an HTTP chart repository, an `oci://` prefix or a folder of charts."""

    name: str
    version: str
    repository: str

    def mirrored(self, mirror: str | None) -> "Chart":
        """The same chart from another repository (URL) or folder (path, relative to the program's folder).

        None leaves it where it is published. Air-gapped clusters and tests use a folder. The name stays: releases
        are called by it.
        """
        return self if mirror is None else self._replace(repository=mirror.rstrip("/"))

    @property
    def http_repository(self) -> str | None:
        """URL of the chart repository; None for an OCI registry or a folder, where `reference` says it all."""
        return self.repository if self.repository.startswith(("http://", "https://")) else None

    @property
    def reference(self) -> str:
        """What Helm calls the chart: its name in a chart repository, else an `oci://` address or a path."""
        return self.name if self.http_repository else f"{self.repository}/{self.name}"


class ReleaseSpec(NamedTuple):
    """One Helm release, complete: what `register.release` registers and what `render` writes."""

    name: str
    namespace: str
    chart: Chart
    values: Manifest
    skip_crds: bool = False
    timeout_seconds: int = 600
    skip_await: bool = False
    retained: bool = False
    """True = destroying the stack leaves the release in the cluster, for CRDs that their chart does not mark `keep`."""


ISTIO_VERSION: Final = "1.31.1"
"""Newest confirmed patch of Istio 1.31 (15 September 2026). A stack may name a newer one, never an older one."""

ISTIO_REPOSITORY: Final = "https://blob.istio.io/istio-release/charts"
"""Source: Istio 1.31 upgrade notes; the hosts before it get no new charts."""

GATEWAY_API_CRDS: Final = Chart("gateway-api-crds", "1.6.0", "https://wiremind.github.io/wiremind-helm-charts")
"""CRDs of the Gateway API at the version Istio 1.31 builds on; the project itself publishes no chart.

Envoy Gateway's `gateway-crds-helm` cannot be a release: with both channels and its own CRDs in the templates, the
Secret in which Helm keeps a release would pass the 1 MiB that Kubernetes stores (its README pipes it into kubectl).
This one holds the experimental channel, a superset, in 750,880 bytes of that MiB, and no `keep` annotation.
"""

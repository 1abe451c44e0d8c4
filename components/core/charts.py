"""Helm charts we install: each one a pinned record, once. Nothing else names a chart version.

Pure data; `register.py` makes a Release of a record and its values.
"""

from typing import Final, NamedTuple

from meshed_mcp.components.core.manifest import Manifest


class Chart(NamedTuple):
    """A chart at one version. `repository` is an HTTP chart repository, or an `oci://` prefix."""

    name: str
    version: str
    repository: str


class ReleaseSpec(NamedTuple):
    """One Helm release, complete: what `register.release` registers and what `render` writes."""

    name: str
    namespace: str
    chart: Chart
    values: Manifest
    skip_crds: bool = False
    timeout_seconds: int = 600
    skip_await: bool = False


ISTIO_VERSION: Final = "1.31.1"
"""Newest confirmed patch of Istio 1.31 (15 September 2026). A stack may name a newer one, never an older one."""

"""Validation of Istio versions, revisions and revision tags, and lookups over them."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import AfterValidator

from meshed_mcp.components.core import charts
from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.names import DNS_LABEL, listed
from meshed_mcp.components.mesh.cluster.proxy_filters import istio_minor
from meshed_mcp.error_codes import mesh as codes
from meshed_mcp.error_codes.code import Message

if TYPE_CHECKING:
    from meshed_mcp.components.mesh.cluster.args import ServiceMeshArgs

OLDEST_ISTIO: Final = (1, 31)
"""Oldest supported minor version: its API and chart hosts. Source: Istio 1.31 upgrade notes."""

RETIRED_ISTIO_HOSTS: Final = (
    "gcr.io/istio-release",
    "gcr.io/istio-testing",
    "registry.istio.io",
    "istio-release.storage.googleapis.com",
    "storage.googleapis.com/istio-release",
    "docker.io/istionightly",
)
"""Hosts without releases from 1.31 on. Source: Istio 1.31 upgrade notes, "Deprecated GCP infrastructure"."""

REVISION_LABEL: Final = "istio.io/rev"
"""Source: Istio, "Resource Labels"."""

DEFAULT_REVISION: Final = "default"
"""Revision label of a control plane without a revision. Source: Istio chart `istiod`, `istio.io/rev`."""

MAX_REVISION_CHARACTERS: Final = 46
"""Helm's limit of 53 for release names, less the 7 of `istiod-`."""

MAX_MINORS_APART: Final = 2
"""Source: Istio, "Canary Upgrades"."""

_VERSION: Final = re.compile(r"(?P<major>\d+)\.(?P<minor>\d+)\.\d+(?:-[0-9A-Za-z.-]+)?")


def supported_istio_version(value: str) -> str:
    """Full Istio version from OLDEST_ISTIO on."""
    found = _VERSION.fullmatch(value)
    if found is None:
        raise codes.INVALID_ISTIO_VERSION.error(value=value, example=charts.ISTIO_VERSION)
    if (int(found["major"]), int(found["minor"])) < OLDEST_ISTIO:
        raise codes.ISTIO_TOO_OLD.error(
            value=value, major=OLDEST_ISTIO[0], minor=OLDEST_ISTIO[1], version=charts.ISTIO_VERSION
        )
    return value


def version_key(value: str) -> tuple[int, ...]:
    """Sort key of a version, without its pre-release suffix."""
    return tuple(int(number) for number in value.partition("-")[0].split("."))


def supported_istio_host(value: str) -> str:
    """Chart repository or image hub that still gets releases."""
    retired = [host for host in RETIRED_ISTIO_HOSTS if host in value]
    if retired:
        raise codes.RETIRED_ISTIO_HOST.error(host=retired[0])
    return value


def revision_name(value: str) -> str:
    """Name of a revision or revision tag."""
    if re.fullmatch(DNS_LABEL, value) is None or len(value) > MAX_REVISION_CHARACTERS or value == DEFAULT_REVISION:
        raise codes.INVALID_REVISION.error(value=value, most=MAX_REVISION_CHARACTERS)
    return value


class CanaryRevision(Model):
    """Second control plane during a canary upgrade."""

    revision: Annotated[str, AfterValidator(revision_name)]
    """Revision of the second control plane, such as "1-32-0"."""

    istio_version: Annotated[str, AfterValidator(supported_istio_version)]
    """Istio version of the second control plane."""


def versions_by_revision(args: "ServiceMeshArgs") -> dict[str, str]:
    """Revision -> Istio version of every control plane."""
    first = {args.revision or DEFAULT_REVISION: args.istio_version}
    second = args.canary_revision
    return first if second is None else first | {second.revision: second.istio_version}


def injecting_revision(args: "ServiceMeshArgs") -> str:
    """Revision that injects the sidecars of meshed namespaces and gateways, with its tag resolved."""
    wanted = args.data_plane or args.revision or DEFAULT_REVISION
    return args.revision_tags.get(wanted, wanted)


def revision_issues(args: "ServiceMeshArgs") -> Iterator[Message]:
    """Contradictions between revisions, revision tags and `data_plane`."""
    second, known = args.canary_revision, sorted(versions_by_revision(args))
    if second is not None and second.revision == args.revision:
        yield codes.REVISION_TAKEN.message(revision=second.revision)
    if second is not None and minor_version_skew(args.istio_version, second.istio_version) > MAX_MINORS_APART:
        yield codes.REVISIONS_TOO_FAR_APART.message(version=second.istio_version, other=args.istio_version)
    for tag, revision in args.revision_tags.items():
        if tag in known:
            yield codes.TAG_IS_REVISION.message(tag=tag)
        if revision not in known:
            yield codes.TAG_WITHOUT_REVISION.message(tag=tag, revision=revision, known=_one_of(known))
    if args.data_plane is not None and args.data_plane not in {*known, *args.revision_tags}:
        names = _one_of([*args.revision_tags, *known])
        yield codes.UNKNOWN_DATA_PLANE.message(data_plane=args.data_plane, names=names)


def minor_version_skew(one: str, other: str) -> int:
    """Difference of the minor versions; across major versions, more than allowed."""
    (major, minor), (other_major, other_minor) = istio_minor(one), istio_minor(other)
    return abs(minor - other_minor) if major == other_major else MAX_MINORS_APART + 1


def _one_of(names: list[str]) -> str:
    return f"one of {listed(names)}" if len(names) > 1 else listed(names)

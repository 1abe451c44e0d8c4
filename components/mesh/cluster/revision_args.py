"""Arguments of the control planes side by side: versions, revisions, and the tags that stand for them.

Values in, frozen models or the sentence of a fault out. Not here: the releases and objects that follow
(istio_releases.py, revisions.py), everything else of the mesh (args.py).
"""

import re
from collections.abc import Iterator
from typing import Final, Protocol

from pydantic import field_validator

from meshed_mcp.components.core import charts
from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.names import DNS_LABEL, listed
from meshed_mcp.components.mesh.cluster.proxy_filters import istio_minor
from meshed_mcp.error_codes.code import Message
from meshed_mcp.error_codes.mesh import (
    INVALID_ISTIO_VERSION,
    INVALID_REVISION,
    ISTIO_TOO_OLD,
    RETIRED_ISTIO_HOST,
    REVISION_TAKEN,
    REVISIONS_TOO_FAR_APART,
    TAG_IS_REVISION,
    TAG_WITHOUT_REVISION,
    UNKNOWN_DATA_PLANE,
)

ISTIO_FLOOR: Final = (1, 31)
"""Oldest Istio whose API and chart hosts this package renders for. Source: Istio 1.31 upgrade notes."""

RETIRED_ISTIO_HOSTS: Final = (
    "gcr.io/istio-release",
    "gcr.io/istio-testing",
    "registry.istio.io",
    "istio-release.storage.googleapis.com",
    "storage.googleapis.com/istio-release",
    "docker.io/istionightly",
)
"""Hosts that get no releases from 1.31 on. Source: Istio 1.31 upgrade notes, "Deprecated GCP infrastructure"."""

REVISION_LABEL: Final = "istio.io/rev"
"""Source: Istio, "Resource Labels"."""

UNNAMED: Final = "default"
"""What Istio calls a control plane without a revision. Source: Istio chart `istiod`, label `istio.io/rev`."""

MAX_REVISION_CHARACTERS: Final = 46
"""53 for the name of a Helm release, less the 7 of `istiod-`. Source: Helm, limit of release names."""

MAX_MINORS_APART: Final = 2
"""Source: Istio, "Canary Upgrades": with revisions an upgrade may jump across two minor versions."""

_VERSION: Final = re.compile(r"(?P<major>\d+)\.(?P<minor>\d+)\.\d+(?:-[0-9A-Za-z.-]+)?")


def istio_version(value: str) -> str:
    """A version of Istio that this package renders for."""
    found = _VERSION.fullmatch(value)
    if found is None:
        raise INVALID_ISTIO_VERSION.error(value=value, example=charts.ISTIO_VERSION)
    if (int(found["major"]), int(found["minor"])) < ISTIO_FLOOR:
        raise ISTIO_TOO_OLD.error(value=value, major=ISTIO_FLOOR[0], minor=ISTIO_FLOOR[1], version=charts.ISTIO_VERSION)
    return value


def version_order(value: str) -> tuple[int, ...]:
    """Sorts versions by their three numbers; what follows a `-` does not count."""
    return tuple(int(number) for number in value.partition("-")[0].split("."))


def served_host(value: str) -> str:
    """A chart repository or image hub that still gets releases."""
    retired = [host for host in RETIRED_ISTIO_HOSTS if host in value]
    if retired:
        raise RETIRED_ISTIO_HOST.error(host=retired[0])
    return value


def revision_name(value: str) -> str:
    """Name of a revision or of a tag."""
    if re.fullmatch(DNS_LABEL, value) is None or len(value) > MAX_REVISION_CHARACTERS or value == UNNAMED:
        raise INVALID_REVISION.error(value=value, most=MAX_REVISION_CHARACTERS)
    return value


class CanaryRevision(Model):
    """A second control plane beside the first, while the mesh moves from one version to the next."""

    revision: str
    """Its name, such as "1-32-0"."""

    istio_version: str
    """Its version."""

    @field_validator("revision")
    @classmethod
    def _is_revision(cls, value: str) -> str:
        return revision_name(value)

    @field_validator("istio_version")
    @classmethod
    def _is_version(cls, value: str) -> str:
        return istio_version(value)


class Revisions(Protocol):
    """The fields of a mesh that say which control planes there are and which of them injects."""

    @property
    def istio_version(self) -> str:
        """Version of the first control plane."""

    @property
    def revision(self) -> str | None:
        """Its name."""

    @property
    def canary_revision(self) -> CanaryRevision | None:
        """The second control plane."""

    @property
    def revision_tags(self) -> dict[str, str]:
        """Tag -> revision."""

    @property
    def data_plane(self) -> str | None:
        """The revision or tag that injects."""


def versions_by_revision(args: Revisions) -> dict[str, str]:
    """Istio version of every control plane, by revision; `default` is the one without a name."""
    first = {args.revision or UNNAMED: args.istio_version}
    second = args.canary_revision
    return first if second is None else first | {second.revision: second.istio_version}


def injecting_revision(args: Revisions) -> str:
    """The revision whose sidecars the meshed namespaces and the gateways get, behind its tag if it has one."""
    wanted = args.data_plane or args.revision or UNNAMED
    return args.revision_tags.get(wanted, wanted)


def revision_issues(args: Revisions) -> Iterator[Message]:
    """What the revisions, the tags and the data plane of a mesh contradict each other in."""
    second, known = args.canary_revision, sorted(versions_by_revision(args))
    if second is not None and second.revision == args.revision:
        yield REVISION_TAKEN.message(revision=second.revision)
    if second is not None and minors_apart(args.istio_version, second.istio_version) > MAX_MINORS_APART:
        yield REVISIONS_TOO_FAR_APART.message(version=second.istio_version, other=args.istio_version)
    for tag, revision in args.revision_tags.items():
        if tag in known:
            yield TAG_IS_REVISION.message(tag=tag)
        if revision not in known:
            yield TAG_WITHOUT_REVISION.message(tag=tag, revision=revision, known=_one_of(known))
    if args.data_plane is not None and args.data_plane not in {*known, *args.revision_tags}:
        names = _one_of([*args.revision_tags, *known])
        yield UNKNOWN_DATA_PLANE.message(data_plane=args.data_plane, names=names)


def minors_apart(one: str, other: str) -> int:
    """How many minor versions lie between two versions of one major version; across majors, more than allowed."""
    (major, minor), (other_major, other_minor) = istio_minor(one), istio_minor(other)
    return abs(minor - other_minor) if major == other_major else MAX_MINORS_APART + 1


def _one_of(names: list[str]) -> str:
    return f"one of {listed(names)}" if len(names) > 1 else listed(names)

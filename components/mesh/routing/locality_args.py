"""Arguments of locality load balancing, by the node labels `topology.kubernetes.io/region` and `/zone`."""

import re
from collections.abc import Iterator
from typing import Final

from pydantic import Field, field_validator, model_validator

from meshed_mcp.components.core.args import Model
from meshed_mcp.error_codes import service as codes
from meshed_mcp.error_codes.code import Message, raise_all

_LOCALITY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
"""Source: Kubernetes, "Labels and Selectors", syntax of a label's value."""

_LEVELS: Final = ("region", "zone", "subzone")


class Locality(Model):
    """Routing by the locality of the caller: either `distribute` or `failover`."""

    distribute: dict[str, dict[str, int]] = Field(default_factory=dict)
    """Locality of the caller -> locality -> percent, such as `europe/a/*: {europe/a/*: 80, europe/b/*: 20}`. A locality
    is `region`, `region/zone` or `region/zone/subzone`; a final `*` = everything in it."""

    failover: dict[str, str] = Field(default_factory=dict)
    """Region -> region that gets its requests when too few of its replicas are healthy; needs `outlier_detection`."""

    @field_validator("distribute")
    @classmethod
    def _has_valid_shares(cls, value: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
        raise_all(_distribution_issues(value))
        return value

    @field_validator("failover")
    @classmethod
    def _has_valid_regions(cls, value: dict[str, str]) -> dict[str, str]:
        raise_all(_failover_issues(value))
        return value

    @model_validator(mode="after")
    def _has_one_policy(self) -> "Locality":
        if self.distribute and self.failover:
            raise codes.LOCALITY_HAS_BOTH.error()
        if not (self.distribute or self.failover):
            raise codes.LOCALITY_IS_EMPTY.error()
        return self


def _distribution_issues(shares: dict[str, dict[str, int]]) -> Iterator[Message]:
    localities = [*shares, *(each for to in shares.values() for each in to)]
    yield from (issue for each in dict.fromkeys(localities) for issue in _locality_issues(each))
    for source, to in shares.items():
        total = sum(to.values())
        if any(percent < 1 for percent in to.values()):
            yield codes.SHARE_BELOW_ONE.message(source=source)
        elif total != 100:  # noqa: PLR2004 - percent
            yield codes.SHARES_NOT_HUNDRED.message(source=source, total=total, shares=list(to.values()))
    yield from _overlaps(list(shares), "from")
    for source, to in shares.items():
        yield from _overlaps(list(to), f"from {source!r} to")


def _failover_issues(failover: dict[str, str]) -> Iterator[Message]:
    for source, to in failover.items():
        for region in (source, to):
            if _LOCALITY.fullmatch(region) is None:
                yield codes.INVALID_REGION.message(region=region)
        if source == to:
            yield codes.FAILOVER_TO_ITSELF.message(source=source)


def _locality_issues(locality: str) -> Iterator[Message]:
    *names, last = locality.split("/")
    invalid = [name for name in [*names, *([] if last == "*" else [last])] if _LOCALITY.fullmatch(name) is None]
    if invalid or locality.count("/") >= len(_LEVELS):
        yield codes.INVALID_LOCALITY.message(locality=locality)


def _overlaps(localities: list[str], where: str) -> Iterator[Message]:
    """Localities that contain each other, which Istio rejects as ambiguous."""
    for one in localities:
        for other in localities:
            if one != other and _within(other, one):
                yield codes.LOCALITIES_OVERLAP.message(where=where, one=one, other=other)


def _within(inner: str, outer: str) -> bool:
    parts, wanted = inner.split("/"), outer.split("/")
    if wanted[-1] == "*":
        wanted = wanted[:-1]
    return parts[: len(wanted)] == wanted

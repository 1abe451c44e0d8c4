"""Arguments of where calls go when replicas run in several regions: shares of each place, or a substitute.

Stack keys in, a frozen model out. Names of places are those of the nodes' labels `topology.kubernetes.io/region` and
`/zone`. Not here: the DestinationRule that follows (destination_rule.py).
"""

import re
from collections.abc import Iterator
from typing import Final

from pydantic import Field, field_validator, model_validator

from meshed_mcp.components.core.args import Model
from meshed_mcp.error_codes.code import Message, raise_all
from meshed_mcp.error_codes.service import (
    FAILOVER_TO_ITSELF,
    INVALID_LOCALITY,
    INVALID_REGION,
    LOCALITIES_OVERLAP,
    LOCALITY_HAS_BOTH,
    LOCALITY_IS_EMPTY,
    SHARE_BELOW_ONE,
    SHARES_NOT_HUNDRED,
)

HUNDRED_PERCENT: Final = 100

_PLACE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
"""Source: Kubernetes, "Labels and Selectors", syntax of a label's value."""

_LEVELS: Final = ("region", "zone", "subzone")


class Locality(Model):
    """Where calls go, by the caller's place: `distribute` or `failover`, one of them."""

    distribute: dict[str, dict[str, int]] = Field(default_factory=dict)
    """Caller's place -> place -> percent of its calls, such as `europe/a/*: {europe/a/*: 80, europe/b/*: 20}`. A place
    is `region`, `region/zone` or `region/zone/subzone`; `*` at the end = all within it."""

    failover: dict[str, str] = Field(default_factory=dict)
    """Region -> the region that takes its calls when too few of its replicas are well; needs `outlier_detection`,
    which finds that out."""

    @field_validator("distribute")
    @classmethod
    def _has_shares_of_places(cls, value: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
        raise_all(_distribution_issues(value))
        return value

    @field_validator("failover")
    @classmethod
    def _has_regions(cls, value: dict[str, str]) -> dict[str, str]:
        raise_all(_failover_issues(value))
        return value

    @model_validator(mode="after")
    def _is_one_of_both(self) -> "Locality":
        if self.distribute and self.failover:
            raise LOCALITY_HAS_BOTH.error()
        if not (self.distribute or self.failover):
            raise LOCALITY_IS_EMPTY.error()
        return self


def _distribution_issues(shares: dict[str, dict[str, int]]) -> Iterator[Message]:
    places = [*shares, *(place for to in shares.values() for place in to)]
    yield from (issue for place in dict.fromkeys(places) for issue in _place_issues(place))
    for source, to in shares.items():
        total = sum(to.values())
        if any(percent < 1 for percent in to.values()):
            yield SHARE_BELOW_ONE.message(source=source)
        elif total != HUNDRED_PERCENT:
            yield SHARES_NOT_HUNDRED.message(source=source, total=total, shares=list(to.values()))
    yield from _overlaps(list(shares), "from")
    for source, to in shares.items():
        yield from _overlaps(list(to), f"from {source!r} to")


def _failover_issues(substitutes: dict[str, str]) -> Iterator[Message]:
    for source, to in substitutes.items():
        for region in (source, to):
            if _PLACE.fullmatch(region) is None:
                yield INVALID_REGION.message(region=region)
        if source == to:
            yield FAILOVER_TO_ITSELF.message(source=source)


def _place_issues(place: str) -> Iterator[Message]:
    *names, last = place.split("/")
    faulty = [name for name in [*names, *([] if last == "*" else [last])] if _PLACE.fullmatch(name) is None]
    if faulty or place.count("/") >= len(_LEVELS):
        yield INVALID_LOCALITY.message(place=place)


def _overlaps(places: list[str], where: str) -> Iterator[Message]:
    """Places of which one lies in the other: Istio refuses them, as no call could be told to which it belongs."""
    for one in places:
        for other in places:
            if one != other and _within(other, one):
                yield LOCALITIES_OVERLAP.message(where=where, one=one, other=other)


def _within(inner: str, outer: str) -> bool:
    parts, wanted = inner.split("/"), outer.split("/")
    if wanted[-1] == "*":
        wanted = wanted[:-1]
    return parts[: len(wanted)] == wanted

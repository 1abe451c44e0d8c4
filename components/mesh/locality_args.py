"""Arguments of where calls go when replicas run in several regions: shares of each place, or a substitute.

Stack keys in, a frozen model out. Names of places are those of the nodes' labels `topology.kubernetes.io/region` and
`/zone`. Not here: the DestinationRule that follows (connections.py).
"""

import re
from collections.abc import Iterator
from typing import Final

from pydantic import Field, field_validator, model_validator

from meshed_mcp.components.core.args import Model

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
        if faults := "\n".join(_distribution_faults(value)):
            raise ValueError(faults)
        return value

    @field_validator("failover")
    @classmethod
    def _has_regions(cls, value: dict[str, str]) -> dict[str, str]:
        if faults := "\n".join(_failover_faults(value)):
            raise ValueError(faults)
        return value

    @model_validator(mode="after")
    def _is_one_of_both(self) -> "Locality":
        if self.distribute and self.failover:
            raise ValueError(
                "distribute and failover exclude each other: shares say where calls go while all is well, a substitute "
                "where they go when it is not, and Istio takes one; keep one of them"
            )
        if not (self.distribute or self.failover):
            raise ValueError("has neither distribute nor failover; write one of them, or leave locality out")
        return self


def _distribution_faults(shares: dict[str, dict[str, int]]) -> Iterator[str]:
    places = [*shares, *(place for to in shares.values() for place in to)]
    yield from (fault for place in dict.fromkeys(places) for fault in _place_faults(place))
    for source, to in shares.items():
        total = sum(to.values())
        if any(percent < 1 for percent in to.values()):
            yield f"from {source!r}: a share below 1 percent is none; remove it, or write 1 or more"
        elif total != HUNDRED_PERCENT:
            yield f"from {source!r}: shares sum to {total}, not 100; change one of {list(to.values())}"
    yield from _overlaps(list(shares), "from")
    for source, to in shares.items():
        yield from _overlaps(list(to), f"from {source!r} to")


def _failover_faults(substitutes: dict[str, str]) -> Iterator[str]:
    for source, to in substitutes.items():
        for region in (source, to):
            if _PLACE.fullmatch(region) is None:
                yield f"{region!r} is no region; write its name alone, without zone and '*', such as 'europe-west1'"
        if source == to:
            yield f"{source!r} is its own substitute; name another region"


def _place_faults(place: str) -> Iterator[str]:
    *names, last = place.split("/")
    faulty = [name for name in [*names, *([] if last == "*" else [last])] if _PLACE.fullmatch(name) is None]
    if faulty or place.count("/") >= len(_LEVELS):
        yield (
            f"{place!r} is no place; write region, region/zone or region/zone/subzone, with '*' for all within only at "
            "the end, such as 'europe-west1/b/*'"
        )


def _overlaps(places: list[str], where: str) -> Iterator[str]:
    """Places of which one lies in the other: Istio refuses them, as no call could be told to which it belongs."""
    for one in places:
        for other in places:
            if one != other and _within(other, one):
                yield f"{where} {one!r} holds {other!r} too; write places apart from each other"


def _within(inner: str, outer: str) -> bool:
    parts, wanted = inner.split("/"), outer.split("/")
    if wanted[-1] == "*":
        wanted = wanted[:-1]
    return parts[: len(wanted)] == wanted

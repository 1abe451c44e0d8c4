"""LoadBalancerSettings of a DestinationRule.

Source of every name and meaning: Istio API v1, networking.istio.io.
"""

from typing import Literal, Self

from pydantic import Field, model_validator

from meshed_mcp.error_codes.local import EXACTLY_ONE, EXCLUSIVE, WARMUP_UNUSED
from meshed_mcp.local.translate.objects.fields import Duration, Fields


class RingHash(Fields):
    """Ketama hash ring."""

    minimum_ring_size: int = Field(default=1024, ge=1)


class Maglev(Fields):
    """Maglev table, whose size is a prime number."""

    table_size: int | None = Field(default=None, ge=1)


class ConsistentHash(Fields):
    """Hash of one property of the request; requests without it go to any endpoint."""

    http_header_name: str | None = None
    http_query_parameter_name: str | None = None
    use_source_ip: bool | None = None
    ring_hash: RingHash | None = None
    maglev: Maglev | None = None

    @model_validator(mode="after")
    def _hashes_one_property(self) -> Self:
        given = [self.http_header_name, self.http_query_parameter_name, self.use_source_ip]
        if sum(bool(each) for each in given) != 1:
            raise EXACTLY_ONE.error(fields="httpHeaderName, httpQueryParameterName and useSourceIp")
        if self.ring_hash is not None and self.maglev is not None:
            raise EXCLUSIVE.error(fields="ringHash and maglev")
        return self


class Distribute(Fields):
    """Percentage of the requests from a locality, by locality of the endpoint."""

    from_: str = Field(alias="from")
    to: dict[str, int] = Field(min_length=1)


class Failover(Fields):
    """Failover region of a region."""

    from_: str = Field(alias="from")
    to: str


class LocalityLbSetting(Fields):
    """Locality load balancing."""

    enabled: bool = True
    distribute: tuple[Distribute, ...] = ()
    failover: tuple[Failover, ...] = ()

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if self.distribute and self.failover:
            raise EXCLUSIVE.error(fields="distribute and failover")
        return self


class Warmup(Fields):
    """Slow start of a new endpoint, from `minimumPercent` of its share."""

    duration: Duration
    minimum_percent: float = Field(default=10, ge=0, le=100)
    aggression: float = Field(default=1, ge=1)


class LoadBalancer(Fields):
    """Load balancing policy."""

    simple: Literal["LEAST_REQUEST", "ROUND_ROBIN", "RANDOM", "UNSPECIFIED"] = "UNSPECIFIED"
    consistent_hash: ConsistentHash | None = None
    locality_lb_setting: LocalityLbSetting = LocalityLbSetting()
    warmup: Warmup | None = None

    @model_validator(mode="after")
    def _is_one_policy(self) -> Self:
        if "simple" in self.model_fields_set and self.consistent_hash is not None:
            raise EXCLUSIVE.error(fields="simple and consistentHash")
        if self.warmup is not None and (self.consistent_hash is not None or self.simple == "RANDOM"):
            raise WARMUP_UNUSED.error()
        return self

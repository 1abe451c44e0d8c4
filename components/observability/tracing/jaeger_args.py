"""Arguments of Jaeger: where it keeps traces and how long, and what it tells SDKs to keep.

Stack keys in, frozen models out: one choice of storage, tagged by `kind`. Not here: its configuration file
(`jaeger_config.py`), which environment allows which storage (`infra/planning/tracing.py`).
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.names import object_name
from meshed_mcp.components.observability.sizing.resources import Reservation
from meshed_mcp.error_codes.values import INVALID_PERCENTAGE, INVALID_WEB_ADDRESS


def percent(value: float) -> float:
    """`value` as it is, if it is a percentage. Raises ValueError with what to write instead."""
    if not 0 <= value <= 100:  # noqa: PLR2004 - the bounds of a percentage
        raise INVALID_PERCENTAGE.error(value=value)
    return value


class BadgerStorage(Model):
    """On a volume of Jaeger's own, by one process."""

    kind: Literal["badger"]
    """`badger`."""


class MemoryStorage(Model):
    """In the process, gone with it. For development."""

    kind: Literal["memory"]
    """`memory`."""

    max_traces: int = Field(default=20_000, ge=100, le=10_000_000)
    """Traces that are held; then the oldest go."""


class SearchStorage(Model):
    """In an OpenSearch or Elasticsearch that exists: for production, with as many Jaegers as are wanted."""

    kind: Literal["opensearch", "elasticsearch"]
    """`opensearch` or `elasticsearch`."""

    url: str
    """Where it answers: `https://opensearch.data.svc:9200`."""

    secret: Annotated[str, AfterValidator(object_name)] | None = None
    """Secret in the stack's namespace with the keys `username` and `password`; unset = it asks for no login."""

    index_prefix: Annotated[str, Field(pattern="^[a-z][a-z0-9-]*$")] = "jaeger"
    """First part of the names of the indices, one of each kind a day."""

    shards: int = Field(default=3, ge=1, le=100)
    """Parts of each index, over as many nodes of the storage."""

    index_replicas: int = Field(default=1, ge=0, le=5)
    """Copies of each shard beside the first."""

    replicas: int = Field(default=2, ge=1, le=10)
    """Pods of Jaeger."""

    @field_validator("url")
    @classmethod
    def _is_address(cls, value: str) -> str:
        if not value.startswith(("https://", "http://")):
            raise INVALID_WEB_ADDRESS.error(text=value, example="https://opensearch.data.svc:9200")
        return value.rstrip("/")


Storage = Annotated[BadgerStorage | MemoryStorage | SearchStorage, Field(discriminator="kind")]
"""One of the ways, by its tag."""


class RemoteSampling(Model):
    """What Jaeger answers SDKs that ask how much to keep: `OTEL_TRACES_SAMPLER=jaeger_remote` or alike."""

    default_percent: Annotated[float, AfterValidator(percent)] = 10.0
    """Percent of the traces that begin in a service that is not named."""

    services: dict[str, Annotated[float, AfterValidator(percent)]] = Field(default_factory=dict)
    """Name of a service as it names itself in its spans -> percent of the traces that begin in it."""


class JaegerSettings(Model):
    """Jaeger v2."""

    storage: Storage = BadgerStorage(kind="badger")
    """Where traces are kept."""

    storage_gib: int = Field(default=20, ge=1, le=65536)
    """Volume of `badger`, GiB. It frees space by age alone: size it for `retention_hours`."""

    retention_hours: int = Field(default=72, ge=1, le=8760)
    """Age after which spans go; in OpenSearch and Elasticsearch in whole days, rounded up. Source of the default:
    Jaeger 2.20, `badger.DefaultConfig`, `ttl.spans`."""

    sampling: RemoteSampling | None = None
    """Unset: Jaeger gives nobody advice."""

    resources: Reservation = Reservation(cpu="200m", memory="1Gi")

"""Arguments of Jaeger: storage, retention, remote sampling."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, field_validator

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.charts import ChartInstall
from meshed_mcp.components.core.names import object_name
from meshed_mcp.components.observability.sizing.resources import Reservation
from meshed_mcp.components.pod.args import PodSettings
from meshed_mcp.error_codes.values import INVALID_PERCENTAGE, INVALID_WEB_ADDRESS


def percent(value: float) -> float:
    """`value` unchanged, if it is 0 to 100. Raises ValueError with what to set instead."""
    if not 0 <= value <= 100:  # noqa: PLR2004 - the bounds of a percentage
        raise INVALID_PERCENTAGE.error(value=value)
    return value


class BadgerStorage(Model):
    """Badger on a volume of Jaeger, with one replica."""

    kind: Literal["badger"]
    """`badger`."""


class MemoryStorage(Model):
    """In memory, lost at restart. For development only."""

    kind: Literal["memory"]
    """`memory`."""

    max_traces: int = Field(default=20_000, ge=100, le=10_000_000)
    """Maximum number of traces; above it Jaeger removes the oldest."""


class SearchStorage(Model):
    """An existing OpenSearch or Elasticsearch, for production with several replicas."""

    kind: Literal["opensearch", "elasticsearch"]
    """`opensearch` or `elasticsearch`."""

    url: str
    """URL, such as `https://opensearch.data.svc:9200`."""

    secret: Annotated[str, AfterValidator(object_name)] | None = None
    """Secret in the stack's namespace with the keys `username` and `password`; unset = no authentication."""

    index_prefix: Annotated[str, Field(pattern="^[a-z][a-z0-9-]*$")] = "jaeger"
    """Prefix of the daily indices."""

    shards: int = Field(default=3, ge=1, le=100)
    """Shards of each index."""

    index_replicas: int = Field(default=1, ge=0, le=5)
    """Replicas of each shard."""

    replicas: int = Field(default=2, ge=1, le=10)
    """Replicas of Jaeger."""

    @field_validator("url")
    @classmethod
    def _is_address(cls, value: str) -> str:
        if not value.startswith(("https://", "http://")):
            raise INVALID_WEB_ADDRESS.error(text=value, example="https://opensearch.data.svc:9200")
        return value.rstrip("/")


Storage = Annotated[BadgerStorage | MemoryStorage | SearchStorage, Field(discriminator="kind")]
"""Storage, selected by `kind`."""


class RemoteSampling(Model):
    """Sampling strategies that Jaeger serves to SDKs with `OTEL_TRACES_SAMPLER=jaeger_remote` or similar."""

    default_percent: Annotated[float, AfterValidator(percent)] = 10.0
    """Percentage of traces that start in a service not listed in `services`."""

    services: dict[str, Annotated[float, AfterValidator(percent)]] = Field(default_factory=dict)
    """Service name in spans -> percentage of traces that start in it."""


class JaegerSettings(PodSettings):
    """Jaeger v2: storage, retention, sampling, resources; or an existing collector."""

    install: ChartInstall = ChartInstall.COMPONENT
    """`component` (the stack runs Jaeger) or `existing` (a Jaeger or OpenTelemetry Collector of the cluster)."""

    otlp_endpoint: str | None = None
    """Endpoint of an existing collector, OTLP over HTTP, such as `http://otel-collector.observability.svc:4318`."""

    containers: ClassVar[tuple[str, ...]] = ("jaeger",)

    storage: Storage = BadgerStorage(kind="badger")
    """Storage of traces."""

    storage_gib: int = Field(default=20, ge=1, le=65536)
    """Volume of `badger`, GiB. Badger deletes by age only: size the volume for `retention_hours`."""

    retention_hours: int = Field(default=72, ge=1, le=8760)
    """Hours after which spans are deleted; OpenSearch and Elasticsearch round up to days. Source of the default:
    Jaeger 2.20, `badger.DefaultConfig`, `ttl.spans`."""

    sampling: RemoteSampling | None = None
    """Remote sampling; unset = disabled."""

    resources: Reservation = Reservation(cpu="200m", memory="1Gi")

    @field_validator("otlp_endpoint")
    @classmethod
    def _is_endpoint(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("https://", "http://")):
            raise INVALID_WEB_ADDRESS.error(text=value, example="http://otel-collector.observability.svc:4318")
        return value if value is None else value.rstrip("/")

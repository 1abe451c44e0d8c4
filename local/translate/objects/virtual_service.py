"""VirtualService: the fields that the local run turns into Envoy routes.

Source of every name and meaning: Istio API v1, networking.istio.io.
"""

from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, model_validator

from meshed_mcp.error_codes.local import EXACTLY_ONE, EXCLUSIVE, LOCAL_WEIGHTS, MIRROR_PERCENTAGE_UNUSED, VALUE_NOT_RUN
from meshed_mcp.local.translate.objects.fault_injection import HTTPFaultInjection, Percent
from meshed_mcp.local.translate.objects.fields import Duration, Fields
from meshed_mcp.local.translate.objects.metadata import Placed

ALL_PERCENT: Final = 100

RETRY_CONDITIONS: Final = frozenset(
    {
        "5xx",
        "gateway-error",
        "reset",
        "reset-before-request",
        "connect-failure",
        "envoy-ratelimited",
        "retriable-4xx",
        "retriable-headers",
        "refused-stream",
        "cancelled",
        "deadline-exceeded",
        "internal",
        "resource-exhausted",
        "unavailable",
    }
)
"""Names in `retryOn`; Envoy would ignore any other. Source: Envoy, router filter, x-envoy-retry-on and -grpc-on."""


class StringMatch(Fields):
    """One way to compare a text; none of the three means "is present" (headers only)."""

    exact: str | None = None
    prefix: str | None = None
    regex: str | None = None

    @model_validator(mode="after")
    def _at_most_one(self) -> Self:
        if len(self.model_fields_set) > 1:
            raise EXCLUSIVE.error(fields="exact, prefix and regex")
        return self


class HTTPMatchRequest(Fields):
    """Conditions that must all hold."""

    name: str | None = None
    uri: StringMatch | None = None
    method: StringMatch | None = None
    headers: dict[str, StringMatch] = Field(default_factory=dict)
    without_headers: dict[str, StringMatch] = Field(default_factory=dict)


class PortSelector(Fields):
    """A port of the Service."""

    number: int


class Destination(Fields):
    """A Service host, perhaps one subset of it."""

    host: str
    subset: str | None = None
    port: PortSelector | None = None


class HeaderChange(Fields):
    """Headers to overwrite, to append and to drop."""

    set: dict[str, str] = Field(default_factory=dict)
    add: dict[str, str] = Field(default_factory=dict)
    remove: tuple[str, ...] = ()


class Headers(Fields):
    """Header changes on the way in and on the way out."""

    request: HeaderChange = HeaderChange()
    response: HeaderChange = HeaderChange()


class HTTPRouteDestination(Fields):
    """One destination and its share of the requests, in percent; a lone destination takes all."""

    destination: Destination
    weight: int = Field(default=0, ge=0, le=100)


class HTTPMirrorPolicy(Fields):
    """Where copies of some requests go; their answers are thrown away."""

    destination: Destination
    percentage: Percent = Percent(value=ALL_PERCENT)


class HTTPRewrite(Fields):
    """The path that replaces what matched, and the authority the destination sees."""

    uri: str | None = None
    authority: str | None = None


def _known_conditions(retry_on: str) -> str:
    for condition in retry_on.split(","):
        if condition not in RETRY_CONDITIONS and not condition.isdigit():
            raise VALUE_NOT_RUN.error(value=condition, known=f"{', '.join(sorted(RETRY_CONDITIONS))} and status codes")
    return retry_on


class HTTPRetry(Fields):
    """Retries on a fault named in `retry_on`; 0 attempts turns them off."""

    attempts: int = Field(ge=0)
    per_try_timeout: Duration | None = None
    retry_on: Annotated[str, AfterValidator(_known_conditions)] | None = None


class ResponseBody(Fields):
    """A text to answer with."""

    string: str


class DirectResponse(Fields):
    """An answer that the proxy gives by itself."""

    status: int = Field(ge=200, le=599)
    body: ResponseBody | None = None


class HTTPRoute(Fields):
    """One rule: the first whose match holds decides."""

    name: str | None = None
    match: tuple[HTTPMatchRequest, ...] = ()
    route: tuple[HTTPRouteDestination, ...] = ()
    direct_response: DirectResponse | None = None
    rewrite: HTTPRewrite | None = None
    retries: HTTPRetry | None = None
    timeout: Duration | None = None
    headers: Headers = Headers()
    fault: HTTPFaultInjection | None = None
    mirror: Destination | None = None
    mirror_percentage: Percent | None = None
    mirrors: tuple[HTTPMirrorPolicy, ...] = ()

    @model_validator(mode="after")
    def _answers_or_forwards(self) -> Self:
        if bool(self.route) == (self.direct_response is not None):
            raise EXACTLY_ONE.error(fields="route and directResponse")
        return self

    @model_validator(mode="after")
    def _sums_to_all(self) -> Self:
        total = sum(each.weight for each in self.route)
        if len(self.route) > 1 and total != ALL_PERCENT:
            raise LOCAL_WEIGHTS.error(total=total, all_percent=ALL_PERCENT)
        return self

    @model_validator(mode="after")
    def _mirrors_in_one_way(self) -> Self:
        if self.mirrors and self.mirror is not None:
            raise EXCLUSIVE.error(fields="mirror and mirrors")
        if self.mirror_percentage is not None and self.mirror is None:
            raise MIRROR_PERCENTAGE_UNUSED.error()
        return self

    @property
    def copies(self) -> tuple[HTTPMirrorPolicy, ...]:
        """All mirrors, however they are written."""
        if self.mirror is None:
            return self.mirrors
        share = self.mirror_percentage or Percent(value=ALL_PERCENT)
        return (HTTPMirrorPolicy(destination=self.mirror, percentage=share),)


class VirtualServiceSpec(Fields):
    """Routes of some hosts, for sidecars (`mesh`) or for gateways (`namespace/name`)."""

    hosts: tuple[str, ...] = Field(min_length=1)
    gateways: tuple[str, ...] = ("mesh",)
    http: tuple[HTTPRoute, ...] = Field(min_length=1)
    export_to: tuple[str, ...] = ("*",)


class VirtualService(Placed):
    """Routes."""

    spec: VirtualServiceSpec


def qualified(gateway: str, namespace: str) -> str:
    """A gateway's name as "namespace/name". Source: Istio VirtualService, field `gateways`."""
    return gateway if "/" in gateway else f"{namespace}/{gateway}"

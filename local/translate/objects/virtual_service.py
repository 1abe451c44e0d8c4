"""VirtualService: routes of hosts."""

from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from meshed_mcp.error_codes.local import EXACTLY_ONE, EXCLUSIVE, LOCAL_WEIGHTS, MIRROR_PERCENTAGE_UNUSED, VALUE_NOT_RUN
from meshed_mcp.local.translate.objects.fields import Duration, Fields, Placed

ALL_PERCENT: Final = 100

RETRY_CONDITIONS: Final = frozenset({
    "5xx", "gateway-error", "reset", "reset-before-request", "connect-failure", "envoy-ratelimited", "retriable-4xx",
    "retriable-headers", "refused-stream", "cancelled", "deadline-exceeded", "internal", "resource-exhausted",
    "unavailable",
})  # fmt: skip
"""Conditions of `retryOn`; Envoy ignores others. Source: Envoy, router filter, x-envoy-retry-on and -grpc-on."""


class Percent(Fields):
    """Percentage of the requests."""

    value: float = Field(gt=0, le=100)


class Delay(Fields):
    """Delay by the proxy of the caller."""

    fixed_delay: Duration
    percentage: Percent


class Abort(Fields):
    """Error response of the proxy of the caller."""

    http_status: int = Field(ge=200, le=599)
    percentage: Percent


class HTTPFaultInjection(Fields):
    """Fault injection of a route. Source: Istio API v1, HTTPFaultInjection."""

    delay: Delay | None = None
    abort: Abort | None = None


class StringMatch(Fields):
    """Comparison of a text; without a field, presence of the header."""

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
    """A Service host or one of its subsets."""

    host: str
    subset: str | None = None
    port: PortSelector | None = None


class HeaderChange(Fields):
    """Headers to overwrite, append and remove."""

    set: dict[str, str] = Field(default_factory=dict)
    add: dict[str, str] = Field(default_factory=dict)
    remove: tuple[str, ...] = ()


class Headers(Fields):
    """Header changes of requests and responses."""

    request: HeaderChange = HeaderChange()
    response: HeaderChange = HeaderChange()


class HTTPRouteDestination(Fields):
    """A destination and its percentage of the requests; a single destination gets all."""

    destination: Destination
    weight: int = Field(default=0, ge=0, le=100)


class HTTPMirrorPolicy(Fields):
    """Destination of mirrored traffic; its responses are discarded."""

    destination: Destination
    percentage: Percent = Percent(value=ALL_PERCENT)


class HTTPRewrite(Fields):
    """The path that replaces the match, and the authority towards the destination."""

    uri: str | None = None
    authority: str | None = None


def _known_conditions(retry_on: str) -> str:
    for condition in retry_on.split(","):
        if condition not in RETRY_CONDITIONS and not condition.isdigit():
            raise VALUE_NOT_RUN.error(value=condition, known=f"{', '.join(sorted(RETRY_CONDITIONS))} and status codes")
    return retry_on


class HTTPRetry(Fields):
    """Retries on the conditions in `retry_on`; 0 attempts disables them."""

    attempts: int = Field(ge=0)
    per_try_timeout: Duration | None = None
    retry_on: Annotated[str, AfterValidator(_known_conditions)] | None = None


class ResponseBody(Fields):
    """Body of a direct response."""

    string: str


class DirectResponse(Fields):
    """Response of the proxy itself."""

    status: int = Field(ge=200, le=599)
    body: ResponseBody | None = None


class HTTPRedirect(Fields):
    """Redirect by the proxy itself. Source: Istio API v1, HTTPRedirect, default of `redirectCode`."""

    scheme: Literal["http", "https"] | None = None
    redirect_code: Literal[301, 302, 303, 307, 308] = 301


class CorsPolicy(Fields):
    """CORS of a route. Source: Istio API v1, CorsPolicy."""

    allow_origins: tuple[StringMatch, ...] = ()
    allow_methods: tuple[str, ...] = ()
    allow_headers: tuple[str, ...] = ()
    expose_headers: tuple[str, ...] = ()
    max_age: Duration | None = None
    allow_credentials: bool | None = None
    unmatched_preflights: Literal["UNSPECIFIED", "FORWARD", "IGNORE"] = "UNSPECIFIED"


class HTTPRoute(Fields):
    """One route; the first that matches a request applies."""

    name: str | None = None
    match: tuple[HTTPMatchRequest, ...] = ()
    route: tuple[HTTPRouteDestination, ...] = ()
    direct_response: DirectResponse | None = None
    redirect: HTTPRedirect | None = None
    rewrite: HTTPRewrite | None = None
    retries: HTTPRetry | None = None
    timeout: Duration | None = None
    headers: Headers = Headers()
    cors_policy: CorsPolicy | None = None
    fault: HTTPFaultInjection | None = None
    mirror: Destination | None = None
    mirror_percentage: Percent | None = None
    mirrors: tuple[HTTPMirrorPolicy, ...] = ()

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if [bool(self.route), self.direct_response is not None, self.redirect is not None].count(True) != 1:
            raise EXACTLY_ONE.error(fields="route, directResponse and redirect")
        total = sum(each.weight for each in self.route)
        if len(self.route) > 1 and total != ALL_PERCENT:
            raise LOCAL_WEIGHTS.error(total=total, all_percent=ALL_PERCENT)
        if self.mirrors and self.mirror is not None:
            raise EXCLUSIVE.error(fields="mirror and mirrors")
        if self.mirror_percentage is not None and self.mirror is None:
            raise MIRROR_PERCENTAGE_UNUSED.error()
        return self

    @property
    def mirror_policies(self) -> tuple[HTTPMirrorPolicy, ...]:
        """The mirrors in either form."""
        if self.mirror is None:
            return self.mirrors
        share = self.mirror_percentage or Percent(value=ALL_PERCENT)
        return (HTTPMirrorPolicy(destination=self.mirror, percentage=share),)


class VirtualServiceSpec(Fields):
    """Routes of hosts for sidecars (`mesh`) or gateways (`namespace/name`)."""

    hosts: tuple[str, ...] = Field(min_length=1)
    gateways: tuple[str, ...] = ("mesh",)
    http: tuple[HTTPRoute, ...] = Field(min_length=1)
    export_to: tuple[str, ...] = ("*",)


class VirtualService(Placed):
    """Routes."""

    spec: VirtualServiceSpec


def qualified(gateway: str, namespace: str) -> str:
    """Name of a gateway as "namespace/name". Source: Istio VirtualService, field `gateways`."""
    return gateway if "/" in gateway else f"{namespace}/{gateway}"

"""CORS settings of a service: the web pages that may call it. Source: WHATWG Fetch, "CORS protocol"."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field, model_validator

from meshed_mcp import contract
from meshed_mcp.components.core.args import Model
from meshed_mcp.error_codes import browsers as codes

_HEADER: Final = re.compile(r"[a-z0-9!#$%&'+.^_`|~-]+")
"""A token of RFC 9110, section 5.6.2, in lower case and without the wildcard."""

SET_BY_BROWSERS: Final = frozenset(
    {"connection", "content-length", "cookie", "date", "host", "origin", "te", "upgrade"}
)
"""Request headers that no page can set. Source: WHATWG Fetch, "forbidden request-header"."""

NULL: Final = "null"


def allowed_origin(value: str) -> str:
    """An origin in the form that browsers send."""
    if value.lower() == NULL:
        raise codes.NULL_ORIGIN.error()
    origin = contract.normalized_origin(value)
    if origin is None:
        raise codes.INVALID_ORIGIN.error(value=value)
    if origin.endswith(contract.ANY_PORT) and contract.host_of_origin(origin) not in contract.LOOPBACK_NAMES:
        raise codes.ANY_PORT_OF_HOST.error(value=value, host=origin.removesuffix(contract.ANY_PORT))
    return origin


def request_header(name: str) -> str:
    """Name of a request header that pages can set, in lower case."""
    lower = name.lower()
    if _HEADER.fullmatch(lower) is None or lower in SET_BY_BROWSERS or lower.startswith(("sec-", "proxy-")):
        raise codes.INVALID_CORS_HEADER.error(name=name)
    return lower


Origin = Annotated[str, AfterValidator(allowed_origin)]
RequestHeader = Annotated[str, AfterValidator(request_header)]


class Cors(Model):
    """Web pages that may call a service from a browser."""

    origins: list[Origin]
    """Origins of the pages, such as `https://app.example.com`; `http://localhost:*` allows every port of the
    developer's machine. `*` allows all pages, with `environment: development` only. Empty = none."""

    headers: list[RequestHeader] = Field(default_factory=list)
    """Request headers that pages send, beside those of MCP, `authorization` and the trace context: an
    `x-organization-id`, or an `mcp-param-<name>` of a tool."""

    credentials: bool = False
    """True = browsers send the cookies of the service's host with the requests of these pages."""

    @model_validator(mode="after")
    def _names_who_sends_cookies(self) -> "Cors":
        if self.credentials and contract.ANY_ORIGIN in self.origins:
            raise codes.ANY_ORIGIN_WITH_CREDENTIALS.error()
        return self

    @property
    def request_headers(self) -> list[str]:
        """All request headers that a preflight allows."""
        return [*dict.fromkeys([*contract.BROWSER_HEADERS, *self.headers])]


def cors_environment(cors: Cors | None) -> dict[str, str]:
    """Variables of the runtime, whose Origin check and CORS headers follow the same list."""
    if cors is None or not cors.origins:
        return {}
    headers = {contract.ENV_CORS_HEADERS: ",".join(cors.headers)} if cors.headers else {}
    credentials = {contract.ENV_CORS_CREDENTIALS: "true"} if cors.credentials else {}
    return {contract.ENV_ALLOWED_ORIGINS: ",".join(cors.origins), **headers, **credentials}

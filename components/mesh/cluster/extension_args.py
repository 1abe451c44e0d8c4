"""Settings of proxy extensions: Lua scripts and WebAssembly modules, tagged by `kind`."""

import re
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.names import object_name
from meshed_mcp.error_codes import service as codes

MAX_LUA_BYTES: Final = 65_536
"""Source: Istio 1.31 CRDs, TrafficExtension, `lua.inlineCode`."""

_DIGEST: Final = re.compile(r"@sha256:([0-9a-f]{64})$")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_MODULE: Final = re.compile(r"(oci|https)://[^\s/]+/\S+")


class Phase(StrEnum):
    """Phase of the filter chain. Source: Istio API, TrafficExtension `phase`."""

    AUTHN = "authn"
    """Before authentication."""

    AUTHZ = "authz"
    """After authentication and before authorization."""

    STATS = "stats"
    """After authorization and before metrics."""


class Direction(StrEnum):
    """Traffic that an extension processes. Source: Istio API, `WorkloadMode`."""

    SERVER = "server"
    """Inbound requests."""

    CLIENT = "client"
    """Outbound requests."""

    BOTH = "both"
    """Inbound and outbound requests."""


class Extension(Model):
    """Settings that all kinds of extension share."""

    phase: Phase = Phase.STATS
    """Phase of the filter chain; `stats` processes authorized requests only."""

    priority: int = Field(default=0, ge=-1000, le=1000)
    """Order within the phase, the highest first."""

    direction: Direction = Direction.SERVER
    """Traffic that the extension processes."""


class LuaExtension(Extension):
    """Lua script. It fails open: an error is logged and the request continues, so it cannot enforce anything."""

    kind: Literal["lua"]
    """`lua`."""

    code: str = Field(min_length=1)
    """The script: functions `envoy_on_request(handle)`, `envoy_on_response(handle)` or both."""

    @field_validator("code")
    @classmethod
    def _is_a_script(cls, value: str) -> str:
        size = len(value.encode())
        if size > MAX_LUA_BYTES:
            raise codes.LUA_TOO_LONG.error(size=size, most=MAX_LUA_BYTES)
        if "envoy_on_request" not in value and "envoy_on_response" not in value:
            raise codes.LUA_WITHOUT_HANDLER.error()
        return value

    @model_validator(mode="after")
    def _enforces_nothing(self) -> "LuaExtension":
        if self.phase is not Phase.STATS:
            raise codes.LUA_BEFORE_AUTHORIZATION.error(phase=self.phase)
        return self


class WasmExtension(Extension):
    """WebAssembly module. It fails closed: requests get 503 if it cannot be fetched or fails."""

    kind: Literal["wasm"]
    """`wasm`."""

    url: str
    """URL of the module: `oci://registry/name:tag` or `https://...`."""

    sha256: str | None = None
    """SHA-256 of the module, or of the image's manifest, in hexadecimal; required unless `url` ends in `@sha256:...`.
    """

    pull_secret: Annotated[str, AfterValidator(object_name)] | None = None
    """Secret with the registry's credentials, in the namespace of the proxies; unset = none."""

    config: dict[str, Any] = Field(default_factory=dict)
    """Configuration that the module receives at start."""

    @field_validator("url")
    @classmethod
    def _is_module(cls, value: str) -> str:
        if _MODULE.fullmatch(value) is None:
            raise codes.INVALID_MODULE_URL.error(value=value)
        return value

    @model_validator(mode="after")
    def _is_pinned(self) -> "WasmExtension":
        digest = _DIGEST.search(self.url)
        if self.sha256 is None and digest is None:
            raise codes.MODULE_NOT_PINNED.error(url=self.url)
        if self.sha256 is not None and _SHA256.fullmatch(self.sha256) is None:
            raise codes.INVALID_CHECKSUM.error(sha256=self.sha256)
        if digest is not None and self.sha256 not in (None, digest[1]):
            raise codes.CHECKSUM_CONTRADICTION.error(sha256=self.sha256, digest=digest[1])
        return self

    @property
    def checksum(self) -> str:
        """Checksum of `sha256` or `url`."""
        found = _DIGEST.search(self.url)
        return self.sha256 or (found[1] if found else "")


AnyExtension = Annotated[LuaExtension | WasmExtension, Field(discriminator="kind")]
Extensions = dict[Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,28}[a-z0-9])?$")], AnyExtension]
"""Name, a DNS label of at most 30 characters -> extension."""

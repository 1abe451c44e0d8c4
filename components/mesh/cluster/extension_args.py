"""Arguments of extensions of the proxies: a Lua script or a WebAssembly module, where it runs and in which order.

Stack keys in, frozen models out: one choice, tagged by `kind`. Not here: the object that follows (extensions.py).
"""

import re
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import Field, field_validator, model_validator

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.names import object_name
from meshed_mcp.error_codes.service import (
    CHECKSUM_CONTRADICTION,
    INVALID_CHECKSUM,
    INVALID_MODULE_URL,
    LUA_BEFORE_AUTHORIZATION,
    LUA_TOO_LONG,
    LUA_WITHOUT_HANDLER,
    MODULE_NOT_PINNED,
)

MAX_LUA_BYTES: Final = 65_536
"""Source: Istio 1.31 CRDs, TrafficExtension, `lua.inlineCode`."""

_DIGEST: Final = re.compile(r"@sha256:([0-9a-f]{64})$")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_MODULE: Final = re.compile(r"(oci|https)://[^\s/]+/\S+")


class Phase(StrEnum):
    """Where in the proxy's chain an extension runs. Source: Istio API, TrafficExtension `phase`."""

    AUTHN = "authn"
    """Before tokens are checked."""

    AUTHZ = "authz"
    """After tokens and before callers are checked."""

    STATS = "stats"
    """After callers are checked and before metrics are written."""


class Direction(StrEnum):
    """Which of a proxy's traffic an extension sees. Source: Istio API, `WorkloadMode`."""

    SERVER = "server"
    """What the pod is asked."""

    CLIENT = "client"
    """What the pod asks others."""

    BOTH = "both"
    """Both."""


class Extension(Model):
    """What every extension says of itself."""

    phase: Phase = Phase.STATS
    """Where it runs; `stats` sees only requests that were let through."""

    priority: int = Field(default=0, ge=-1000, le=1000)
    """Order within the phase, the highest first."""

    direction: Direction = Direction.SERVER
    """Which traffic it sees."""


class LuaExtension(Extension):
    """A Lua script in the proxy. An error in it is logged and the request goes on: it cannot guard anything."""

    kind: Literal["lua"]
    """`lua`."""

    code: str = Field(min_length=1)
    """The script: functions `envoy_on_request(handle)`, `envoy_on_response(handle)` or both."""

    @field_validator("code")
    @classmethod
    def _is_a_script(cls, value: str) -> str:
        size = len(value.encode())
        if size > MAX_LUA_BYTES:
            raise LUA_TOO_LONG.error(size=size, most=MAX_LUA_BYTES)
        if "envoy_on_request" not in value and "envoy_on_response" not in value:
            raise LUA_WITHOUT_HANDLER.error()
        return value

    @model_validator(mode="after")
    def _guards_nothing(self) -> "LuaExtension":
        if self.phase is not Phase.STATS:
            raise LUA_BEFORE_AUTHORIZATION.error(phase=self.phase)
        return self


class WasmExtension(Extension):
    """A WebAssembly module. When it cannot be fetched or fails, requests get 503: nothing passes it by."""

    kind: Literal["wasm"]
    """`wasm`."""

    url: str
    """Where the module is: `oci://registry/name:tag` or `https://...`."""

    sha256: str | None = None
    """Checksum of the module, or of the image's manifest, in hexadecimal; unset where `url` ends in `@sha256:...`."""

    pull_secret: str | None = None
    """Secret with the registry's credentials, in the namespace of the proxies; unset = none are needed."""

    config: dict[str, Any] = Field(default_factory=dict)
    """What the module is told at its start."""

    @field_validator("url")
    @classmethod
    def _is_module(cls, value: str) -> str:
        if _MODULE.fullmatch(value) is None:
            raise INVALID_MODULE_URL.error(value=value)
        return value

    @field_validator("pull_secret")
    @classmethod
    def _names_a_secret(cls, value: str | None) -> str | None:
        return None if value is None else object_name(value)

    @model_validator(mode="after")
    def _is_pinned(self) -> "WasmExtension":
        digest = _DIGEST.search(self.url)
        if self.sha256 is None and digest is None:
            raise MODULE_NOT_PINNED.error(url=self.url)
        if self.sha256 is not None and _SHA256.fullmatch(self.sha256) is None:
            raise INVALID_CHECKSUM.error(sha256=self.sha256)
        if digest is not None and self.sha256 not in (None, digest[1]):
            raise CHECKSUM_CONTRADICTION.error(sha256=self.sha256, digest=digest[1])
        return self

    @property
    def checksum(self) -> str:
        """The checksum, wherever it was written."""
        found = _DIGEST.search(self.url)
        return self.sha256 or (found[1] if found else "")


AnyExtension = Annotated[LuaExtension | WasmExtension, Field(discriminator="kind")]
"""One of the kinds, by its tag."""

Extensions = dict[Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,28}[a-z0-9])?$")], AnyExtension]
"""Name -> extension; a name is a DNS label of at most 30 characters."""

"""What the registry knows of a server: its `server.json`, and who keeps it alive.

In: tools of a running server, or a published `server.json`. Out: frozen, checked models and their JSON form.
Not here: storage and expiry (store.py), the HTTP shape around an entry (app.py).
Source: official MCP registry API v0.1, schema `ServerDetail`.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from mcp_types import Tool
from pydantic import BaseModel, ConfigDict, Field, HttpUrl, ValidationError, field_validator

NAME_PATTERN: Final = r"^[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+$"
"""`namespace/name`. Source: official registry, `ServerDetail.name`."""

PUBLISHER_META: Final = "io.modelcontextprotocol.registry/publisher-provided"
"""Key below `_meta` for what a publisher adds. Source: official registry, `ServerDetail._meta`."""

DESCRIPTION_LIMIT: Final = 100
"""Characters. Source: official registry, `ServerDetail.description.maxLength`."""

MAX_TOOLS: Final = 1000
"""Tools of one server that an entry can hold."""

DEFAULT_LEASE_SECONDS: Final = 30
"""A killed server is forgotten after this time at the latest, where nobody chose another."""

MAX_LEASE_SECONDS: Final = 3600
"""The longest lease: a server that is gone is forgotten after an hour at the latest."""

_RELEASE: Final = re.compile(r"v?(\d+(?:\.\d+)*)(.*)", re.DOTALL)


class NotRegisteredError(LookupError):
    """No live entry, or no live lease of this instance; the text is one line."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class ToolEntry(_Frozen):
    """One tool, and a digest that changes with any part of its definition."""

    name: str = Field(min_length=1, max_length=128)
    description: str = Field(default="", max_length=4000)
    digest: str = Field(pattern=r"^sha256:[0-9a-f]{64}$")


class Remote(_Frozen):
    """An endpoint a client can connect to."""

    model_config = ConfigDict(frozen=True, extra="allow")

    type: Literal["streamable-http", "sse"]
    url: str = Field(max_length=2000)

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        try:
            HttpUrl(url)
        except ValidationError:
            raise ValueError(
                f"{url!r} is not an http or https URL; use a URL such as http://mcp-rag:8000/mcp"
            ) from None
        return url


class Publisher(_Frozen):
    """What our services publish beside the standard fields; other publishers' keys are kept."""

    model_config = ConfigDict(frozen=True, extra="allow")

    tools: tuple[ToolEntry, ...] = Field(default=(), max_length=MAX_TOOLS)


class EntryMeta(_Frozen):
    """Extension data of a `server.json`."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True)

    publisher: Publisher = Field(default=Publisher(), alias=PUBLISHER_META)


class ServerEntry(_Frozen):
    """A `server.json` with a remote; fields of the official schema that are not named here are kept as they came."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True)

    name: str = Field(min_length=3, max_length=200, pattern=NAME_PATTERN)
    description: str = Field(min_length=1, max_length=DESCRIPTION_LIMIT)
    version: str = Field(min_length=1, max_length=255, pattern=r"^[!-.0-~]+$")
    remotes: tuple[Remote, ...] = Field(min_length=1, max_length=10)
    meta: EntryMeta = Field(default=EntryMeta(), alias="_meta")

    @field_validator("version")
    @classmethod
    def _is_exact(cls, version: str) -> str:
        if version == "latest" or version[0] in "^~<>=*":
            raise ValueError(f"{version!r} is not one version; use one such as 1.0.0")
        return version

    @property
    def url(self) -> str:
        """Where a client connects: the first remote."""
        return self.remotes[0].url

    @property
    def tools(self) -> tuple[ToolEntry, ...]:
        """The tools the server had when it registered."""
        return self.meta.publisher.tools

    def document(self) -> dict[str, Any]:
        """The entry as `server.json`."""
        return self.model_dump(by_alias=True, mode="json")


class Lease(_Frozen):
    """The promise of one running instance to come back before `expires_at` (seconds since 1970, UTC)."""

    instance: str
    expires_at: float


Instance = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[\w.:-]+$")]
"""Name of a running process, unique among the replicas of a server: in Kubernetes the pod's name."""

LeaseSeconds = Annotated[int, Field(ge=1, le=MAX_LEASE_SECONDS)]


class Registration(_Frozen):
    """A live entry: times in seconds since 1970, UTC."""

    entry: ServerEntry
    published_at: float
    updated_at: float
    expires_at: float
    is_latest: bool


def tool_entry(tool: Tool) -> ToolEntry:
    """The tool as the registry keeps it; the digest covers the whole definition that `tools/list` gives."""
    definition = tool.model_dump(by_alias=True, mode="json", exclude_none=True)
    canonical = json.dumps(definition, sort_keys=True, separators=(",", ":")).encode()
    digest = f"sha256:{hashlib.sha256(canonical).hexdigest()}"
    return ToolEntry(name=tool.name, description=(tool.description or "")[:4000], digest=digest)


def server_entry(name: str, version: str, url: str, *, description: str, tools: Sequence[Tool] = ()) -> ServerEntry:
    """Entry of a running server; `name` is `namespace/service`, a longer description is cut to the standard's 100."""
    return ServerEntry(
        name=name,
        version=version,
        description=description[:DESCRIPTION_LIMIT],
        remotes=(Remote(type="streamable-http", url=url),),
        meta=EntryMeta(publisher=Publisher(tools=tuple(tool_entry(tool) for tool in tools))),
    )


def version_key(version: str) -> tuple[tuple[int, ...], bool, str]:
    """Order of versions: numbers by value, a pre-release before its release, other texts before all numbers."""
    match = _RELEASE.fullmatch(version)
    if match is None:
        return ((), False, version)
    numbers, rest = match.groups()
    return (tuple(int(number) for number in numbers.split(".")), not rest.startswith("-"), rest)

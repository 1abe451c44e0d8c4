"""Data model of the registry: `server.json` entries, leases, registrations. Source: official registry API v0.1."""

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
"""Key in `_meta` for a publisher's own data. Source: official registry, `ServerDetail._meta`."""

MAX_DESCRIPTION_CHARACTERS: Final = 100  # Source: official registry, `ServerDetail.description.maxLength`
MAX_TOOLS: Final = 1000  # tools per entry
DEFAULT_LEASE_SECONDS: Final = 30  # default lease: a killed server expires after this time
MAX_LEASE_SECONDS: Final = 3600  # longest lease: a killed server expires after an hour at the latest
_RELEASE: Final = re.compile(r"v?(\d+(?:\.\d+)*)(.*)", re.DOTALL)


class NotRegisteredError(LookupError):
    """No live entry, or no live lease of this instance; the message is one line."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class ToolEntry(_Frozen):
    """A tool and a digest of its whole definition."""

    name: str = Field(min_length=1, max_length=128)
    description: str = Field(default="", max_length=4000)
    digest: str = Field(pattern=r"^sha256:[0-9a-f]{64}$")


class Remote(_Frozen):
    """An endpoint of a server."""

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
    """Publisher data of meshed-mcp services; other publishers' keys are kept."""

    model_config = ConfigDict(frozen=True, extra="allow")

    tools: tuple[ToolEntry, ...] = Field(default=(), max_length=MAX_TOOLS)


class EntryMeta(_Frozen):
    """The `_meta` of a `server.json`."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True)

    publisher: Publisher = Field(default=Publisher(), alias=PUBLISHER_META)


class ServerEntry(_Frozen):
    """A `server.json` with a remote; other fields of the official schema are kept unchanged."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True)

    name: str = Field(min_length=3, max_length=200, pattern=NAME_PATTERN)
    description: str = Field(min_length=1, max_length=MAX_DESCRIPTION_CHARACTERS)
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
        """URL of the first remote."""
        return self.remotes[0].url

    @property
    def tools(self) -> tuple[ToolEntry, ...]:
        """Tools at the last publication."""
        return self.meta.publisher.tools

    def document(self) -> dict[str, Any]:
        """Return the entry as `server.json`."""
        return self.model_dump(by_alias=True, mode="json")


class Lease(_Frozen):
    """Lease of one running instance until `expires_at`, Unix time in seconds."""

    instance: str
    expires_at: float


Instance = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[\w.:-]+$")]
"""Name of a running process, unique among the replicas: the pod's name in Kubernetes."""

LeaseSeconds = Annotated[int, Field(ge=1, le=MAX_LEASE_SECONDS)]


class Registration(_Frozen):
    """A live entry; times are Unix time in seconds."""

    entry: ServerEntry
    published_at: float
    updated_at: float
    expires_at: float
    is_latest: bool


def tool_entry(tool: Tool) -> ToolEntry:
    """Return the tool's entry; the digest covers the definition that `tools/list` returns."""
    definition = tool.model_dump(by_alias=True, mode="json", exclude_none=True)
    canonical = json.dumps(definition, sort_keys=True, separators=(",", ":")).encode()
    digest = f"sha256:{hashlib.sha256(canonical).hexdigest()}"
    return ToolEntry(name=tool.name, description=(tool.description or "")[:4000], digest=digest)


def server_entry(name: str, version: str, url: str, *, description: str, tools: Sequence[Tool] = ()) -> ServerEntry:
    """Return the entry of a running server. `name` is `namespace/service`; the description is truncated."""
    return ServerEntry(
        name=name,
        version=version,
        description=description[:MAX_DESCRIPTION_CHARACTERS],
        remotes=(Remote(type="streamable-http", url=url),),
        meta=EntryMeta(publisher=Publisher(tools=tuple(tool_entry(tool) for tool in tools))),
    )


def version_key(version: str) -> tuple[tuple[int, ...], bool, str]:
    """Return a sort key: numbers by value, pre-releases before their release, other texts before all numbers."""
    match = _RELEASE.fullmatch(version)
    if match is None:
        return ((), False, version)
    numbers, rest = match.groups()
    return (tuple(int(number) for number in numbers.split(".")), not rest.startswith("-"), rest)

"""Client of the registry: look up and list servers, publish them and keep leases. It honors proxy variables."""

from collections.abc import AsyncIterator
from typing import Any, Final, Self
from urllib.parse import quote

import httpx
from pydantic import ValidationError

from meshed_mcp.agents.registry.model import Lease, NotRegisteredError, ServerEntry
from meshed_mcp.agents.telemetry.propagation import inject_trace_context
from meshed_mcp.contract import REGISTRY_PATH

TIMEOUT_SECONDS: Final = 5.0  # timeout of a request: the longest delay of a call by discovery
MAX_TEXT_CHARACTERS: Final = 300  # characters of a response that an error repeats


class RegistryError(RuntimeError):
    """The registry did not respond or returned an error; the message is one line."""


class RegistryClient:
    """Client of one registry: an async context manager. `transport` replaces the network in tests."""

    def __init__(self, url: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.url = url.rstrip("/")
        self._http = httpx.AsyncClient(
            base_url=f"{self.url}{REGISTRY_PATH}/",
            timeout=TIMEOUT_SECONDS,
            transport=transport,
            event_hooks={"request": [inject_trace_context]},
        )

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def look_up(self, name: str, version: str = "latest") -> ServerEntry:
        """Return the live entry of `namespace/service`. Raises NotRegisteredError or RegistryError."""
        document = await self._send("GET", _path(name, version))
        return _entry(document.get("server"))

    async def servers(self, search: str = "") -> AsyncIterator[ServerEntry]:
        """Yield all live entries whose name or description contains `search`. Raises RegistryError."""
        cursor: str | None = ""
        while cursor is not None:
            parameters = {key: value for key, value in (("search", search), ("cursor", cursor)) if value}
            page = await self._send("GET", "servers", params=parameters)
            for item in page.get("servers", ()):
                yield _entry(item.get("server"))
            cursor = page.get("metadata", {}).get("nextCursor") or None

    async def publish(self, entry: ServerEntry, instance: str, lease_seconds: int) -> None:
        """Publish the entry with a lease for the instance. Raises RegistryError."""
        parameters = {"instance": instance, "lease_seconds": lease_seconds}
        await self._send("POST", "publish", params=parameters, json=entry.document())

    async def renew(self, entry: ServerEntry, instance: str, lease_seconds: int) -> Lease:
        """Renew the lease. Raises NotRegisteredError if the entry or lease is gone, or RegistryError."""
        path = f"{_path(entry.name, entry.version)}/leases/{quote(instance, safe='')}"
        document = await self._send("PUT", path, params={"lease_seconds": lease_seconds})
        try:
            return Lease.model_validate(document)
        except ValidationError as error:
            raise RegistryError(f"the registry at {self.url} returned no lease: {_first_violation(error)}") from None

    async def release(self, entry: ServerEntry, instance: str) -> None:
        """Release the lease. Raises NotRegisteredError or RegistryError."""
        await self._send("DELETE", f"{_path(entry.name, entry.version)}/leases/{quote(instance, safe='')}")

    async def _send(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        try:
            response = await self._http.request(method, path, **options)
            body = response.json() if response.content else {}
        except httpx.HTTPError as error:
            reason = f"{type(error).__name__} {error}".strip()
            raise RegistryError(f"the registry at {self.url} does not respond: {reason}") from error
        except ValueError:
            body = {"detail": response.text}
        if response.is_success and isinstance(body, dict):
            return body
        detail = body.get("detail", body) if isinstance(body, dict) else body
        text = " ".join(str(detail).split())[:MAX_TEXT_CHARACTERS]
        if response.status_code == httpx.codes.NOT_FOUND:
            raise NotRegisteredError(text)
        raise RegistryError(f"the registry at {self.url} returned {response.status_code}: {text}")


def _path(name: str, version: str) -> str:
    return f"servers/{quote(name, safe='')}/versions/{quote(version, safe='')}"


def _entry(document: Any) -> ServerEntry:
    try:
        return ServerEntry.model_validate(document)
    except ValidationError as error:
        raise RegistryError(
            f"the registry returned an entry that is no server.json: {_first_violation(error)}"
        ) from None


def _first_violation(error: ValidationError) -> str:
    """Return the first violation: field and message."""
    violation = error.errors()[0]
    return f"{'.'.join(str(part) for part in violation['loc'])}: {violation['msg']}"

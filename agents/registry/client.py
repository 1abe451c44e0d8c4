"""A client of the registry: look a server up by name, list, publish, keep a lease.

In: the registry's base URL. Out: the models of model.py, NotRegisteredError, or RegistryError with one line.
Proxy settings of the environment are honored. Not here: when to renew and to retry (lease.py).
"""

from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

import httpx
from pydantic import ValidationError

from meshed_mcp.agents.registry.model import Lease, NotRegisteredError, ServerEntry
from meshed_mcp.agents.telemetry.propagation import put_trace_on_headers
from meshed_mcp.contract import REGISTRY_PATH

ANSWER_SECONDS: Final = 5.0
"""How long the registry may take for one answer: discovery must not hold a call up for longer."""

TEXT_LIMIT: Final = 300
"""Characters of a foreign answer that an error repeats."""


class RegistryError(RuntimeError):
    """The registry did not answer, or not as it should; the text is one line."""


class RegistryClient:
    """Connection to one registry; an async context manager. `transport` replaces the network in tests."""

    def __init__(self, url: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.url = url.rstrip("/")
        self._http = httpx.AsyncClient(
            base_url=f"{self.url}{REGISTRY_PATH}/",
            timeout=ANSWER_SECONDS,
            transport=transport,
            event_hooks={"request": [put_trace_on_headers]},
        )

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._http.__aexit__(kind, error, traceback)

    async def look_up(self, name: str, version: str = "latest") -> ServerEntry:
        """Return the live entry of `namespace/service`. Raises NotRegisteredError or RegistryError."""
        answer = await self._send("GET", f"{_path(name, version)}")
        return _entry(answer.get("server"))

    async def servers(self, search: str = "") -> AsyncIterator[ServerEntry]:
        """All live entries whose name or description holds `search`, page by page. Raises RegistryError."""
        cursor: str | None = ""
        while cursor is not None:
            parameters = {"search": search, "cursor": cursor}
            answer = await self._send(
                "GET", "servers", params={key: value for key, value in parameters.items() if value}
            )
            for item in answer.get("servers", ()):
                yield _entry(item.get("server"))
            cursor = answer.get("metadata", {}).get("nextCursor") or None

    async def publish(self, entry: ServerEntry, instance: str, lease_seconds: int) -> None:
        """Register the entry and take a lease for the instance. Raises RegistryError."""
        parameters = {"instance": instance, "lease_seconds": lease_seconds}
        await self._send("POST", "publish", params=parameters, json=entry.document())

    async def renew(self, entry: ServerEntry, instance: str, lease_seconds: int) -> Lease:
        """Prolong the lease. Raises NotRegisteredError when the registry forgot the entry, or RegistryError."""
        path = f"{_path(entry.name, entry.version)}/leases/{quote(instance, safe='')}"
        answer = await self._send("PUT", path, params={"lease_seconds": lease_seconds})
        try:
            return Lease.model_validate(answer)
        except ValidationError as error:
            raise RegistryError(f"the registry at {self.url} returned no lease: {_first(error)}") from None

    async def release(self, entry: ServerEntry, instance: str) -> None:
        """Give the lease back. Raises NotRegisteredError or RegistryError."""
        await self._send("DELETE", f"{_path(entry.name, entry.version)}/leases/{quote(instance, safe='')}")

    async def _send(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        try:
            response = await self._http.request(method, path, **options)
            answer = response.json() if response.content else {}
        except httpx.HTTPError as error:
            reason = f"{type(error).__name__} {error}".strip()
            raise RegistryError(f"the registry at {self.url} does not answer: {reason}") from error
        except ValueError:
            answer = {"detail": response.text}
        if response.is_success and isinstance(answer, dict):
            return answer
        detail = answer.get("detail", answer) if isinstance(answer, dict) else answer
        text = " ".join(str(detail).split())[:TEXT_LIMIT]
        if response.status_code == httpx.codes.NOT_FOUND:
            raise NotRegisteredError(text)
        raise RegistryError(f"the registry at {self.url} answered {response.status_code}: {text}")


def _path(name: str, version: str) -> str:
    return f"servers/{quote(name, safe='')}/versions/{quote(version, safe='')}"


def _entry(document: Any) -> ServerEntry:
    try:
        return ServerEntry.model_validate(document)
    except ValidationError as error:
        raise RegistryError(f"the registry returned an entry that is no server.json: {_first(error)}") from None


def _first(error: ValidationError) -> str:
    """The first violation: its field, and what is wrong."""
    violation = error.errors()[0]
    return f"{'.'.join(str(part) for part in violation['loc'])}: {violation['msg']}"

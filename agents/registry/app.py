"""HTTP API of the registry: the official registry API v0.1 with leases.

Additions: `instance` and `lease_seconds` when publishing, `PUT|DELETE .../versions/{version}/leases/{instance}` to
renew and release, and the lease's expiry in `_meta`.
"""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import Lifespan

from meshed_mcp.agents.registry import problem
from meshed_mcp.agents.registry.model import (
    DEFAULT_LEASE_SECONDS,
    Instance,
    LeaseSeconds,
    NotRegisteredError,
    Registration,
    ServerEntry,
)
from meshed_mcp.agents.registry.store import ListQuery, Store
from meshed_mcp.contract import REGISTRY_PATH

OFFICIAL_META: Final = "io.modelcontextprotocol.registry/official"
"""Key in `_meta` for the registry's fields. Source: official registry, `ServerResponse._meta`."""

LEASE_META: Final = "io.meshed-mcp.registry/lease"  # key in `_meta` for the expiry of the entry
MAX_BODY_BYTES: Final = 1_048_576  # largest document; a thousand tools with descriptions fit
DEFAULT_INSTANCE: Final = "publisher"  # holder of the lease if a publication names no instance


class LeaseParameters(BaseModel):
    """Holder and duration of a lease."""

    model_config = ConfigDict(frozen=True)

    instance: Instance = DEFAULT_INSTANCE
    lease_seconds: LeaseSeconds = DEFAULT_LEASE_SECONDS


def registry_app(store: Store, lifespan: Lifespan[Starlette] | None = None) -> Starlette:
    """Return the application. Every path starts with `/v0.1`."""
    endpoints = _Endpoints(store)
    version = "/servers/{name:path}/versions/{version}"
    routes = [
        Route("/servers", endpoints.list_servers),
        Route("/publish", endpoints.publish, methods=["POST"]),
        Route(f"{version}/leases/{{instance}}", endpoints.renew, methods=["PUT"]),
        Route(f"{version}/leases/{{instance}}", endpoints.release, methods=["DELETE"]),
        Route("/servers/{name:path}/versions", endpoints.list_versions),
        Route(version, endpoints.get_version),
        Route(version, endpoints.publish, methods=["PUT"]),
        Route(version, endpoints.delete_version, methods=["DELETE"]),
    ]
    return Starlette(
        routes=[Mount(REGISTRY_PATH, routes=routes)],
        lifespan=lifespan,
        exception_handlers={
            HTTPException: problem.on_http_exception,
            NotRegisteredError: problem.on_not_registered,
            ValidationError: problem.on_invalid,
            DataError: problem.on_data_error,
            DBAPIError: problem.on_database_error,
            PoolTimeoutError: problem.on_database_error,
        },
    )


class _Endpoints:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def list_servers(self, request: Request) -> Response:
        query = ListQuery.model_validate(dict(request.query_params))
        page = await run_in_threadpool(self._store.page, query)
        return JSONResponse(_list_response(page.registrations, page.next_cursor))

    async def list_versions(self, request: Request) -> Response:
        name = request.path_params["name"]
        found = await run_in_threadpool(self._store.versions, name)
        if not found:
            raise NotRegisteredError(f"{name}: no live server has this name")
        return JSONResponse(_list_response(found, None))

    async def get_version(self, request: Request) -> Response:
        found = await run_in_threadpool(self._store.find, *_address(request))
        return JSONResponse(_response(found))

    async def publish(self, request: Request) -> Response:
        lease = LeaseParameters.model_validate(dict(request.query_params))
        entry = ServerEntry.model_validate_json(await _body(request))
        if request.path_params and _address(request) != (entry.name, entry.version):
            named = " ".join(_address(request))
            detail = f"the path names {named}, the document {entry.name} {entry.version}; use the same in both"
            raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
        granted = await run_in_threadpool(self._store.register, entry, lease.instance, lease.lease_seconds)
        return JSONResponse(_response(granted))

    async def delete_version(self, request: Request) -> Response:
        removed = await run_in_threadpool(self._store.remove, *_address(request))
        return JSONResponse(_response(removed, status="deleted"))

    async def renew(self, request: Request) -> Response:
        lease = LeaseParameters.model_validate({**request.query_params, "instance": request.path_params["instance"]})
        renewed = await run_in_threadpool(self._store.renew, *_address(request), lease.instance, lease.lease_seconds)
        return JSONResponse(renewed.model_dump())

    async def release(self, request: Request) -> Response:
        await run_in_threadpool(self._store.release, *_address(request), request.path_params["instance"])
        return Response(status_code=HTTPStatus.NO_CONTENT)


def _address(request: Request) -> tuple[str, str]:
    return request.path_params["name"], request.path_params["version"]


async def _body(request: Request) -> bytes:
    """Read at most MAX_BODY_BYTES, without trust in Content-Length. Raises HTTPException 413."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            detail = f"the document is larger than {MAX_BODY_BYTES} bytes"
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
    return bytes(body)


def _response(registration: Registration, status: str = "active") -> dict[str, Any]:
    official = {
        "status": status,
        "publishedAt": _rfc3339(registration.published_at),
        "updatedAt": _rfc3339(registration.updated_at),
        "isLatest": registration.is_latest,
    }
    lease = {"expiresAt": _rfc3339(registration.expires_at)}
    return {"server": registration.entry.document(), "_meta": {OFFICIAL_META: official, LEASE_META: lease}}


def _list_response(found: tuple[Registration, ...], next_cursor: str | None) -> dict[str, Any]:
    metadata: dict[str, Any] = {"count": len(found)}
    if next_cursor is not None:
        metadata["nextCursor"] = next_cursor
    return {"servers": [_response(registration) for registration in found], "metadata": metadata}


def _rfc3339(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

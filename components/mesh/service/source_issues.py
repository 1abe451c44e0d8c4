"""Contradictions between the server of a service and its other settings, and settings without effect on it."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from meshed_mcp import contract
from meshed_mcp.components.mesh.routing.rollout_args import NoRollout
from meshed_mcp.components.mesh.service.server_source import Runtime, ServerKind, Transport
from meshed_mcp.components.mesh.service.shared_state import SharedState
from meshed_mcp.error_codes import service as codes
from meshed_mcp.error_codes.code import Message

if TYPE_CHECKING:
    from meshed_mcp.components.mesh.service.settings import ServiceSettings

LAUNCHER_PORT: Final = 9470
"""Port of the stdio launcher on the loopback address of the pod; free in the lists of IANA, Istio and Prometheus."""

SIDECAR_PORTS: Final = (15000, 15001, 15004, 15006, 15008, 15020, 15021, 15053, 15090)
"""Source: Istio, "Application Requirements", ports used by Istio."""

BRIDGE_PORTS: Final = (contract.MCP_PORT, contract.MANAGEMENT_PORT, LAUNCHER_PORT)

_ALWAYS_BRIDGED: Final = "the bridge always runs in front of it"
_NO_PROCESS: Final = "only a stdio server has processes"
_OWN_PROBES: Final = "this package's runtime has its own probes"
_NOTHING_BEHIND: Final = "it is for a server behind the bridge"
_REMOTE: Final = "a remote server does not run in the pod"
_NO_IMAGE: Final = "a version of a rollout is an image"
_NO_CALLS: Final = "only code on this package's runtime calls services; for the bridge, set outbound_auth"
_NO_DATABASE: Final = "only a server with this package's runtime gets its database from the stack"
_NO_CREDENTIALS: Final = "only code on this package's runtime uses credentials of users"
_STDIO_PORT: Final = "a stdio server listens on no port"

WITHOUT_EFFECT: Final[Mapping[ServerKind, Mapping[str, str]]] = {
    ServerKind.MESHED: {
        "port": "this package's runtime listens on port 8000",
        "probes": _OWN_PROBES,
        "stdio": _NO_PROCESS,
        "bridge": "this package's runtime needs no bridge",
        "outbound_auth": _NOTHING_BEHIND,
    },
    ServerKind.EXTERNAL: {
        "calls": _NO_CALLS,
        "user_credentials": _NO_CREDENTIALS,
        "stdio": _NO_PROCESS,
        "outbound_auth": _NOTHING_BEHIND,
        "shared_state": "only this package's runtime shares state",
        "database": _NO_DATABASE,
        "store_all_histogram_buckets": "only this package's runtime has such buckets",
    },
    ServerKind.BRIDGED_HTTP: {
        "calls": _NO_CALLS,
        "stdio": _NO_PROCESS,
        "probes": "the server listens on loopback, behind the bridge",
        "database": _NO_DATABASE,
    },
    ServerKind.STDIO_IMAGE: {
        "calls": _NO_CALLS,
        "user_credentials": _NO_CREDENTIALS,
        "database": _NO_DATABASE,
        "port": _STDIO_PORT,
        "probes": _OWN_PROBES,
        "bridge": _ALWAYS_BRIDGED,
        "outbound_auth": _STDIO_PORT,
    },
    ServerKind.STDIO_PACKAGE: {
        "calls": _NO_CALLS,
        "user_credentials": _NO_CREDENTIALS,
        "database": _NO_DATABASE,
        "port": _STDIO_PORT,
        "probes": _OWN_PROBES,
        "bridge": _ALWAYS_BRIDGED,
        "outbound_auth": _STDIO_PORT,
        "rollout": _NO_IMAGE,
    },
    ServerKind.REMOTE: {
        "calls": _NO_CALLS,
        "command": _REMOTE,
        "args": _REMOTE,
        "env": _REMOTE,
        "secret_env": _REMOTE,
        "database": _REMOTE,
        "port": _REMOTE,
        "probes": _OWN_PROBES,
        "stdio": _NO_PROCESS,
        "bridge": _ALWAYS_BRIDGED,
        "rollout": _NO_IMAGE,
    },
}
"""Kind of server -> field -> why it has no effect."""


def source_issues(settings: "ServiceSettings") -> Iterator[Message]:
    """Every issue of the server's source."""
    given = [field for field in ("image", "package", "url") if getattr(settings, field) is not None]
    if len(given) != 1:
        yield codes.SOURCE_NOT_ONE.message(found=f"{' and '.join(given)} are set" if given else "none is set")
        return
    kind = settings.kind
    if kind is ServerKind.STDIO_IMAGE and not settings.command:
        yield codes.STDIO_WITHOUT_COMMAND.message()
    if kind is ServerKind.STDIO_PACKAGE and len(settings.command) > 1:
        yield codes.PACKAGE_COMMAND.message(name=settings.command[0], rest=settings.command[1:])
    yield from _effect_issues(settings, kind)
    yield from _port_issues(settings, kind)
    if settings.has_runtime and settings.path == "/":
        yield codes.ROOT_PATH_OF_RUNTIME.message()
    if kind is ServerKind.EXTERNAL:
        yield from bridge_issues(settings)


def _effect_issues(settings: "ServiceSettings", kind: ServerKind) -> Iterator[Message]:
    for field, why in WITHOUT_EFFECT[kind].items():
        if getattr(settings, field) not in (None, False, [], {}, NoRollout()) or (
            field == "bridge" and settings.bridge is not None
        ):
            yield codes.NO_EFFECT_ON_SERVER.message(field=field, why=why)
    if settings.runtime is Runtime.EXTERNAL and kind not in {ServerKind.EXTERNAL, ServerKind.BRIDGED_HTTP}:
        why = "only an HTTP server in an image has a runtime of its own"
        yield codes.NO_EFFECT_ON_SERVER.message(field="runtime", why=why)
    wanted = {ServerKind.STDIO_PACKAGE: Transport.STDIO, ServerKind.REMOTE: Transport.HTTP}.get(kind)
    if wanted is not None and settings.transport not in {None, wanted}:
        yield codes.TRANSPORT_OF_SOURCE.message(wanted=wanted, source="url" if settings.url else "package")
    if SharedState.DATABASE in settings.shared_state and settings.has_bridge:
        why = "the bridge keeps no data"
        yield codes.NO_EFFECT_ON_SERVER.message(field="shared_state: database", why=why)


def _port_issues(settings: "ServiceSettings", kind: ServerKind) -> Iterator[Message]:
    """Ports of the server that belong to another process of the pod, or that only Prometheus reaches."""
    if kind is ServerKind.BRIDGED_HTTP and settings.port is None:
        yield codes.BRIDGED_PORT_MISSING.message()
    owners = dict.fromkeys(SIDECAR_PORTS, "sidecar") | {contract.MANAGEMENT_PORT: "metrics"}
    if kind is ServerKind.BRIDGED_HTTP:
        owners |= dict.fromkeys(BRIDGE_PORTS, "bridge")
    if settings.port in owners and kind in {ServerKind.BRIDGED_HTTP, ServerKind.EXTERNAL}:
        yield codes.PORT_TAKEN.message(port=settings.port, owner=owners[settings.port])


def runtime_token_fields(settings: "ServiceSettings") -> Iterator[str]:
    """Settings of token issuers that only the runtime reads."""
    for number, issuer in enumerate(() if settings.auth is None else settings.auth.issuers):
        own = {"algorithms", "clock_skew_seconds"} & issuer.model_fields_set
        claims = {f"claims.{field}" for field in ("scopes", "subject") if getattr(issuer.claims, field) is not None}
        yield from (f"auth.issuers[{number}].{field}" for field in sorted(own | claims))


def bridge_issues(settings: "ServiceSettings") -> Iterator[Message]:
    """Settings that only the runtime enforces, on a server without it.

    Rules for tools in the mesh read headers, which only the runtime compares with the body.
    """
    limits, shared = settings.rate_limits, settings.rate_limits.shared
    found = {
        **{f"tools.{tool}": True for tool in settings.tools},
        **{f"pools.{pool}": True for pool in settings.pools},
        "rate_limits.tools": bool(limits.tools),
        "rate_limits.shared.tools": bool(shared.tools),
        "auth.scopes": settings.auth is not None and bool(settings.auth.scopes),
        **dict.fromkeys(runtime_token_fields(settings), True),
        **{f"limits.{field}": True for field in sorted(settings.limits.model_fields_set)},
    }
    for field, is_set in found.items():
        if is_set:
            yield codes.NEEDS_BRIDGE.message(field=field)

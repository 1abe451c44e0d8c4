"""Arguments of sessions of clients up to 2025-11-25."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from meshed_mcp import contract
from meshed_mcp.components.core.args import Model
from meshed_mcp.error_codes import sessions as codes
from meshed_mcp.error_codes.code import Message

if TYPE_CHECKING:
    from meshed_mcp.components.mesh.service.args import ServiceSettings


class SessionSettings(Model):
    """Sessions of clients up to 2025-11-25, with `legacy: sticky`."""

    store: contract.SessionStore = contract.SessionStore.MEMORY
    """`memory`: a session ends with its replica. `redis`: another replica takes it over, and clients resume streams
    with `Last-Event-ID`; needs the stack's `redis`."""

    @property
    def in_redis(self) -> bool:
        """Whether sessions are in Redis."""
        return self.store is contract.SessionStore.REDIS


def session_store_issues(settings: "ServiceSettings") -> Iterator[Message]:
    """A store without sessions, without the runtime, or beside pools, whose pods get no sessions."""
    if not settings.sessions.in_redis:
        return
    if settings.legacy is not contract.Legacy.STICKY:
        yield codes.STORE_NEEDS_STICKY.message()
    if settings.pools:
        yield codes.STORE_BESIDE_POOLS.message()
    if not settings.has_runtime:
        yield codes.STORE_NEEDS_RUNTIME.message()

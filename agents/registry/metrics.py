"""What the registry shows of its catalog on `/metrics`.

In: the catalog's size after each sweep, or that the database does not answer. Out: instruments under the names of
`meshed_mcp.contract`. Two registries on one database each show the whole catalog: take the maximum, never the sum.
Not here: the sweep (service.py), HTTP requests (agents/http/drain.py).
"""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge

from meshed_mcp import contract
from meshed_mcp.agents.registry.store import Size

UNKNOWN: Final = float("nan")
"""Value of a size while the database does not answer: an old number would look alive."""


class CatalogMetrics:
    """The registry's own instruments."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._servers = Gauge(
            contract.METRIC_REGISTRY_SERVERS, "Live servers in the registry, each version counted.", registry=registry
        )
        self._leases = Gauge(
            contract.METRIC_REGISTRY_LEASES, "Live leases: running instances of all servers.", registry=registry
        )
        self._expired = Counter(
            contract.METRIC_REGISTRY_EXPIRED, "Servers forgotten because no instance came back.", registry=registry
        )
        self._up = Gauge(
            contract.METRIC_REGISTRY_DATABASE_UP, "1 while the registry's database answers, else 0.", registry=registry
        )
        self._sync = Gauge(
            contract.METRIC_REGISTRY_SYNC, "When this replica last agreed with the database.", registry=registry
        )
        self._sync.set_to_current_time()
        self.up = False

    def swept(self, size: Size, expired: int) -> None:
        """The database answered: the catalog has this size, and so many entries have just been removed."""
        self.up = True
        self._up.set(1)
        self._servers.set(size.servers)
        self._leases.set(size.leases)
        self._expired.inc(expired)
        self._sync.set_to_current_time()

    def lost(self) -> None:
        """The database did not answer."""
        self.up = False
        self._up.set(0)
        self._servers.set(UNKNOWN)
        self._leases.set(UNKNOWN)

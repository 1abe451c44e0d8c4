"""Reconcile loop of the autoscaler agents: query desired values, patch what is due. It keeps no state that matters."""

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

import httpx
from prometheus_client import CollectorRegistry, Counter, Gauge

from meshed_mcp import contract

WRITTEN: Final = "written"
FAILED: Final = "failed"  # outcomes of a patch; label values
log = logging.getLogger(__name__)
Values = Mapping[str, int]  # desired value by object name


@dataclass(frozen=True)
class LastPatch:
    """Value and time (monotonic seconds) of the last patch of an object."""

    value: int
    at: float


class Reconciler(ABC):
    """Patches objects whose desired value differs, and counts the patches by outcome."""

    value_name: ClassVar[str]
    object_kind: ClassVar[str]
    answered_metric: ClassVar[str]
    patches_metric: ClassVar[str]

    def __init__(
        self,
        query: Callable[[], Values],
        write: Callable[[str, int], None],
        registry: CollectorRegistry,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._query, self._write, self._clock = query, write, clock
        self._patched: dict[str, LastPatch] = {}
        self._answered = Gauge(
            self.answered_metric, "Time of the last response from Prometheus, Unix seconds.", registry=registry
        )
        self._patches = Counter(
            self.patches_metric, "Patches, by outcome.", (contract.LABEL_OUTCOME,), registry=registry
        )

    def reconcile(self) -> None:
        """Patch every object whose value is due, and forget objects that the query does not return."""
        try:
            desired = self._query()
        except (httpx.HTTPError, ValueError) as error:
            log.warning("Prometheus does not respond, so no %s changes: %s", self.value_name, error)
            return
        self._answered.set(time.time())
        for name in self._patched.keys() - desired.keys():
            del self._patched[name]
            self.on_forgotten(name)
        for name, value in sorted(desired.items()):
            last = self._patched.get(name)
            if last is None or self.is_due(value, last, self._clock() - last.at):
                self._patch(name, value, last)

    @abstractmethod
    def is_due(self, value: int, last: LastPatch, seconds: float) -> bool:
        """Return whether to patch `value` into an object whose last patch is `seconds` old."""

    def outcome_of(self, _error: Exception) -> str:
        """Return the outcome of a failed patch. Only FAILED is logged."""
        return FAILED

    def on_patched(self, name: str, value: int, last: LastPatch | None) -> None:  # noqa: B027 - an optional hook
        """Handle a patch; `last` is the previous one."""

    def on_forgotten(self, name: str) -> None:  # noqa: B027 - an optional hook
        """Handle an object that the query no longer returns."""

    def _patch(self, name: str, value: int, last: LastPatch | None) -> None:
        try:
            self._write(name, value)
        except (httpx.HTTPError, OSError) as error:
            outcome = self.outcome_of(error)
            self._patches.labels(outcome).inc()
            if outcome == FAILED:
                reason = " ".join(str(error).split())
                log.warning("the %s of %s %s is unchanged: %s", self.value_name, self.object_kind, name, reason)
            return
        self._patches.labels(WRITTEN).inc()
        self._patched[name] = LastPatch(value, self._clock())
        self.on_patched(name, value, last)

"""The loop that the helpers of scaling share: ask for values, patch what is due, forget what is gone.

In: a question that names a whole number per object, and a function that patches one object. Out: patches, counted by
outcome. A failure is logged and counted, and changes nothing. It keeps nothing that a restart may not lose.
Not here: which value is due (fast_scaler.py, pod_deletion_cost.py), the question and the API server (runner.py,
kubernetes_api.py).
"""

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import httpx
from prometheus_client import CollectorRegistry, Counter, Gauge

from meshed_mcp import contract

WRITTEN: Final = "written"
FAILED: Final = "failed"
"""Outcomes of a patch."""

log = logging.getLogger(__name__)

Values = Mapping[str, int]
"""Object -> value."""


@dataclass(frozen=True)
class Patched:
    """The value that was written last, and when."""

    value: int
    at: float


@dataclass(frozen=True)
class Names:
    """What log lines and metrics call the value and the object."""

    value: str
    object: str
    answered_metric: str
    patches_metric: str


class Reconciler(ABC):
    """What was written when, and the numbers of it."""

    def __init__(
        self,
        names: Names,
        ask: Callable[[], Values],
        write: Callable[[str, int], None],
        registry: CollectorRegistry,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._names, self._ask, self._write, self._clock = names, ask, write, clock
        self._patched: dict[str, Patched] = {}
        self._answered = Gauge(names.answered_metric, "When Prometheus last answered, Unix seconds.", registry=registry)
        self._patches = Counter(
            names.patches_metric, "Patches, by outcome.", (contract.LABEL_OUTCOME,), registry=registry
        )

    def reconcile(self) -> None:
        """One round: patch every object whose value is due, and forget those that the answer does not name."""
        try:
            wanted = self._ask()
        except (httpx.HTTPError, ValueError) as error:
            log.warning("Prometheus gives no answer, so no %s changes: %s", self._names.value, error)
            return
        self._answered.set(time.time())
        for name in self._patched.keys() - wanted.keys():
            del self._patched[name]
            self.on_forgotten(name)
        for name, value in sorted(wanted.items()):
            last = self._patched.get(name)
            if last is None or self.is_due(value, last, self._clock() - last.at):
                self._patch(name, value, last)

    @abstractmethod
    def is_due(self, value: int, last: Patched, seconds: float) -> bool:
        """Whether to write `value` to an object whose last patch is `seconds` old."""

    def outcome_of(self, _error: Exception) -> str:
        """FAILED, which is logged, or another outcome, which is not."""
        return FAILED

    def on_patched(self, name: str, value: int, last: Patched | None) -> None:  # noqa: B027 - an optional hook
        """Called after a patch; `last` is the one before it."""

    def on_forgotten(self, name: str) -> None:  # noqa: B027 - an optional hook
        """Called for an object that the answer no longer names."""

    def _patch(self, name: str, value: int, last: Patched | None) -> None:
        try:
            self._write(name, value)
        except (httpx.HTTPError, OSError) as error:
            outcome = self.outcome_of(error)
            self._patches.labels(outcome).inc()
            if outcome == FAILED:
                reason = " ".join(str(error).split())
                log.warning("the %s of %s %s stays: %s", self._names.value, self._names.object, name, reason)
            return
        self._patches.labels(WRITTEN).inc()
        self._patched[name] = Patched(value, self._clock())
        self.on_patched(name, value, last)

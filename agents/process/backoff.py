"""How long to wait before asking again something that did not answer.

In: how often it failed in a row. Out: seconds, doubling up to a bound, the upper half of it by chance: the pods of a
whole cluster must not come back to a restarted server in one moment.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

LARGEST_EXPONENT: Final = 16
"""Beyond it every bound is reached, and 2.0 ** failures would overflow after a long night."""


@dataclass(frozen=True)
class Backoff:
    """Waits of one kind of attempt; `jitter` gives 0..1 and is replaced in tests."""

    first_seconds: float
    last_seconds: float
    jitter: Callable[[], float] = random.random

    def seconds(self, failures: int) -> float:
        """Wait after so many failures in a row (>= 1)."""
        exponent = min(failures - 1, LARGEST_EXPONENT)
        longest = min(self.last_seconds, self.first_seconds * 2.0**exponent)
        return longest * (1 + self.jitter()) / 2

"""How often and how late something is sent again."""

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Backoff:
    """`tries` in all; before try n + 1 a random wait below `first_seconds` x 2^(n-1), at most `longest_seconds`.

    Source: AWS Architecture Blog, "Exponential Backoff And Jitter", "Full Jitter". Two more tries see a replica leave
    and the next one be found; more would only add load to a peer that is down.
    """

    tries: int = 3
    first_seconds: float = 0.1
    longest_seconds: float = 2.0

    def wait_seconds(self, tried: int, retry_after_seconds: float = 0.0) -> float:
        """Wait after try number `tried`; never before the peer wants to be asked again."""
        longest = min(self.longest_seconds, self.first_seconds * 2 ** (tried - 1))
        return retry_after_seconds + random.uniform(0, longest)  # noqa: S311 - jitter, no secret

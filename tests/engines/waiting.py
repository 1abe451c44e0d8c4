"""Bounded waits on a condition."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")

POLL_SECONDS: Final = 0.1


def wait_for(condition: Callable[[], T], what: str, seconds: float = 60) -> T:
    """The first true value of a condition. Raises TimeoutError with `what` after `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(POLL_SECONDS)
    raise TimeoutError(f"{what}: not within {seconds} s")

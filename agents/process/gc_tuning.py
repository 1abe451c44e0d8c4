"""Garbage collection of a replica: rarer while requests are served, once after sessions, which are cycles, expire."""

import asyncio
import gc
from collections.abc import Callable
from typing import Final

YOUNG_OBJECTS: Final = 7000  # threshold; CPython's 700 is what 35 calls leave (docs/reference/performance.md)
LEAST_ENDED: Final = 100  # sessions that are worth a collection; fewer hold some 4 MiB
SETTLE_SECONDS: Final = 5.0  # before a collection that is due: sessions that expire together share it


def freeze() -> None:
    """Leave all objects of the start out of later collections; a higher threshold of the service, or 0, stays."""
    gc.collect()
    gc.freeze()
    young, *older = gc.get_threshold()
    if 0 < young < YOUNG_OBJECTS:
        gc.set_threshold(YOUNG_OBJECTS, *older)


def collector_of_sessions(open_sessions: Callable[[], int]) -> Callable[[], None]:
    """Return what to call for each ended session; it collects once as many have ended as are open, or all have."""
    ended, is_due = 0, False

    def collect() -> None:
        nonlocal ended, is_due
        ended, is_due = 0, False
        gc.collect()

    def session_ended() -> None:
        nonlocal ended, is_due
        ended, still_open = ended + 1, open_sessions()
        if not is_due and (ended >= max(LEAST_ENDED, still_open) or not still_open):
            is_due = True
            asyncio.get_running_loop().call_later(SETTLE_SECONDS, collect)

    return session_ended

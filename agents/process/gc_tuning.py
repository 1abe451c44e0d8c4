"""Garbage collector settings of a replica: fewer collections while it serves, one after sessions (cycles) expire."""

import asyncio
import gc
from collections.abc import Callable
from typing import Final

YOUNG_OBJECTS: Final = 7000  # threshold; CPython's 700 is reached every 35 calls (docs/reference/performance.md)
LEAST_ENDED: Final = 100  # fewer ended sessions hold some 4 MiB and are not worth a collection
SETTLE_SECONDS: Final = 5.0  # delay of a due collection, which sessions that expire together share


def freeze() -> None:
    """Exclude all objects of the start from later collections; a higher threshold of the service, or 0, stays."""
    gc.collect()
    gc.freeze()
    young, *older = gc.get_threshold()
    if 0 < young < YOUNG_OBJECTS:
        gc.set_threshold(YOUNG_OBJECTS, *older)


def session_collector(open_sessions: Callable[[], int]) -> Callable[[], None]:
    """Return the callback for each ended session; it collects once as many have ended as are open, or all have."""
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

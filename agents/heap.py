"""The process's memory: what the start has made is never searched for garbage, what sessions leave goes back to Linux.

In: the end of the start, and every session that ends. Out: a smaller and a faster process.
An ended session of the SDK is a net of references to itself, tens of KiB that wait for CPython's oldest generation; and
CPython returns an arena of 1 MiB only when no object in it lives, the system's allocator (`contract.ENV_ALLOCATOR`) a
page of 4 KiB. Measured in docs/reference/performance.md.
Not here: when a session ends (the SDK's idle time), how many there may be (`limits.sessions`).
"""

import asyncio
import ctypes
import gc
import sys
from collections.abc import Callable
from time import monotonic
from typing import Final

LEAST_ENDED: Final = 100
"""Ended sessions worth a search for garbage; fewer hold some 4 MiB."""

SETTLE_SECONDS: Final = 1.0
"""From the last session that counts to the search: those that end together are taken together."""

CANCELLED_TIMERS: Final = 101
"""So many cancelled timers, if they are most, make asyncio drop all. Source: CPython 3.11, asyncio.base_events,
`_MIN_CANCELLED_TIMER_HANDLES` = 100 and `_MIN_CANCELLED_TIMER_HANDLES_FRACTION` = 0.5."""

YOUNG_OBJECTS: Final = 7000
"""Objects more than were freed until CPython searches the young ones. Its own 700 are what 35 calls leave, and it then
walks all that calls in work use, for little: 4 % of a call's instructions (docs/reference/performance.md)."""

FAR_SECONDS: Final = 3600.0

LAST_SECONDS: Final = 5.0
"""From the end of the only session that was open to the search, be they ever so few."""

IDLE_CHECK_SECONDS: Final = 0.05
MOST_WAIT_SECONDS: Final = 30.0
"""How long a search waits for a moment without a call in work: it stops the process for 0.1 s per thousand sessions."""


def freeze() -> None:
    """Take what the start has made out of every later garbage collection, and let calls end before they are searched.

    It stays anyway, and searching it again and again was a fifth of the CPU of a call (docs/reference/performance.md).
    A service that has set a higher threshold, or none (0), keeps it.
    """
    gc.collect()
    gc.freeze()
    young, *older = gc.get_threshold()
    if 0 < young < YOUNG_OBJECTS:
        gc.set_threshold(YOUNG_OBJECTS, *older)


class Reclaim:
    """Gives the memory of ended sessions back, once as many have ended as are still open, while no call is in work."""

    def __init__(self, open_sessions: Callable[[], int], calls: Callable[[], int] = lambda: 0) -> None:
        self._open = open_sessions
        self._calls = calls
        self._ended = 0
        self._waits_for_last = False

    def session_ended(self) -> None:
        """Count one; a search costs as much as there are open sessions, so these decide when it is worth it."""
        self._ended += 1
        still_open = self._open()
        if self._ended >= max(LEAST_ENDED, still_open):
            self._search_after(SETTLE_SECONDS)
        elif not still_open and not self._waits_for_last:
            self._waits_for_last = True
            self._search_after(LAST_SECONDS)

    def _search_after(self, seconds: float) -> None:
        self._ended = 0
        asyncio.get_running_loop().call_later(seconds, drop_cancelled_timers, self._begin)

    def _begin(self) -> None:
        self._waits_for_last = False
        self._search(monotonic() + MOST_WAIT_SECONDS)

    def _search(self, latest: float) -> None:
        if self._calls() and monotonic() < latest:
            asyncio.get_running_loop().call_later(IDLE_CHECK_SECONDS, self._search, latest)
        else:
            release()


def drop_cancelled_timers(then: Callable[[], None]) -> None:
    """Make the running loop forget timers that were cancelled, which keep their contexts until they are due."""
    loop = asyncio.get_running_loop()
    for _ in range(CANCELLED_TIMERS):
        loop.call_later(FAR_SECONDS, then).cancel()
    loop.call_soon(then)


def release() -> None:
    """Free what nothing reaches, and hand whole free pages back.

    CPython's cache of attribute look-ups holds the name of each, a new one for every `PyObject_CallMethod` with a C
    string (as `datetime` does for uvicorn's Date header, once a second), and each of these few bytes pins an arena.
    """
    sys._clear_type_cache()  # noqa: SLF001 - public in the documentation of `sys`, in spite of its name
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # GNU's alone; musl gives back by itself
    if trim is not None:
        trim(0)

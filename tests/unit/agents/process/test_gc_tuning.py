"""Garbage collection after sessions expire."""

import asyncio
import gc
import weakref
from collections.abc import Callable

import pytest

from meshed_mcp.agents.process import gc_tuning
from meshed_mcp.agents.process.gc_tuning import session_collector

pytestmark = pytest.mark.anyio


class Cycle:
    """Garbage that only a collection frees."""

    def __init__(self) -> None:
        self.itself = self


class Timers:
    """The running loop's `call_later`, run by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.due: list[Callable[[], object]] = []
        monkeypatch.setattr(asyncio, "get_running_loop", lambda: self)

    def call_later(self, seconds: float, callback: Callable[[], object]) -> None:
        """Keep the callback."""
        assert seconds == gc_tuning.SETTLE_SECONDS
        self.due.append(callback)


@pytest.fixture
def timers(monkeypatch: pytest.MonkeyPatch) -> Timers:
    """Timers, with no collection but those that are called for."""
    return Timers(monkeypatch)


def abandoned() -> weakref.ref[Cycle]:
    """A reference to an object that nothing else reaches."""
    return weakref.ref(Cycle())


def test_sessions_are_collected_once_as_many_have_ended_as_are_open(timers: Timers) -> None:
    """Requirement RUN-13: a collection costs as much as there are open sessions, so their number decides."""
    session_ended = session_collector(lambda: 2 * gc_tuning.LEAST_ENDED)
    for _ in range(2 * gc_tuning.LEAST_ENDED - 1):
        session_ended()
    assert not timers.due
    for _ in range(gc_tuning.LEAST_ENDED):
        session_ended()
    (collect,) = timers.due
    gc.disable()
    try:
        left = abandoned()
        assert left() is not None
        collect()
        assert left() is None
    finally:
        gc.enable()


def test_the_last_session_is_collected_however_few_there_were(timers: Timers) -> None:
    """Requirement RUN-13: an idle process does not keep the memory of its sessions."""
    still_open = [1, 0, 0, 0]
    session_ended = session_collector(lambda: still_open.pop(0))
    session_ended()
    assert not timers.due
    session_ended()
    session_ended()
    (collect,) = timers.due
    collect()
    session_ended()
    assert len(timers.due) == 2


@pytest.mark.parametrize(("before", "after"), [(700, gc_tuning.YOUNG_OBJECTS), (0, 0), (10**5, 10**5)])
def test_a_threshold_of_the_service_is_kept(monkeypatch: pytest.MonkeyPatch, before: int, after: int) -> None:
    """CPython, `gc.set_threshold`: 0 disables collection; requirement RUN-12: a service's own value is kept."""
    found = [before, 10, 10]
    monkeypatch.setattr(gc, "freeze", lambda: None)
    monkeypatch.setattr(gc, "get_threshold", lambda: tuple(found))
    monkeypatch.setattr(gc, "set_threshold", lambda *values: found.__setitem__(slice(None), values))
    gc_tuning.freeze()
    assert found == [after, 10, 10]

"""Executor that runs requests in the order of their submission, one at a time, on one thread."""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any


class Turns(ThreadPoolExecutor):
    """A request runs after the previous one, or when that one lets others go on: then beside it, on a new thread."""

    def __init__(self, initializer: Callable[[], None]) -> None:
        super().__init__(1, initializer=initializer)
        self.new_lane = partial(ThreadPoolExecutor, 1, initializer=initializer)
        self.lanes = [self.new_lane()]
        self.waiting = deque[tuple[Future[Any], Callable[[], Any]]]()
        self.lock = threading.Lock()
        self.serving = 0  # the thread whose turn it is

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run `fn` in its turn."""
        future = Future[Any]()
        with self.lock:
            self.waiting.append((future, partial(fn, *args, **kwargs)))
            self.lanes[-1].submit(self.run_next)
        return future

    def run_next(self) -> None:
        """Run the request that has waited longest."""
        self.serving = threading.get_ident()
        future, call = self.waiting.popleft()
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001 - raised where the result is awaited
            future.set_exception(error)

    def let_others_go_on(self) -> None:
        """Serve all waiting requests on a new thread; the one of this thread goes on beside them."""
        with self.lock:
            if self.serving != threading.get_ident():
                return  # others go on already
            self.lanes[-1].shutdown(wait=False, cancel_futures=True)
            self.lanes.append(self.new_lane())
            for _ in range(len(self.waiting)):
                self.lanes[-1].submit(self.run_next)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Wait for all requests."""
        for lane in self.lanes:
            lane.shutdown(wait, cancel_futures=cancel_futures)
        super().shutdown(wait, cancel_futures=cancel_futures)

"""Steady load of both protocol eras on one endpoint; each call has its own token and is sent once.

Takes a URL, rates and the folder in which bench/servers/counted.py records executions. Returns the outcome of every
call. The rate does not wait for responses. If a session gets 404, the client opens it again and sends the call there,
as MCP 2025-11-25 ("Session Management") requires. Any other failure is a lost call. The caller changes the stack.
"""

import asyncio
import itertools
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import httpx2

MODERN: Final = "2026-07-28"
LEGACY: Final = "2025-11-25"
ANSWER_SECONDS: Final = 60.0
SESSION_GONE: Final = 404
HEADERS: Final = {"accept": "application/json, text/event-stream", "mcp-method": "tools/call", "mcp-name": "count"}


@dataclass(frozen=True)
class Rates:
    """Calls per second of each era, number of sessions, and duration of each call."""

    modern: float
    legacy: float
    sessions: int
    work_milliseconds: int


@dataclass(frozen=True)
class Call:
    """One call: when it was sent and how long it took (seconds), its response, or its failure."""

    token: str
    era: str
    at: float
    seconds: float
    answer: str
    failure: str


@dataclass
class Session:
    """A legacy session; `id` is empty until it is opened, `renewals` counts how often it was lost."""

    id: str = ""
    renewals: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Steady:
    """The load; `calls` grows while it runs."""

    def __init__(self, url: str, rates: Rates, *, proxy: str | None = None, prefix: str = "") -> None:
        self._url, self._rates, self._proxy, self._prefix = url, rates, proxy, prefix
        self._numbers = itertools.count()
        self._stop = asyncio.Event()
        self.calls: list[Call] = []
        self.sessions = [Session() for _ in range(rates.sessions)]

    async def run(self) -> None:
        """Send until stopped, then wait for outstanding responses."""
        limits = httpx2.Limits(max_connections=None)
        async with httpx2.AsyncClient(
            proxy=self._proxy, headers=HEADERS, timeout=ANSWER_SECONDS, trust_env=False, limits=limits
        ) as client:
            for session in self.sessions:
                await self._open(client, session)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._send(client, tasks, MODERN, self._rates.modern))
                tasks.create_task(self._send(client, tasks, LEGACY, self._rates.legacy))

    def stop(self) -> None:
        """Stop sending calls. Call this in the loop's thread."""
        self._stop.set()

    async def _send(self, client: httpx2.AsyncClient, tasks: asyncio.TaskGroup, era: str, rate: float) -> None:
        begin = perf_counter()
        for number in itertools.count():
            pause = begin + number / rate - perf_counter() if rate else None
            try:
                async with asyncio.timeout(None if pause is None else max(0.0, pause)):
                    await self._stop.wait()
            except TimeoutError:
                session = self.sessions[number % len(self.sessions)] if era == LEGACY else None
                tasks.create_task(self._call(client, era, session))
            else:
                return

    async def _call(self, client: httpx2.AsyncClient, era: str, session: Session | None) -> None:
        token, at = f"{self._prefix}{next(self._numbers):07d}", perf_counter()
        try:
            status, text = await self._ask(client, token, session)
            failure = "" if f"{token} " in text else f"{status} {text[:200]}"
        except httpx2.TransportError as error:
            text, failure = "", f"{type(error).__name__} {error}"
        answer = text[text.find(f"{token} ") :].partition('"')[0].rstrip("\\") if not failure else ""
        self.calls.append(Call(token, era, at, perf_counter() - at, answer, failure))

    async def _ask(self, client: httpx2.AsyncClient, token: str, session: Session | None) -> tuple[int, str]:
        if session is None:
            answer = await client.post(self._url, json=message(token, self._rates, MODERN), headers=version(MODERN))
            return answer.status_code, answer.text
        while True:
            known = session.id
            headers = {**version(LEGACY), "mcp-session-id": known}
            answer = await client.post(self._url, json=message(token, self._rates, LEGACY), headers=headers)
            if answer.status_code != SESSION_GONE:
                return answer.status_code, answer.text
            async with session.lock:
                if session.id == known:
                    session.renewals += 1
                    await self._open(client, session)

    async def _open(self, client: httpx2.AsyncClient, session: Session) -> None:
        """Open a session. Raises RuntimeError if the server rejects it, which ends the load."""
        info = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": {"name": "steady", "version": "1"}}
        opening = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": info}
        answer = await client.post(self._url, json=opening)
        if "mcp-session-id" not in answer.headers:
            raise RuntimeError(f"no session: {answer.status_code} {answer.text[:200]}")
        session.id = answer.headers["mcp-session-id"]
        ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        await client.post(self._url, json=ready, headers={**version(LEGACY), "mcp-session-id": session.id})


def version(era: str) -> dict[str, str]:
    """The header that distinguishes the eras."""
    return {"mcp-protocol-version": era}


def message(token: str, rates: Rates, era: str) -> dict[str, Any]:
    """One call of the tool; its id is unique, because a session has several calls in flight."""
    meta = {"protocolVersion": MODERN, "clientCapabilities": {}, "clientInfo": {"name": "steady", "version": "1"}}
    params: dict[str, Any] = {
        "name": "count",
        "arguments": {"token": token, "milliseconds": rates.work_milliseconds},
    }
    if era == MODERN:
        params["_meta"] = {f"io.modelcontextprotocol/{key}": value for key, value in meta.items()}
    return {"jsonrpc": "2.0", "id": token, "method": "tools/call", "params": params}


@contextmanager
def steady(load: Steady) -> Iterator[Steady]:
    """Run the load in a thread for the block, and after it until every call has ended."""
    loop = asyncio.new_event_loop()
    failed: list[BaseException] = []

    def run() -> None:
        try:
            loop.run_until_complete(load.run())
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield load
    finally:
        loop.call_soon_threadsafe(load.stop)
        thread.join()
        loop.close()
    if failed:
        raise failed[0]


def executions(folder: Path) -> Counter[str]:
    """Executions per token, from the records of the replicas."""
    return Counter(line for file in folder.iterdir() for line in file.read_text().splitlines())


def verdict(calls: list[Call], executed: Counter[str]) -> dict[str, int]:
    """Totals: calls, lost calls, calls executed twice, and responses without a recorded execution."""
    return {
        "calls": len(calls),
        "lost": sum(bool(call.failure) for call in calls),
        "doubled": sum(executed[call.token] > 1 for call in calls),
        "answered_unexecuted": sum(not call.failure and not executed[call.token] for call in calls),
    }

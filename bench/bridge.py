"""Latency that the bridge adds, and its processes and memory under many sessions: `python -m bench.bridge [SESSIONS]`.

Latency is paired: rounds alternate between the official client on the bare server and on the bridge in front of the
same server, one call after the other. Each round's figure is its median; the result is the median of the differences.
SESSIONS is the number of sessions that are opened and closed, 10,000 by default.
"""

import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

from bench import report
from bench.processes import SERVERS, free_port, service_environment
from meshed_mcp import contract

BEGIN: Final = "<!-- measured: make bench-bridge -->\n"
RESULT: Final = Path(__file__).parent / "results" / "bridge.json"
ROUNDS: Final = 30
CALLS: Final = 60  # calls of one round
WARM_UP: Final = 100
AT_ONCE: Final = 200  # concurrent sessions. Source: "Figures to reach"
SESSIONS: Final = 10_000
OPENING: Final = 8  # sessions that are opened at the same time
SETTLE_SECONDS: Final = 30
LIMITS: Final = {"stdio_p50_ms": 3.0, "http_p50_ms": 2.0, "idle_mib": 90.0}
"""Figures to reach."""

STDIO: Final = [sys.executable, str(SERVERS / "stdio_echo.py")]
SMALL: Final = [sys.executable, "-S", "-E", str(SERVERS / "small_stdio.py")]


class Bridge:
    """A bridge as a process."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, management_port: int) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}{contract.MCP_PATH}"
        self._management = f"http://127.0.0.1:{management_port}"

    def rss(self) -> float:
        """Resident memory of the bridge itself in MiB. Source: Linux, `smaps_rollup`."""
        lines = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Rss:")) / 1024

    def children(self) -> int:
        """Number of its child processes, of the thread that starts them all."""
        pid = self.process.pid
        return len(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())

    async def is_ready(self) -> bool:
        """Whether the readiness probe would pass."""
        async with httpx.AsyncClient(trust_env=False) as http:
            try:
                return (await http.get(f"{self._management}{contract.READINESS_PATH}")).status_code == httpx.codes.OK
            except httpx.TransportError:
                return False


@asynccontextmanager
async def bridge(**variables: str) -> AsyncIterator[Bridge]:
    """Run a bridge until the end of the block."""
    port, management_port = free_port(), free_port()
    environment = {**os.environ, **service_environment(port, management_port), **variables}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "meshed_mcp.agents.bridge", env=environment)
    found = Bridge(process, port, management_port)
    try:
        async with asyncio.timeout(60):
            while not await found.is_ready():  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)
        yield found
    finally:
        process.terminate()
        await process.wait()


async def latency(client: Client, calls: int) -> list[float]:
    """Milliseconds of each of `calls` calls."""
    found = []
    for number in range(calls):
        begin = time.perf_counter()
        result = await client.call_tool("echo", {"text": str(number)})
        found.append((time.perf_counter() - begin) * 1000)
        if result.content[0].text != str(number):  # type: ignore[union-attr]
            raise RuntimeError(f"wrong response: {result}")
    return found


async def paired(bare: Client, bridged: Client) -> dict[str, Any]:
    """Medians of alternating rounds, and the median of their differences."""
    for client in (bare, bridged):
        await latency(client, WARM_UP)
    rounds: dict[str, list[float]] = {"bare": [], "bridge": []}
    for number in range(ROUNDS):
        pair = [("bare", bare), ("bridge", bridged)]
        for name, client in pair if number % 2 else reversed(pair):
            rounds[name].append(statistics.median(await latency(client, CALLS)))
    differences = [bridged - bare for bare, bridged in zip(rounds["bare"], rounds["bridge"], strict=True)]
    return {"rounds_ms": rounds, "added_p50_ms": statistics.median(differences)}


async def stdio_latency(mode: str) -> dict[str, Any]:
    """The bare process by the official client's own stdio transport, and the bridge in front of the same program."""
    parameters = StdioServerParameters(command=STDIO[0], args=STDIO[1:])
    variables = {contract.ENV_UPSTREAM_COMMAND: json.dumps(STDIO), contract.ENV_LEGACY: "sticky"}
    async with (
        bridge(**variables) as running,
        Client(stdio_client(parameters), mode=mode) as bare,
        Client(streamable_http_client(running.url), mode=mode) as bridged,
    ):
        return await paired(bare, bridged)


async def http_latency(mode: str) -> dict[str, Any]:
    """The bare HTTP server, and the bridge in front of it."""
    port = free_port()
    server = await asyncio.create_subprocess_exec(sys.executable, str(SERVERS / "bare.py"), str(port))
    url = f"http://127.0.0.1:{port}/mcp"
    try:
        async with (
            bridge(**{contract.ENV_UPSTREAM_URL: url}) as running,
            Client(streamable_http_client(url), mode=mode) as bare,
            Client(streamable_http_client(running.url), mode=mode) as bridged,
        ):
            return {**await paired(bare, bridged), "idle_mib": running.rss()}
    finally:
        server.terminate()
        await server.wait()


async def many_sessions(count: int) -> dict[str, Any]:
    """Sessions at the same time, then sessions one after the other: memory, and processes that are left."""
    variables = {
        contract.ENV_UPSTREAM_COMMAND: json.dumps(SMALL),
        contract.ENV_LEGACY: "sticky",
        contract.ENV_UPSTREAM_MAX_PROCESSES: str(AT_ONCE),
        contract.ENV_CONCURRENT_CALLS: str(2 * AT_ONCE),
    }
    async with bridge(**variables) as running:
        idle = running.rss()
        at_once = await concurrent_sessions(running)
        after_concurrent = await left(running)
        begin = time.perf_counter()
        await opened_and_closed(running, count)
        seconds = time.perf_counter() - begin
        return {
            "idle_mib": idle,
            "at_once": {"sessions": AT_ONCE, **at_once, "left": after_concurrent},
            "churn": {"sessions": count, "seconds": seconds, "left": await left(running), "bridge_mib": running.rss()},
        }


async def concurrent_sessions(running: Bridge) -> dict[str, Any]:
    """Hold AT_ONCE sessions open, each of a task of its own, until all have made calls."""
    holding, release, count = asyncio.Event(), asyncio.Event(), 0

    async def hold() -> None:
        nonlocal count
        async with Client(streamable_http_client(running.url), mode="legacy") as client:
            await latency(client, 3)
            count += 1
            if count == AT_ONCE:
                holding.set()
            await release.wait()

    async with asyncio.TaskGroup() as tasks:
        for _ in range(AT_ONCE):
            tasks.create_task(hold())
            await asyncio.sleep(0.02)  # 50 sessions per second
        async with asyncio.timeout(120):
            await holding.wait()
        found = {"processes": running.children(), "bridge_mib": running.rss()}
        release.set()
    return found


async def opened_and_closed(running: Bridge, count: int) -> None:
    """Open sessions with one call each, OPENING at a time."""
    remaining = iter(range(count))

    async def work() -> None:
        for _ in remaining:
            async with Client(streamable_http_client(running.url), mode="legacy") as client:
                await latency(client, 1)

    await asyncio.gather(*(work() for _ in range(OPENING)))


async def left(running: Bridge) -> int:
    """Number of processes that are left when they have had time to end."""
    ends = time.monotonic() + SETTLE_SECONDS
    while (count := running.children()) and time.monotonic() < ends:  # noqa: ASYNC110 - other processes
        await asyncio.sleep(0.1)
    return count


async def measured(count: int) -> dict[str, Any]:
    """All measurements."""
    found: dict[str, Any] = {"machine": report.machine()}
    for mode in ("2026-07-28", "legacy"):
        found[f"stdio {mode}"] = await stdio_latency(mode)
        found[f"http {mode}"] = await http_latency(mode)
    write(found)  # the sessions take minutes
    found["sessions"] = await many_sessions(count)
    write(found)
    return found


def write(found: dict[str, Any]) -> None:
    """Write the raw data."""
    RESULT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def table(found: dict[str, Any]) -> str:
    """Figures for the page."""
    place, sessions = found["machine"], found["sessions"]
    machine = f"{place['cores']} cores ({place['cpu']}), load {place['load_before']:.1f} before the run"
    lines = [
        f"{place['date']}, {machine}, Python {place['python']}, mcp {place['mcp']}; {ROUNDS} rounds of {CALLS} calls.",
        "",
        "| upstream and revision | bare p50, ms | bridge p50, ms | added p50, ms | goal |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, result in found.items():
        if "added_p50_ms" in result:
            bare, bridged = (statistics.median(result["rounds_ms"][side]) for side in ("bare", "bridge"))
            goal = LIMITS[f"{name.split()[0]}_p50_ms"]
            lines.append(f"| {name} | {bare:.2f} | {bridged:.2f} | {result['added_p50_ms']:.2f} | {goal:g} |")
    at_once, churn = sessions["at_once"], sessions["churn"]
    held = f"{at_once['processes']} processes, the bridge {at_once['bridge_mib']:.0f} MiB"
    passed = f"{churn['left']} processes left, the bridge {churn['bridge_mib']:.0f} MiB"
    lines += [
        "",
        f"- idle bridge: {sessions['idle_mib']:.0f} MiB (goal {LIMITS['idle_mib']:g})",
        f"- {at_once['sessions']} concurrent stdio sessions: {held}; {at_once['left']} processes left afterwards",
        f"- {churn['sessions']:,} sessions opened and closed in {churn['seconds']:.0f} s: {passed}",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print, and write the table of the page."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else SESSIONS
    report.place(BEGIN, table(asyncio.run(measured(count))))


if __name__ == "__main__":
    main()

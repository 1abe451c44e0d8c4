"""Newline-delimited JSON-RPC over a byte stream, with bounded lines: the stdio transport of MCP.

Source: MCP 2025-11-25, "Transports", "stdio". The SDK's own stdio client has no limit for a line, hides the exit code,
and owns the process; here a TCP connection to the launcher is read by the same code.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

import anyio
import mcp_types
from anyio.streams.memory import MemoryObjectSendStream
from mcp.shared.message import SessionMessage

from meshed_mcp.agents.bridge.metrics import NOT_JSON_RPC, TOO_LONG

LINE_BYTES: Final = 16 * 1024 * 1024
"""Longest message of an upstream; longer lines are dropped and counted. Four times the largest request body."""

READ_BYTES: Final = 64 * 1024
"""Bytes of one read. Source: Linux, pipe(7), "Pipe capacity"."""

WriteLine = Callable[[bytes], Awaitable[None]]


async def bounded_lines(
    reader: asyncio.StreamReader, longest: int, on_long: Callable[[], None], *, truncate: bool = False
) -> AsyncIterator[bytes]:
    """Yield each line without its newline; of a longer line its beginning if `truncate`, otherwise nothing."""
    line = bytearray()
    is_long = False
    while part := await reader.read(READ_BYTES):
        *ends, rest = part.split(b"\n")
        for end in ends:
            line += end[: longest + 1 - len(line)]
            is_long = is_long or len(line) > longest
            if is_long:
                on_long()
            if truncate or not is_long:
                yield bytes(line[:longest])
            line.clear()
            is_long = False
        line += rest[: longest + 1 - len(line)]
        is_long = is_long or len(line) > longest
        if is_long and not truncate:
            line = line[:0]
    if line and not is_long:
        yield bytes(line)


def message_of(line: bytes) -> SessionMessage | None:
    """Return the JSON-RPC message of a line; None for anything else that a program prints."""
    try:
        return SessionMessage(mcp_types.jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError:
        return None


def exit_code_of(line: bytes) -> int | None:
    """Return the exit code in the launcher's last line, `{"exit": 3}`; None for another line."""
    try:
        match json.loads(line):
            case {"exit": int(code), **rest} if not rest:
                return code
    except ValueError:
        pass
    return None


@asynccontextmanager
async def message_streams(
    reader: asyncio.StreamReader,
    write: WriteLine,
    on_noise: Callable[[str], None],
    *,
    on_end: Callable[[], Awaitable[None]],
    on_exit_code: Callable[[int], None] | None = None,
) -> AsyncIterator[tuple[Any, Any]]:
    """Yield the SDK's pair of message streams; `on_end` runs when the byte stream has ended, before the pair closes."""
    to_session, received = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    outgoing, from_session = anyio.create_memory_object_stream[SessionMessage](0)

    async def write_messages() -> None:
        async with from_session:
            async for message in from_session:
                await write(message.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")

    async def end_with(work: Callable[[], Awaitable[None]]) -> None:
        """Run `work`; its end, or a broken byte stream, closes the session's side, so that no call waits for ever."""
        with contextlib.suppress(OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
            await work()
        await on_end()
        await to_session.aclose()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(end_with, partial(_read_messages, reader, to_session, on_noise, on_exit_code))
        tasks.start_soon(end_with, write_messages)
        try:
            yield received, outgoing
        finally:
            tasks.cancel_scope.cancel()
            for stream in (received, outgoing, to_session, from_session):
                stream.close()


async def _read_messages(
    reader: asyncio.StreamReader,
    to_session: MemoryObjectSendStream[SessionMessage | Exception],
    on_noise: Callable[[str], None],
    on_exit_code: Callable[[int], None] | None,
) -> None:
    async for line in bounded_lines(reader, LINE_BYTES, lambda: on_noise(TOO_LONG)):
        if (message := message_of(line)) is not None:
            await to_session.send(message)
        elif on_exit_code is not None and (code := exit_code_of(line)) is not None:
            on_exit_code(code)
        elif line.strip():
            on_noise(NOT_JSON_RPC)

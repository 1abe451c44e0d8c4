"""Newline-delimited JSON-RPC: bounded lines, messages, the launcher's exit code."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshed_mcp.agents.bridge.lines import bounded_lines, exit_code_of, message_of

LONGEST = 8


async def lines(parts: list[bytes], *, truncate: bool = False) -> tuple[list[bytes], int]:
    """Lines of a stream that arrives in parts, and the number of long ones."""
    reader, long_lines = asyncio.StreamReader(), 0

    def on_long() -> None:
        nonlocal long_lines
        long_lines += 1

    for part in parts:
        reader.feed_data(part)
    reader.feed_eof()
    found = [line async for line in bounded_lines(reader, LONGEST, on_long, truncate=truncate)]
    return found, long_lines


@given(st.lists(st.binary(max_size=12), max_size=8))
def test_lines_do_not_depend_on_how_they_arrive(parts: list[bytes]) -> None:
    """MCP, "Transports", stdio: messages are delimited by newlines; Requirement BRG-5: longer ones are dropped."""
    whole = b"".join(parts)
    *complete, rest = whole.split(b"\n")
    wanted = [line for line in complete if len(line) <= LONGEST] + ([rest] if 0 < len(rest) <= LONGEST else [])
    found, long_lines = asyncio.run(lines(parts))
    assert found == wanted
    assert long_lines == sum(len(line) > LONGEST for line in complete)


def test_a_long_line_is_truncated_for_the_log() -> None:
    """Requirement BRG-7: the beginning of a long line is kept."""
    assert asyncio.run(lines([b"0123456789abc", b"def\nxy\n"], truncate=True)) == ([b"01234567", b"xy"], 1)


@pytest.mark.parametrize("line", [b"hello", b"[1]", b"{}", b'{"jsonrpc": "1.0"}', b"\xff\xfe", b""])
def test_other_output_is_no_message(line: bytes) -> None:
    """Requirement BRG-5: JSON-RPC 2.0 alone passes."""
    assert message_of(line) is None


def test_a_message_keeps_fields_that_the_sdk_does_not_know() -> None:
    """Requirement BRG-1: fields of extensions pass."""
    message = message_of(b'{"jsonrpc": "2.0", "id": 1, "result": {"x-new": [1, null]}}')
    assert message is not None
    assert message.message.model_dump(by_alias=True, exclude_unset=True)["result"] == {"x-new": [1, None]}


@pytest.mark.parametrize(
    ("line", "code"),
    [(b'{"exit": 3}', 3), (b'{"exit": 3, "x": 1}', None), (b'{"exit": "3"}', None), (b"exit", None), (b"[]", None)],
)
def test_the_launcher_reports_the_exit_code(line: bytes, code: int | None) -> None:
    """image/stdio-launcher/main.go: the last line of a connection."""
    assert exit_code_of(line) == code

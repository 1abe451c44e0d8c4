"""A client of MCP 2025-11-25 that sees each event of a stream: what resumes, what repeats, what is lost."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from meshed_mcp import contract

VERSION = {"MCP-Protocol-Version": "2025-11-25"}
ACCEPT = {"Accept": "application/json, text/event-stream"}


def message(method: str, number: int | str | None = None, **params: Any) -> dict[str, Any]:
    """A JSON-RPC request, or a notification without a number."""
    named = {} if number is None else {"id": number}
    return {"jsonrpc": "2.0", "method": method, "params": params, **named}


def call(tool: str, number: int | str, **arguments: Any) -> dict[str, Any]:
    """A tool call with progress."""
    return message("tools/call", number, name=tool, arguments=arguments, _meta={"progressToken": f"p{number}"})


@dataclass
class Events:
    """An open event stream."""

    response: httpx.Response
    last: str = ""
    _lines: Any = field(default=None)

    async def next(self) -> dict[str, Any] | None:
        """The next message; None at the end of the stream."""
        self._lines = self._lines or self.response.aiter_lines()
        data = None
        async for line in self._lines:
            if line.startswith("id: "):
                self.last = line.removeprefix("id: ")
            elif line.startswith("data: ") and len(line) > len("data: "):
                data = json.loads(line.removeprefix("data: "))
            elif not line and data is not None:
                return dict(data)
        return None

    async def primed(self) -> str:
        """Id of the first event, which has no message. Source: MCP 2025-11-25, "Sending Messages to the Server"."""
        self._lines = self._lines or self.response.aiter_lines()
        async for line in self._lines:
            if line.startswith("id: "):
                self.last = line.removeprefix("id: ")
                return self.last
        raise AssertionError("the stream ended without an event")


@dataclass
class SessionClient:
    """One session."""

    http: httpx.AsyncClient
    url: str
    session: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def named(self) -> dict[str, str]:
        """Headers of each request."""
        return {**ACCEPT, **VERSION, contract.SESSION_HEADER: self.session, **self.headers}

    async def open(self, **capabilities: Any) -> None:
        """Open the session."""
        client = {"name": "old", "version": "1"}
        opening = message("initialize", 0, protocolVersion="2025-11-25", capabilities=capabilities, clientInfo=client)
        response = await self.http.post(self.url, json=opening, headers={**ACCEPT, **self.headers})
        assert response.status_code == 200, response.text
        self.session = response.headers[contract.SESSION_HEADER]
        await self.send(message("notifications/initialized"))

    async def send(self, body: dict[str, Any], url: str | None = None) -> httpx.Response:
        """Send one message."""
        return await self.http.post(url or self.url, json=body, headers=self.named)

    async def result(self, body: dict[str, Any], url: str | None = None) -> dict[str, Any]:
        """The response to a request."""
        async with self.stream(body, url=url) as events:
            while (found := await events.next()) is not None:
                if found.get("id") == body["id"] and "method" not in found:
                    return found
        raise AssertionError("no response")

    @asynccontextmanager
    async def stream(
        self, body: dict[str, Any] | None = None, *, after: str | None = None, url: str | None = None
    ) -> AsyncIterator[Events]:
        """The events of a request, or those of a GET, maybe after an event."""
        resumed = {} if after is None else {"Last-Event-ID": after}
        method = "GET" if body is None else "POST"
        async with self.http.stream(method, url or self.url, json=body, headers={**self.named, **resumed}) as response:
            assert response.status_code == 200, await response.aread()
            yield Events(response)


def text_of(result: dict[str, Any]) -> str:
    """Text of a tool's result."""
    return str(result["result"]["content"][0]["text"])

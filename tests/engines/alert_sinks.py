"""Receivers of a real Alertmanager: a webhook and a mail server on loopback that record notifications."""

import contextlib
import json
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Hook(BaseHTTPRequestHandler):
    """Records every posted document."""

    def do_POST(self) -> None:
        """Record one document."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posted.append((self.path, json.loads(body)))  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


class Mailbox(socketserver.StreamRequestHandler):
    """SMTP without extensions. Source: RFC 5321, section 4.1.1."""

    def handle(self) -> None:
        """Handle one session."""
        self.say("220 sink")
        for raw in self.rfile:
            command = raw.decode().upper().strip()
            if command == "DATA":
                self.say("354 go on")
                self.server.mails.append(self.message())  # type: ignore[attr-defined]
            self.say("221 bye" if command == "QUIT" else "250 ok")
            if command == "QUIT":
                return

    def message(self) -> str:
        """The text up to the line with a dot."""
        lines = []
        for raw in self.rfile:
            if raw == b".\r\n":
                break
            lines.append(raw.decode())
        return "".join(lines)

    def say(self, line: str) -> None:
        """Send a reply."""
        self.wfile.write(f"{line}\r\n".encode())


class HookServer(ThreadingHTTPServer):
    """The webhook; `posted` holds path and document."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Hook)
        self.posted: list[tuple[str, Any]] = []


class MailServer(socketserver.ThreadingTCPServer):
    """The mail server; `mails` holds whole messages."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Mailbox)
        self.mails: list[str] = []


@contextlib.contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[None]:
    """Run the server during the block."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

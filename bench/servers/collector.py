"""A collector that accepts and discards every span export. Argument: the port."""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Collector(BaseHTTPRequestHandler):
    """Returns 200 for every POST."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Accept one export."""
        if "content-length" in self.headers:
            self.rfile.read(int(self.headers["content-length"]))
        else:  # Envoy's exports are chunked
            while size := int(self.rfile.readline(), 16):
                self.rfile.read(size + len(b"\r\n"))
            self.rfile.readline()
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Collector).serve_forever()

"""A trace collector on loopback: takes OTLP over HTTP as a real one does and keeps every span for the test."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class ReceivedSpan:
    """One span as it was sent; ids in hex, `parent` and `links` are span ids, "" for a root."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    links: tuple[str, ...]


@dataclass
class Receiver:
    """Where it listens and what it got."""

    url: str
    spans: list[ReceivedSpan] = field(default_factory=list)
    resources: dict[str, dict[str, str]] = field(default_factory=dict)

    def take(self, body: bytes) -> None:
        """Read one export."""
        for group in ExportTraceServiceRequest.FromString(body).resource_spans:
            resource = {each.key: each.value.string_value for each in group.resource.attributes}
            service = resource["service.name"]
            self.resources[service] = resource
            self.spans += [
                ReceivedSpan(
                    service,
                    span.name,
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex(),
                    tuple(link.span_id.hex() for link in span.links),
                )
                for scope in group.scope_spans
                for span in scope.spans
            ]

    def of(self, trace: str) -> list[ReceivedSpan]:
        """Spans of one trace so far."""
        return [span for span in self.spans if span.trace == trace]


@contextmanager
def otlp_receiver(port: int = 0) -> Iterator[Receiver]:
    """Listen for as long as the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.take(_body(self))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        receiver = Receiver(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield receiver
        server.shutdown()
        thread.join()


def _body(request: BaseHTTPRequestHandler) -> bytes:
    """The body, whole or in chunks. Source: RFC 9112, section 7.1; Envoy sends chunks."""
    if "Content-Length" in request.headers:
        return request.rfile.read(int(request.headers["Content-Length"]))
    body = b""
    while size := int(request.rfile.readline(), 16):
        body += request.rfile.read(size)
        request.rfile.readline()
    request.rfile.readline()
    return body

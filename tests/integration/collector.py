"""A collector of OpenTelemetry's: what an operator tells it, as spans and as bytes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass
class Collector:
    """Takes OTLP over HTTP and keeps the spans."""

    url: str = ""
    resource: dict[str, str] = field(default_factory=dict)
    spans: list[Span] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, path: str, body: bytes) -> None:
        """One export."""
        if path != "/v1/traces":
            raise ValueError(path)
        request = ExportTraceServiceRequest.FromString(body)
        with self.lock:
            self.bodies.append(body)
            for group in request.resource_spans:
                self.resource = {one.key: one.value.string_value for one in group.resource.attributes}
                self.spans += [span for scope in group.scope_spans for span in scope.spans]

    def named(self, name: str) -> list[Span]:
        """The spans of a name so far."""
        with self.lock:
            return [span for span in self.spans if span.name == name]

    def text(self) -> str:
        """All that was told so far; what is text in it reads as text."""
        with self.lock:
            return b"".join(self.bodies).decode(errors="replace")

    @property
    def settings(self) -> dict[str, str]:
        """What has an operator tell it everything, at once."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}

    @contextmanager
    def running(self) -> Iterator[Collector]:
        """Serve in a thread."""
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                collector.take(self.path, self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Not to the test's output."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()

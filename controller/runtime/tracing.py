"""OpenTelemetry behind the port `controller.cloud.spans`, where its standard variables name a collector.

The library is an extra (`imm-operator[tracing]`) and imported only when it is asked for. Everything but the choice of
the exporter is the library's own reading of `OTEL_…`: sampling, batching, resource, headers, certificates.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

from controller.cloud import spans
from controller.cloud.spans import Attributes, Span

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span as OtelSpan

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
PROTOCOL = "http/protobuf"
FLUSH = 2.0  # seconds for the last spans at an end: the collector may be the one that does not answer
log = logging.getLogger(__name__)


def wanted(environment: Mapping[str, str]) -> bool:
    """Whether the standard variables ask for traces."""
    off = environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    none = environment.get("OTEL_TRACES_EXPORTER", "otlp").strip().lower() == "none"
    return not off and not none and any(environment.get(name) for name in ENDPOINTS)


class Tracing:
    """Spans to a collector. `end` sends what is left."""

    def __init__(self, provider: TracerProvider) -> None:
        from opentelemetry import trace  # noqa: PLC0415 - an extra

        self._provider = provider
        self._api = trace
        self._tracer = provider.get_tracer("imm-operator", version("imm-operator"))

    @contextmanager
    def span(self, name: str, attributes: Attributes) -> Iterator[Span]:
        with self._tracer.start_as_current_span(
            name, attributes=dict(attributes), record_exception=False, set_status_on_exception=False
        ) as span:
            yield _Told(span)

    def trace_id(self) -> str:
        context = self._api.get_current_span().get_span_context()
        return f"{context.trace_id:032x}" if context.is_valid else ""

    def end(self) -> None:
        """Send the last spans, unless the collector is too slow for them."""
        spans.use(None)
        last = threading.Thread(target=self._provider.shutdown, daemon=True)
        last.start()
        last.join(FLUSH)


class _Told:
    """A span of the library as the port has it."""

    def __init__(self, span: OtelSpan) -> None:
        self._span = span

    def note(self, attributes: Attributes) -> None:
        self._span.set_attributes(dict(attributes))

    def fail(self, error: BaseException) -> None:
        from opentelemetry.trace import StatusCode  # noqa: PLC0415 - an extra

        kind = type(error).__name__
        self._span.set_attribute("error.type", kind)
        self._span.set_status(StatusCode.ERROR, str(error) or kind)


def begin(environment: Mapping[str, str] = os.environ) -> Tracing | None:
    """Send spans where the standard variables say; None, and a log line where one is due, when there is no way to."""
    if not wanted(environment):
        return None
    protocol = next((environment[name] for name in PROTOCOLS if environment.get(name)), PROTOCOL)
    if protocol != PROTOCOL:
        log.warning("no traces: OTLP is spoken over %s alone, and %s is asked for", PROTOCOL, protocol)
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - an extra
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - an extra
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - an extra
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - an extra
    except ImportError as error:
        log.warning(
            "no traces: the OTEL_… variables ask for them, and imm-operator[tracing] is not installed: %s", error
        )
        return None
    own = {"service.version": version("imm-operator")}
    if str(Resource.create().attributes.get("service.name", "unknown_service")).startswith("unknown_service"):
        own["service.name"] = "imm-operator"
    provider = TracerProvider(resource=Resource.create(own), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    tracing = Tracing(provider)
    spans.use(tracing)
    return tracing

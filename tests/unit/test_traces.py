"""Spans: none and at no cost where nobody asks; parents and children right across threads where somebody does."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from controller.cloud import spans, trace
from controller.cloud.errors import Denied, Throttled
from controller.cloud.limiter import Lane, Limiter
from controller.runtime.threads import Threads
from controller.runtime.tracing import Tracing, wanted
from tests.unit.test_limiter import wait_until

COLLECTOR = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


@pytest.fixture
def kept() -> Iterator[InMemorySpanExporter]:
    """Spans end up here."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    spans.use(Tracing(provider))
    yield exporter
    spans.use(None)


def by_name(exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    """The finished spans."""
    return {span.name: span for span in exporter.get_finished_spans()}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, False),
        (COLLECTOR, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        (COLLECTOR | {"OTEL_SDK_DISABLED": "TRUE"}, False),
        (COLLECTOR | {"OTEL_TRACES_EXPORTER": "none"}, False),
        ({"OTEL_SERVICE_NAME": "mine"}, False),
    ],
)
def test_the_standard_variables_decide(environment: dict[str, str], *, expected: bool) -> None:
    """A name alone asks for nothing; who disables the SDK means it."""
    assert expected is wanted(environment)


def test_a_process_that_nobody_traces_never_imports_the_library() -> None:
    """It is not installed there: the operator's own modules, and its switch, work without it."""
    code = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name.split('.')[0] == 'opentelemetry':\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "import controller.__main__\n"
        "from controller.cloud import trace\n"
        "from controller.runtime import tracing\n"
        "assert tracing.begin({}) is None\n"
        "with trace.calling('imm:GetProject') as call: call.sent(); call.answered('r-1')\n"
        f"assert tracing.begin({COLLECTOR!r}) is None\n"
        "assert not any(name.startswith('opentelemetry') for name in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (0, "") == (done.returncode, done.stdout), done.stderr
    assert "imm-operator[tracing] is not installed" in done.stderr


def test_a_call_of_nobodys_trace_costs_microseconds() -> None:
    """Less than a thousandth of what the quickest call to a cloud takes."""

    def calls() -> float:
        began = time.thread_time()
        for _ in range(1000):
            with spans.span("imm:GetProject", {}) as span:
                span.note({})
        return time.thread_time() - began

    assert min(calls() for _ in range(10)) < 0.05


def test_a_call_in_another_thread_is_part_of_the_pass(kept: InMemorySpanExporter) -> None:
    """Two threads further on, too: a pass hands the calls of its import on."""
    passes, chunks = Threads("reconcile", 1), Threads("chunk", 2)

    def call(number: int) -> str:
        with trace.calling(f"imm:Index{number}", "cn-hangzhou") as traced:
            traced.sent()
            traced.answered(f"r-{number}")
        return spans.trace_id()

    with spans.span("pass:BatchImport", {"k8s.object.name": "photos"}):
        ids = set(passes.submit(lambda: list(chunks.map(call, range(3)))).result(60))
        here = spans.trace_id()
    found = by_name(kept)
    whole = found["pass:BatchImport"].get_span_context()
    assert whole is not None
    assert {here} == ids
    for number in range(3):
        part = found[f"imm:Index{number}"]
        assert part.parent is not None
        assert (whole.trace_id, whole.span_id) == (part.parent.trace_id, part.parent.span_id)
        assert ("imm", "cn-hangzhou", f"r-{number}", "ok") == tuple(
            (part.attributes or {})[name]
            for name in ("rpc.service", "cloud.region", "aliyun.request_id", "imm_operator.outcome")
        )
    for pool in (passes, chunks):
        pool.shutdown()


def test_a_refused_call_is_an_error_with_its_request_id(kept: InMemorySpanExporter) -> None:
    """And counted by the name of its class."""
    before = trace.calls.read().get(("imm:CreateBinding", "Denied"), 0)

    def refused() -> None:
        with trace.calling("imm:CreateBinding") as traced:
            traced.sent()
            raise Denied("imm:CreateBinding", "no", code="NoPermission", request_id="r-9")

    with pytest.raises(Denied):
        refused()
    (span,) = kept.get_finished_spans()
    attributes = span.attributes or {}
    assert StatusCode.ERROR is span.status.status_code
    assert ("Denied", "r-9") == (attributes["error.type"], attributes["aliyun.request_id"])
    assert before + 1 == trace.calls.read()["imm:CreateBinding", "Denied"]


def test_the_wait_for_the_limiter_is_told_apart(kept: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a second of waiting is not half a second of the cloud's."""
    now = [0.0]
    monkeypatch.setattr("controller.cloud.trace.time", SimpleNamespace(monotonic=lambda: now[0]))
    limiter = Limiter("test", rate=2, burst=1, clock=lambda: now[0])

    def call() -> None:
        with trace.calling("oss:Waited") as traced, limiter.slot(Lane.EDIT):
            traced.sent()
            now[0] += 0.0625  # the cloud's
            traced.answered("r")

    call()
    waiting = threading.Thread(target=call)
    waiting.start()
    wait_until(lambda: limiter.waiting == 1)
    now[0] += 0.5
    waiting.join(60)
    waits = [(span.attributes or {})["imm_operator.limiter.waited_seconds"] for span in kept.get_finished_spans()]
    assert [0.0, 0.5] == waits
    assert ([0, 0, 2, *[0] * 9], 0.125) == trace.calls.seconds()["oss:Waited"]


def test_a_call_that_never_left_is_not_counted(kept: InMemorySpanExporter) -> None:
    """The limiter, the gate or the fence kept it back: the span says so, the count of calls does not."""
    with pytest.raises(Throttled), trace.calling("imm:Never"):
        raise Throttled("imm:Never", "not now")
    assert ("imm:Never", "Throttled") not in trace.calls.read()
    assert "imm:Never" not in trace.calls.seconds()
    assert "Throttled" == (kept.get_finished_spans()[0].attributes or {})["imm_operator.outcome"]


def test_parts_of_a_pass_keep_their_request_ids_apart() -> None:
    """Two chunks are sent at the same time; each log line has its own."""
    chunks, both = Threads("chunk", 2), threading.Barrier(2)

    def call(number: int) -> str:
        with trace.calling("imm:BatchIndexFileMeta") as traced:
            traced.sent()
            traced.answered(f"r-{number}")
        both.wait(60)
        return trace.request_id_of("imm:BatchIndexFileMeta")

    trace.begin()
    with trace.calling("imm:BatchIndexFileMeta") as traced:
        traced.answered("of the pass")
    assert ["r-0", "r-1"] == list(chunks.map(call, range(2)))
    assert "of the pass" == trace.request_id_of("imm:BatchIndexFileMeta")
    chunks.shutdown()

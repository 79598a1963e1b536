"""What the calls of this process leave behind for logs, metrics and traces: request ids, counts, times and spans."""

from __future__ import annotations

import logging
import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from controller.cloud import pulse, spans
from controller.cloud.errors import CloudError

# The request id of this thread's last successful call of each operation, for log line and event of the action that made
# it: the call may have been followed by a look-up.
_request_ids: ContextVar[dict[str, str] | None] = ContextVar("request_ids", default=None)
BOUNDS = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 30.0)  # seconds
log = logging.getLogger(__name__)


class Call:
    """A call under way."""

    def __init__(self, operation: str, span: spans.Span) -> None:
        self._operation = operation
        self._span = span
        self._request_id = ""
        self._asked_at = time.monotonic()
        self._sent_at: float | None = None

    def sent(self) -> None:
        """Every wait before it is over."""
        self._sent_at = time.monotonic()
        self._span.note({"imm_operator.limiter.waited_seconds": self._sent_at - self._asked_at})
        pulse.beat(self._operation)

    def answered(self, request_id: str) -> None:
        """It did what it was made for."""
        self._request_id = request_id
        known = _ids()
        known.pop(self._operation, None)
        known[self._operation] = request_id  # the last one, for `latest`

    def end(self, error: Exception | None) -> None:
        """Count it, unless it never left."""
        request_id = error.request_id if isinstance(error, CloudError) else self._request_id
        outcome = type(error).__name__ if error is not None else "ok"
        self._span.note({"imm_operator.outcome": outcome} | ({"aliyun.request_id": request_id} if request_id else {}))
        if error is not None:
            self._span.fail(error)
        if self._sent_at is None:
            return
        seconds = time.monotonic() - self._sent_at
        calls.add(self._operation, outcome, seconds)
        told = {"operation": self._operation, "requestId": request_id}
        log.debug("%s: %s in %.3f s", self._operation, outcome, seconds, extra=told)


@contextmanager
def calling(operation: str, region: str = "") -> Iterator[Call]:
    """Around one call and its waits. The adapter says when it is `sent`, and `answered`; what it raises is counted."""
    service, _, name = operation.partition(":")
    attributes = {"rpc.service": service, "rpc.method": name, "cloud.provider": "alibaba_cloud", "cloud.region": region}
    with spans.span(operation, {key: value for key, value in attributes.items() if value}) as span:
        call = Call(operation, span)
        pulse.beat(f"waits to call {operation}", waiting=True)
        try:
            yield call
        except Exception as error:
            call.end(error)
            raise
        else:
            call.end(None)
        finally:
            pulse.beat()


def request_id_of(operation: str) -> str:
    """The request id of this thread's last successful call of an operation, e.g. `imm:CreateBinding`."""
    return (_request_ids.get() or {}).get(operation, "")


def latest() -> tuple[str, str]:
    """Operation and request id of this thread's last successful call; empty before the first."""
    return next(reversed((_request_ids.get() or {}).items()), ("", ""))


def told(operation: str) -> dict[str, str]:
    """Fields of a log line about this thread's last successful call of an operation, for `extra`."""
    return {"operation": operation, "requestId": request_id_of(operation)}


def begin() -> None:
    """From here on the present context has request ids of its own."""
    _request_ids.set({})


def _ids() -> dict[str, str]:
    known = _request_ids.get()
    if known is None:
        known = {}
        _request_ids.set(known)
    return known


class CallCounts:
    """Calls by operation (`imm:CreateBinding`) and outcome (`ok`, or the name of the error's class)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._seconds: dict[str, tuple[list[int], float]] = {}

    def add(self, operation: str, outcome: str, seconds: float = 0.0) -> None:
        """Count one call that took so many seconds, its waits left out."""
        with self._lock:
            self._counts[operation, outcome] += 1
            buckets, total = self._seconds.get(operation, ([0] * (len(BOUNDS) + 1), 0.0))
            buckets[bisect_left(BOUNDS, seconds)] += 1
            self._seconds[operation] = buckets, total + seconds

    def read(self) -> dict[tuple[str, str], int]:
        """The counts so far."""
        with self._lock:
            return dict(self._counts)

    def seconds(self) -> dict[str, tuple[list[int], float]]:
        """By operation: the calls in each of `BOUNDS`, above the one before, then those above all; and all seconds."""
        with self._lock:
            return {operation: (list(buckets), total) for operation, (buckets, total) in self._seconds.items()}


calls = CallCounts()

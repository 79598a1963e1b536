"""What the calls of this process leave behind for logs and metrics: the last request id, and counts."""

from __future__ import annotations

import threading
from collections import Counter
from contextvars import ContextVar

# The request id of this thread's last successful call of each operation, for log line and event of the action that made
# it: the call may have been followed by a look-up.
_request_ids: ContextVar[dict[str, str] | None] = ContextVar("request_ids", default=None)


def succeeded(operation: str, request_id: str) -> None:
    """Count a successful call, and remember its request id."""
    calls.add(operation, "ok")
    known = _request_ids.get()
    if known is None:
        known = {}
        _request_ids.set(known)
    known[operation] = request_id


def request_id_of(operation: str) -> str:
    """The request id of this thread's last successful call of an operation, e.g. `imm:CreateBinding`."""
    return (_request_ids.get() or {}).get(operation, "")


class CallCounts:
    """Calls by operation (`imm:CreateBinding`) and outcome (`ok`, or the name of the error's class)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()

    def add(self, operation: str, outcome: str) -> None:
        """Count one call."""
        with self._lock:
            self._counts[operation, outcome] += 1

    def read(self) -> dict[tuple[str, str], int]:
        """The counts so far."""
        with self._lock:
            return dict(self._counts)


calls = CallCounts()

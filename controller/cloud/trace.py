"""What the calls of this process leave behind for logs and metrics: the last request id, and counts."""

from __future__ import annotations

import threading
from collections import Counter
from contextvars import ContextVar

# The request id of this thread's last successful call, for the log line of the action that made it.
last_request_id: ContextVar[str] = ContextVar("last_request_id", default="")


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

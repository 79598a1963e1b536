"""What this process released and left in the cloud, as a count: in a terminating namespace no event can tell of it."""

from __future__ import annotations

import logging
import threading
from collections import Counter

from controller.core.reasons import Reason

LEFT_BEHIND = (Reason.RETAINED, Reason.DETACHED, Reason.ORPHANED)


def level(reason: Reason) -> int:
    """How loud the log line is."""
    return logging.WARNING if reason is Reason.ORPHANED else logging.INFO


class DepartureCounts:
    """Objects released with their cloud resource still there, by kind and reason."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()

    def add(self, kind: str, reason: Reason) -> None:
        """Count one release, if it left something behind."""
        if reason in LEFT_BEHIND:
            with self._lock:
                self._counts[kind, reason.value] += 1

    def read(self) -> dict[tuple[str, str], int]:
        """The counts so far."""
        with self._lock:
            return dict(self._counts)


counts = DepartureCounts()
